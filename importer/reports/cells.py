"""Rows as the XML of a worksheet (ECMA-376 part 1, 18.3.1), by operations on whole columns.

XlsxWriter takes 70 seconds for a million rows, this takes one: so XlsxWriter makes the sheets, and their rows come
from here (see workbook.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.rows.layout import laid_out

_SLICE = 1 << 14
_ROW_SIZE, _CELL_SIZE = 40, 90
"""Bytes that the tags of a row and of a cell take, at most."""

_LONGEST = 16_000
"""Characters of a cell: surely under the 32,767 UTF-16 units that a cell may hold. The CSV lists hold all of it."""

_NOT_PLAIN = b"&<>_" + bytes(range(0x21)) + b"\x7f\xef"
"""Bytes of values that may need escaping, or `xml:space`."""

_CODED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {
    chr(code): f"_x{code:04X}_" for code in (*range(0x09), 0x0B, 0x0C, *range(0x0D, 0x20), 0xFFFE, 0xFFFF)
}
"""Characters and what stands for them; `_x000D_` for those that XML can't hold, or would change."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: text (a string or dictionary array), or whole numbers as text."""

    values: pa.Array
    number: bool = False


def sheet_rows(columns: Sequence[Column], first: int, styles: Sequence[str]) -> Iterator[pa.Buffer]:
    """The `<row>` elements for `columns`, the first in row `first` of the sheet, as buffers.

    `styles` holds the index of each column's cell style.
    """
    rows = len(columns[0].values)
    texts = [(column.values, False) if column.number else _texts(column.values) for column in columns]
    for start in range(0, rows, _SLICE):
        count = min(_SLICE, rows - start)
        numbers = pa.array(np.arange(first + start, first + start + count)).cast(pa.string())
        parts: list[str | pa.Array] = ['<row r="', numbers, '">']
        for place, (column, (values, spaced)) in enumerate(zip(columns, texts, strict=True)):
            start_tag, end_tag = _tags(styles[place], number=column.number, spaced=spaced)
            parts += _cells(f'<c r="{letters(place)}', numbers, start_tag, values.slice(start, count), end_tag)
        yield _text([*parts, "</row>"])


def letters(place: int) -> str:
    """The name of a column, from 0: A to Z. A report has no more."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place]


def _tags(style: str, *, number: bool, spaced: bool) -> tuple[str, str]:
    """What stands in a cell behind its name, before and behind its value."""
    if number:
        return f'" s="{style}"><v>', "</v></c>"
    space = ' xml:space="preserve"' if spaced else ""
    return f'" s="{style}" t="inlineStr"><is><t{space}>', "</t></is></c>"


def _cells(start: str, numbers: pa.Array, middle: str, values: pa.Array, end: str) -> list[str | pa.Array]:
    """The pieces of a column's cells; none where all of them are empty."""
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    if pc.max(pc.binary_length(values)).as_py() == 0:
        return []
    return [start, numbers, middle, values, end]


def xml_size(columns: Sequence[Column]) -> int:
    """An upper bound of what `sheet_rows` makes of these columns, in bytes."""
    return len(columns[0].values) * (_ROW_SIZE + _CELL_SIZE * len(columns)) + sum(_text_size(each) for each in columns)


def _text_size(column: Column) -> int:
    values, _ = _texts(column.values)
    if pa.types.is_dictionary(values.type):
        lengths = pc.binary_length(values.dictionary).take(values.indices)
    else:
        lengths = pc.binary_length(values)
    return int(pc.sum(lengths).as_py() or 0)


def _texts(values: pa.Array) -> tuple[pa.Array, bool]:
    if not pa.types.is_dictionary(values.type):
        return escaped(values)
    texts, spaced = escaped(values.dictionary)
    return pa.DictionaryArray.from_arrays(values.indices, texts), spaced


def escaped(values: pa.StringArray) -> tuple[pa.StringArray, bool]:
    """Values as XML text, and whether blanks in them need `xml:space`."""
    data, longest = _bytes(values)
    if longest <= _LONGEST and len(data.translate(None, _NOT_PLAIN)) == len(data):
        return values, False
    if longest > _LONGEST:
        start = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, _LONGEST), "…", "")
        values = pc.if_else(pc.greater(pc.utf8_length(values), _LONGEST), start, values)
    if b"_x" in data:
        values = pc.replace_substring_regex(values, "_(x[0-9A-Fa-f]{4}_)", "_x005F_\\1")
    for plain, coded in _CODED.items():
        if plain.encode() in data:
            values = pc.replace_substring(values, plain, coded)
    return values, True


def _bytes(values: pa.StringArray) -> tuple[bytes, int]:
    """The bytes of all values, and the length of the longest."""
    data, places = laid_out(values)
    return data.tobytes(), int(np.diff(places).max(initial=0))


def _text(parts: Sequence[str | pa.Array]) -> pa.Buffer:
    joined: list[str | pa.Array] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    rows = pc.binary_join_element_wise(*joined, "")
    if rows.null_count:
        raise ValueError("a row of the report has a value that is null")
    return rows.buffers()[2]
