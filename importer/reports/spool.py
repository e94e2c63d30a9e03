"""Rows put aside on disk until it is their turn, in the order in which they came. Knows nothing of their use."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from importer.reports.publishing import Drafts


@dataclass(slots=True)
class Part:
    """Consecutive rows of a spool: how many, and the sum of what `measure` said of them."""

    rows: int = 0
    size: int = 0


class Spool:
    """Record batches of one schema in `file`, some 30 bytes a row.

    They come back in `parts` of `rows` rows, the last of which may hold fewer; how many parts there are is known once
    all rows are in.
    """

    def __init__(self, file: BinaryIO, schema: pa.Schema, rows: int, measure: Callable[[pa.RecordBatch], int]) -> None:
        self.parts = [Part()]
        self._rows = rows
        self._measure = measure
        self._file = file
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_stream(self._file, schema, options=options)

    def add(self, rows: pa.RecordBatch) -> None:
        """Put `rows` aside, cut where a part is full."""
        while len(rows):
            if self.parts[-1].rows == self._rows:
                self.parts.append(Part())
            part = self.parts[-1]
            piece = rows.slice(0, self._rows - part.rows)
            self._writer.write_batch(piece)
            part.rows += len(piece)
            part.size += self._measure(piece)
            rows = rows.slice(len(piece))

    def seal(self) -> Iterator[pa.RecordBatch]:
        """End the writing, and give the batches back, once. None of them straddles two parts."""
        self._writer.close()
        self._file.seek(0)
        return iter(pa.ipc.open_stream(self._file))


# What became of the rows of a run, put aside on disk as they pass, and given back in source order.
_MARKS = pa.schema([("key", pa.int64()), *((name, pa.string()) for name in ("outcome", "code", "role", "message"))])
_ALL = 1 << 62


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    key: int
    outcome: str
    code: str
    role: str
    """The cell that the message blames, if any."""
    message: str


class Marks:
    """Good rows and others come in two streams, each in source order."""

    def __init__(self, drafts: Drafts) -> None:
        self._spools = {good: Spool(drafts.scratch(), _MARKS, _ALL, len) for good in (True, False)}

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None:
        columns = [rows[name] for name in _MARKS.names]
        plain = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in columns]
        self._spools[good].add(pa.RecordBatch.from_arrays(plain, schema=_MARKS))

    def read(self) -> Iterator[Mark]:
        """All of them by key, once."""
        return heapq.merge(*(_unpacked(spool.seal()) for spool in self._spools.values()))

    @property
    def rows(self) -> int:
        return sum(part.rows for spool in self._spools.values() for part in spool.parts)


def _unpacked(batches: Iterator[pa.RecordBatch]) -> Iterator[Mark]:
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield Mark(*row)


class Cursor:
    """Looks marks up by keys that rise."""

    def __init__(self, marks: Iterator[Mark]) -> None:
        self._marks = marks
        self._next = next(marks, None)

    def at(self, key: int) -> Mark | None:
        while self._next and self._next.key < key:
            self._next = next(self._marks, None)
        return self._next if self._next and self._next.key == key else None

    def after(self, key: int) -> Mark | None:
        """The first mark behind this key; it is still to come."""
        while self._next and self._next.key <= key:
            self._next = next(self._marks, None)
        return self._next
