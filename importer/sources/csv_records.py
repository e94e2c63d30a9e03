"""The records of a text list as columns, each with its true row number, straight from Arrow's parser."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv

from importer.errors import SourceError

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
            return SourceError("rows_ragged", name=self._name, width=self._width)
        if "straddling" in reason:
            return SourceError("record_too_long", name=self._name, row=self._next - 1, most=BLOCK)
        return SourceError(
            "list_unreadable_after", name=self._name, row=self._next - 1, reason=reason.splitlines()[0][:200]
        )

    def _left_open(self) -> SourceError:
        return SourceError("quote_never_closed", name=self._name, row=max(self._next - 1, 1))


# The bytes of a list below its header, on their way to the parser: watched for quotation marks, and given an end.
# A quotation mark where none may stand can swallow rows without a trace; what is watched here makes that an error.
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
                    raise SourceError("quote_inside_field", name=self._name, line=line[:80]) from error

    def _lone_marks(self, data: npt.NDArray[np.uint8]) -> list[int]:
        """Marks between two ordinary characters, other than the first one of a wrapper `="…"`."""
        marks = np.flatnonzero(data == _QUOTE)
        marks = marks[(marks >= 2) & (marks < len(data) - 1)]  # noqa: PLR2004  the two before it are looked at
        before, after = data[marks - 1], data[marks + 1]
        ordinary = ~self._edges & (np.arange(256) != _QUOTE)
        lone = ordinary[before] & ordinary[after]
        lone &= ~((before == _EQUALS) & self._edges[data[marks - 2]])
        return [int(p) for p in marks[lone]]
