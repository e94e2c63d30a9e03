"""Rows as the lines of a CSV list, by operations on whole columns: no row is looked at in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import Action, Outcome
from importer.reports.columns import LISTS, UNDO, headers, row_numbers, sheets
from importer.reports.csv_fields import spelled
from importer.reports.publishing import Draft, Drafts
from importer.reports.summary import FileEntry
from importer.rows.layout import laid_out

_LaidOut = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]

_MOST_CODES = 1 << 62
_SLICE = 1 << 14
"""Lines made at once: bounds the memory, and keeps a slice of long lines under Arrow's 2 GiB."""
_LONG = 64
"""Rows in a stretch, on the average, from which on stretches are filled."""
_NULL = "a row of the report has a value that is null"
_PRODUCT = ("gtin", "batch", "expiry")
_FATE = ("outcome", "code", "message", "chunk", "attempts", "recorded_at")


def header_line(sheet_names: Sequence[str]) -> bytes:
    """The first line, behind the byte order mark by which a spreadsheet knows UTF-8."""
    return ("\ufeff" + ",".join(headers(sheet_names)) + "\r\n").encode()


def csv_lines(rows: pa.RecordBatch, sheet_names: Sequence[str]) -> Iterator[pa.Buffer]:
    """The lines of `rows` (schema OUTCOMES), each with its CRLF, as buffers to be written one after the other."""
    if rows["serial"].null_count or rows["key"].null_count:
        raise ValueError(_NULL)
    fate = [_few(rows[name]) for name in _FATE]
    if len(sheet_names) > 1:
        fate.append(_few(sheets(rows["key"], sheet_names)))
    product = [_few(rows[name]) for name in _PRODUCT]
    columns = _Columns(spelled(rows["serial"]), product, row_numbers(rows["key"]), fate)
    for start in range(0, len(rows), _SLICE):
        yield columns.slice(start, _SLICE).lines()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Fields as they are spelled. In `product` and `fate` few are distinct."""

    serial: pa.StringArray
    product: Sequence[pa.DictionaryArray]
    number: pa.StringArray
    fate: Sequence[pa.DictionaryArray]

    def slice(self, start: int, length: int) -> _Columns:
        product, fate = ([column.slice(start, length) for column in few] for few in (self.product, self.fate))
        return _Columns(self.serial.slice(start, length), product, self.number.slice(start, length), fate)

    def lines(self) -> pa.Buffer:
        serials, numbers = laid_out(self.serial), laid_out(self.number)
        shared = [column.indices.to_numpy() for column in (*self.product, *self.fate)]
        stretches = _stretches([*shared, np.diff(serials[1]), np.diff(numbers[1])])
        if len(stretches) * _LONG <= len(self.serial):
            return self._filled(stretches, serials, numbers)
        return _text(self.serial, _joined(self.product), self.number, _ended(_joined(self.fate)))

    def _filled(self, stretches: Sequence[int], serials: _LaidOut, numbers: _LaidOut) -> pa.Buffer:
        """Lines that differ, in long stretches, by serial and number only: all that they share is put down at once."""
        ends = [*stretches[1:], len(self.serial)]
        shared = zip(_texts(self.product, stretches), _texts(self.fate, stretches), strict=True)
        lines = []
        for start, end, (front, back) in zip(stretches, ends, shared, strict=True):
            serial, number = (
                data[places[start] : places[end]].reshape(end - start, places[start + 1] - places[start])
                for data, places in (serials, numbers)
            )
            parts = (bytes(serial[0]), f",{front},".encode(), bytes(number[0]), f",{back}\r\n".encode())
            whole = np.tile(np.frombuffer(b"".join(parts), np.uint8), (end - start, 1))
            whole[:, : serial.shape[1]] = serial
            place = serial.shape[1] + len(parts[1])
            whole[:, place : place + number.shape[1]] = number
            lines.append(whole.reshape(-1))
        return pa.py_buffer(np.concatenate(lines))


def _stretches(columns: Sequence[npt.NDArray[np.int32]]) -> list[int]:
    """Where rows begin that are alike in all of these columns."""
    changes = np.zeros(len(columns[0]), np.bool_)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes).tolist()


def _texts(columns: Sequence[pa.DictionaryArray], rows: Sequence[int]) -> list[str]:
    """What these rows have in columns of few distinct values, joined with commas."""
    fields = []
    for column in columns:
        values = column.dictionary.to_pylist()
        fields.append([values[place] for place in column.indices.to_numpy()[rows].tolist()])
    return [",".join(line) for line in zip(*fields, strict=True)]


def _text(*columns: pa.Array) -> pa.Buffer:
    """Lines whose values are joined one by one."""
    plain = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
    lines = pc.binary_join_element_wise(*plain, ",")
    if lines.null_count:
        raise ValueError(_NULL)
    return lines.buffers()[2]


def _few(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """A column of few distinct values, with each of them spelled once."""
    return pa.DictionaryArray.from_arrays(column.indices, spelled(column.dictionary))


def _joined(columns: Sequence[pa.DictionaryArray]) -> pa.DictionaryArray:
    """Columns of few distinct values as one, each combination joined with commas once. Most have one value only."""
    choices = [max(1, len(column.dictionary)) for column in columns]
    if math.prod(choices) > _MOST_CODES:
        half = len(columns) // 2
        return _joined([_joined(columns[:half]), _joined(columns[half:])])
    codes = np.zeros(len(columns[0]), np.int64)
    for column, count in zip(columns, choices, strict=True):
        if count > 1:
            codes *= count
            codes += column.indices.to_numpy()
    encoded = pa.array(codes).dictionary_encode()
    places = np.unravel_index(encoded.dictionary.to_numpy(), choices)
    parts = [column.dictionary.take(pa.array(place)) for column, place in zip(columns, places, strict=True)]
    return pa.DictionaryArray.from_arrays(encoded.indices, pc.binary_join_element_wise(*parts, ","))


def _ended(column: pa.DictionaryArray) -> pa.DictionaryArray:
    values = pc.binary_join_element_wise(column.dictionary, "\r\n", "")
    return pa.DictionaryArray.from_arrays(column.indices, values)


class CsvLists:
    """assigned.csv and not_assigned.csv; and undo.csv, those lines of the first that can be taken back."""

    def __init__(self, drafts: Drafts, sheet_names: Sequence[str], action: Action = Action.COMMISSION) -> None:
        self._sheet_names = sheet_names
        good, bad = LISTS[action]
        self._files = {True: drafts.open(good), False: drafts.open(bad)}
        self._undo = drafts.open(UNDO) if action is Action.COMMISSION else None
        for file in self._every():
            file.rows = 0
            file.write(header_line(sheet_names))

    def _every(self) -> list[Draft]:
        return [*self._files.values(), *([self._undo] if self._undo else [])]

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None:
        if not (good and self._undo):
            self._write(rows, self._files[good])
            return
        own = pc.equal(rows["outcome"].dictionary_decode(), Outcome.ASSIGNED.value)
        if own.true_count == len(rows):  # nearly always: the lines are made once
            self._write(rows, self._files[True], self._undo)
        else:
            self._write(rows, self._files[True])
            self._write(rows.filter(own), self._undo)

    def _write(self, rows: pa.RecordBatch, *files: Draft) -> None:
        for file in files:
            file.rows = (file.rows or 0) + len(rows)
        for lines in csv_lines(rows, self._sheet_names):
            for file in files:
                file.write(lines)

    def finish(self) -> list[FileEntry]:
        return [file.finish() for file in self._every()]
