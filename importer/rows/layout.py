"""String columns whose values are all of one width, as nearly all serials of a list are: a block of bytes. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Block = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int32]


def laid_out(column: Any) -> tuple[Block, npt.NDArray[np.int32]]:
    """The bytes of an Arrow string column without nulls, one value after the other, and where each begins; one more
    place ends the last.
    """
    if not len(column):
        return np.empty(0, np.uint8), np.zeros(1, np.int32)
    _, places, data = column.buffers()
    offsets = np.frombuffer(places, np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def block(column: Any) -> Block | None:
    """The values of such a column, a row each; None where they are not of one width, or none are there."""
    data, places = laid_out(column)
    widths = np.diff(places)
    if not len(widths) or (widths != widths[0]).any():
        return None
    return data.reshape(len(widths), widths[0])


LINE_FEED = 10


def lines(serials: Any) -> tuple[bytes, Indices]:
    """The text of an Arrow column of serials, each followed by a line feed, and where in it each one starts; one more
    place ends the last.
    """
    same = block(serials)
    if same is not None:
        count, width = same.shape
        text = np.full((count, width + 1), LINE_FEED, np.uint8)
        text[:, :width] = same
        return text.tobytes(), np.arange(count + 1, dtype=np.int32) * np.int32(width + 1)
    import pyarrow.compute as pc  # noqa: PLC0415  slow to load, and listing runs doesn't need it

    joined = pc.binary_join_element_wise(serials, "\n", "")
    places = np.frombuffer(joined.buffers()[1], np.int32, len(joined) + 1, joined.offset * 4)
    return bytes(joined.buffers()[2] or b""), places


def column(text: bytes, count: int) -> Any:
    """An Arrow column of the serials in a text, each of them followed by one of its `count` line feeds."""
    lengths = len(text) // count - 1 if count else 0
    data = np.frombuffer(text, np.uint8)
    if lengths > 0 and len(text) == count * (lengths + 1) and (data[lengths :: lengths + 1] == LINE_FEED).all():
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(lengths)
        serials = data.reshape(count, -1)[:, :lengths].tobytes()
    else:
        offsets = np.zeros(count + 1, np.int32)
        offsets[1:] = np.flatnonzero(data == LINE_FEED) - np.arange(count)
        serials = text.replace(b"\n", b"")
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(serials))
