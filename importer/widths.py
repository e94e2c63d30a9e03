"""String columns whose values are all of one width, as nearly all serials of a list are: a block of bytes. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.uint8]


def widths(column: Any) -> npt.NDArray[np.int32]:
    """The width of each value of an Arrow string column, in bytes."""
    return np.diff(_offsets(column))


def block(column: Any) -> Block | None:
    """The values of an Arrow string column without nulls, a row each; None where they are not of one width, or none
    are there.
    """
    offsets = _offsets(column)
    each = np.diff(offsets)
    if not len(each) or (each != each[0]).any():
        return None
    data: Block = np.frombuffer(column.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    return data.reshape(len(each), each[0])


def _offsets(column: Any) -> npt.NDArray[np.int32]:
    if not len(column):
        return np.zeros(1, np.int32)
    return np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
