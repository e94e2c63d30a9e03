"""What became of the rows of a run, put aside on disk as they pass, and given back in source order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from importer.reports.drafts import Drafts
from importer.reports.spool import Spool

_MARKS = pa.schema([("key", pa.int64()), ("outcome", pa.string()), ("code", pa.string()), ("message", pa.string())])
_ALL = 1 << 62


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    key: int
    outcome: str
    code: str
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
