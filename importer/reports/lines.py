"""Rows as the lines of a CSV list, by operations on whole columns: no row is looked at in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.reports.columns import headers, row_numbers, sheets
from importer.reports.spelling import spelled

_MOST_CODES = 1 << 62
_SLICE = 1 << 14
"""Lines joined at once: bounds the memory, and keeps a slice of long lines under Arrow's 2 GiB."""


def header_line(sheet_names: Sequence[str]) -> bytes:
    """The first line, behind the byte order mark by which a spreadsheet knows UTF-8."""
    return ("\ufeff" + ",".join(headers(sheet_names)) + "\r\n").encode()


def csv_lines(rows: pa.RecordBatch, sheet_names: Sequence[str]) -> Iterator[pa.Buffer]:
    """The lines of `rows` (schema OUTCOMES), each with its CRLF, as buffers to be written one after the other."""
    serial = spelled(rows["serial"])
    product = _joined([_few(rows[name]) for name in ("gtin", "batch", "expiry")])
    fate = [_few(rows[name]) for name in ("outcome", "code", "message", "chunk", "attempts", "recorded_at")]
    if len(sheet_names) > 1:
        fate.append(_few(sheets(rows["key"], sheet_names)))
    end = _ended(_joined(fate))
    number = row_numbers(rows["key"])
    for start in range(0, len(rows), _SLICE):
        columns = [column.slice(start, _SLICE) for column in (serial, product, number, end)]
        yield _text(
            [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
        )


def _text(columns: list[pa.StringArray]) -> pa.Buffer:
    lines = pc.binary_join_element_wise(*columns, ",")
    if lines.null_count:
        raise ValueError("a row of the report has a value that is null")
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
