"""The records of a text list as columns, each with its true row number, straight from Arrow's parser."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv

from importer.errors import SourceError
from importer.sources.body import END, Body

BLOCK = 1 << 20
"""No record may be longer than this: what is longer is a line without end or a quotation mark left open."""
_MOST_WAITING = 200_000


@dataclass(frozen=True, slots=True)
class Ragged:
    """A record with more or fewer fields than the header; `fields` holds as many of them as could be told apart."""

    row: int
    width: int
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class Records:
    """`rows` numbers the records of `columns` (all of them, as strings); `ragged` are those between them."""

    rows: npt.NDArray[np.int64]
    columns: Sequence[Any]
    ragged: Sequence[Ragged]


class RecordReader:
    """Reads a body once, its rows numbered from `first_row` on. SourceError where records can't be told apart."""

    def __init__(self, body: Body, delimiter: str, width: int, first_row: int, name: str) -> None:
        self._body = body
        self._delimiter = delimiter
        self._width = width
        self._name = name
        self._waiting: deque[Ragged] = deque()
        self._overrun = False
        self._before = first_row - 1
        self._next = first_row

    def __iter__(self) -> Iterator[Records]:
        last: Ragged | None = None
        try:
            for batch in self._open():
                records = self._number(batch)
                last = self._take_end(records)
                yield records
                if last:
                    return
            if self._waiting:  # no batch came after them
                records = self._number(
                    pa.record_batch({f"c{i}": pa.array([], pa.string()) for i in range(self._width)})
                )
                last = self._take_end(records)
                yield records
        except pa.ArrowInvalid as error:
            raise self._unreadable(str(error)) from error
        if not last:
            raise self._left_open()

    def _open(self) -> Any:
        names = [f"c{i}" for i in range(self._width)]
        return arrow_csv.open_csv(
            pa.PythonFile(self._body, "r"),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=self._keep,
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                null_values=[],
            ),
        )

    def _keep(self, row: Any) -> str:
        """Called by the parser, before the batch in which the record would stand is handed out."""
        if len(self._waiting) >= _MOST_WAITING:
            self._overrun = True
            return "error"
        self._waiting.append(Ragged(self._before + row.number, row.actual_columns, (row.text,)))
        return "skip"

    def _number(self, batch: Any) -> Records:
        """Give the batch's records the row numbers that the ragged ones between and right behind them left free."""
        end = self._next + batch.num_rows
        between: list[Ragged] = []
        while self._waiting and self._waiting[0].row <= end:
            between.append(self._split(self._waiting.popleft()))
            end += 1
        rows = np.arange(self._next, end, dtype=np.int64)
        if between:
            rows = np.delete(rows, [r.row - self._next for r in between])
        self._next = end
        return Records(rows, batch.columns, between)

    def _split(self, ragged: Ragged) -> Ragged:
        try:
            fields = next(csv.reader([ragged.fields[0]], delimiter=self._delimiter), [])
        except csv.Error:
            fields = []
        return Ragged(ragged.row, ragged.width, fields[: self._width * 2] or ragged.fields)

    @staticmethod
    def _take_end(records: Records) -> Ragged | None:
        """Take the record away that `Body` added behind the last one, if this is it."""
        ragged = records.ragged
        if ragged and ragged[-1].fields[:1] == [END]:
            assert isinstance(ragged, list)
            return ragged.pop()  # type: ignore[no-any-return]
        return None

    def _unreadable(self, reason: str) -> SourceError:
        if self._overrun:
            return SourceError(
                f"{self._name}: hundreds of thousands of rows on end have not the {self._width} fields of the header: "
                f"check the delimiter."
            )
        if "straddling" in reason:
            return SourceError(
                f"{self._name}: a record after row {self._next - 1:,} is longer than {BLOCK >> 20} MB. A quotation "
                f'mark was not closed there, or a line has no end: write a mark that belongs to a value twice ("").'
            )
        return SourceError(f"{self._name} can't be read after row {self._next - 1:,}: {reason.splitlines()[0][:200]}.")

    def _left_open(self) -> SourceError:
        return SourceError(
            f"{self._name}: a quotation mark in or after row {max(self._next - 1, 1):,} was never closed: close it, or "
            f'write a mark that belongs to a value twice ("").'
        )
