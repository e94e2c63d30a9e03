"""String columns whose values are all of one width, as nearly all serials of a list are: a block of bytes. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.uint8]


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
