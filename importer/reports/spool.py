"""Rows put aside on disk until it is their turn, in the order in which they came. Knows nothing of their use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa


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
