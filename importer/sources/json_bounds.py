"""What a JSON document may hold at most, seen from its bytes before a parser gets them: ijson ends the process at a
number of 4,301 digits, and takes memory with the square of the depth (100,000 brackets: 6 GB).
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from importer.errors import SourceError

MOST_NESTED = 200
MOST_DIGITS = 300
_QUOTE, _ZERO, _TEN = 34, 48, 10
_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


class WatchedJson:
    """A document on its way to the parser."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._bounds = JsonBounds(name)

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._bounds.look(block)
        return block

    def seek(self, offset: int) -> None:
        """To the start, or behind a byte order mark."""
        self._bounds.restart()
        self._file.seek(offset)


class JsonBounds:
    """Watches one document from its first byte on, block by block: about 5 ns a byte. What stands in texts is free."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.restart()

    def restart(self) -> None:
        """The next block is the first one again."""
        self._escaped = False
        self._in_text = False
        self._depth = 0
        self._digits = 0

    def look(self, block: bytes) -> None:
        """Raise SourceError where the document passes a bound in this block."""
        if not block:
            return
        data = np.frombuffer(self._without_escapes(block), np.uint8)
        inside = np.bitwise_xor.accumulate((data == _QUOTE).view(np.uint8)) ^ np.uint8(self._in_text)
        self._in_text = bool(inside[-1])
        steps = _STEPS[data]
        at = np.flatnonzero(steps)
        depths = self._depth + np.cumsum(steps[at][inside[at] == 0], dtype=np.int64)
        if len(depths):
            if depths.max() > MOST_NESTED:
                raise SourceError("nested_too_deep", name=self._name, most=MOST_NESTED)
            self._depth = int(depths[-1])
        self._count_digits(data, inside)

    def _without_escapes(self, block: bytes) -> bytes:
        """As long as before; of a text, what is escaped is gone, so that each quotation mark begins or ends one."""
        if self._escaped:
            block = b"_" + block[1:]
        self._escaped = False
        if b"\\" in block:
            block = block.replace(b"\\\\", b"__").replace(b'\\"', b"__")
            self._escaped = block.endswith(b"\\")
        return block

    def _count_digits(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]], inside: object) -> None:
        others = np.flatnonzero((data - np.uint8(_ZERO) >= _TEN) | (np.asarray(inside) != 0))
        first = int(others[0]) if len(others) else len(data)
        longest = max(self._digits + first, int(np.diff(others).max(initial=0)) - 1)
        self._digits = len(data) - 1 - int(others[-1]) if len(others) else longest
        if max(longest, self._digits) > MOST_DIGITS:
            raise SourceError("number_too_long", name=self._name, most=MOST_DIGITS)
