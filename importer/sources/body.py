"""The bytes of a list below its header, on their way to the parser: watched for quotation marks, and given an end.

A quotation mark where none may stand can swallow rows without a trace; what is watched here makes that an error.
"""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from importer.errors import SourceError

END = "\x00end of list\x00"
"""The first field of a record that is added behind the last one. Where it does not come out of the parser, a quotation
mark was never closed."""

_QUOTE = 34
_EQUALS = 61
_CARRIED = 4096


class Body(io.RawIOBase):
    """`width` fields to a record. `quoted` once a quotation mark was met."""

    def __init__(self, rest: BinaryIO, delimiter: str, width: int, name: str) -> None:
        self._rest = rest
        self._name = name
        self._delimiter = delimiter
        self._end = END.encode() + delimiter.encode() * width + b"\n"
        self._ended = False
        self._ready = b""
        self._last = b"\n"
        self._edges = np.zeros(256, np.bool_)
        self._edges[[10, 13, ord(delimiter)]] = True
        self.quoted = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes until the end: the parser takes a short block without a line break for damage."""
        wanted = size if size >= 0 else 1 << 20
        block, self._ready = self._ready[:wanted], self._ready[wanted:]
        while len(block) < wanted and not self._ended:
            piece = self._rest.read(wanted - len(block))
            if not piece:
                break
            self._look(piece)
            block = block + piece if block else piece
        if len(block) < wanted and not self._ended:
            self._ended = True
            block += (b"" if self._last[-1:] in (b"\n", b"\r") else b"\n") + self._end
            block, self._ready = block[:wanted], block[wanted:]
        return block

    def _look(self, piece: bytes) -> None:
        if b'"' in piece:
            self.quoted = True
            self._watch(self._last[self._last.rfind(b"\n") + 1 :] + piece)
        self._last = (self._last + piece)[-_CARRIED:] if len(piece) < _CARRIED else piece[-_CARRIED:]

    def _watch(self, block: bytes) -> None:
        """Find `"AB"CD`, whose marks the parser would drop in silence."""
        data = np.frombuffer(block, np.uint8)
        for position in self._lone_marks(data):
            start = max(block.rfind(b"\n", 0, position), block.rfind(b"\r", 0, position)) + 1
            line = block[start : start + 4096].splitlines()[0].decode("utf-8", "replace")
            try:
                list(csv.reader([line], delimiter=self._delimiter, strict=True))
            except csv.Error as error:
                if "expected after" in str(error):
                    raise SourceError(
                        f"{self._name}: a quotation mark in the middle of a quoted field, in the line {line[:80]!r}: "
                        f'write a mark that belongs to the value twice ("").'
                    ) from error

    def _lone_marks(self, data: npt.NDArray[np.uint8]) -> list[int]:
        """Marks between two ordinary characters, other than the first one of a wrapper `="…"`."""
        marks = np.flatnonzero(data == _QUOTE)
        marks = marks[(marks >= 2) & (marks < len(data) - 1)]  # noqa: PLR2004  the two before it are looked at
        before, after = data[marks - 1], data[marks + 1]
        ordinary = ~self._edges & (np.arange(256) != _QUOTE)
        lone = ordinary[before] & ordinary[after]
        lone &= ~((before == _EQUALS) & self._edges[data[marks - 2]])
        return [int(p) for p in marks[lone]]
