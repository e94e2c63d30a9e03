"""Rows as the XML of a worksheet (ECMA-376 part 1, 18.3.1), by operations on whole columns.

XlsxWriter takes 70 seconds for a million rows, this takes one: so XlsxWriter makes the sheets, and their rows come
from here (see workbook.py).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.reports.spool import Part
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


# Copies a workbook and sets rows into its sheets, where XlsxWriter's frame left a mould for them.
_ZIP32 = (1 << 31) - 1
"""A member that may pass this needs ZIP64, which not every spreadsheet likes: it is used where it must be."""

_COPY = 1 << 20
_MOULD = re.compile(rb"<row [^>]*>(?:<c [^>]*/>)+</row>(?=</sheetData>)")
_DIMENSION = re.compile(rb'(<dimension ref="A1:[A-Z]+)2"/>')
_STYLE = re.compile(rb'<c r="[A-Z]+[0-9]+" s="([0-9]+)"/>')


@dataclass(frozen=True, slots=True)
class Filling:
    """The rows of one sheet: the next `part.rows` of `batches` (`part.size` bounds their XML), as `show` shows them."""

    part: Part
    batches: Iterator[pa.RecordBatch]
    show: Callable[[pa.RecordBatch], Sequence[Column]]


def fill(source: zipfile.ZipFile, target: zipfile.ZipFile, fillings: Mapping[str, Filling]) -> None:
    """Copy all members of `source`, in its order; those that `fillings` names get their rows."""
    for member in source.infolist():
        content = source.read(member)
        filling = fillings.get(member.filename)
        if filling is None or not filling.part.rows:
            target.writestr(member.filename, content)
            continue
        head, styles, tail = _split(content, filling.part.rows)
        large = len(content) + filling.part.size > _ZIP32
        with target.open(member.filename, "w", force_zip64=large) as sheet:
            sheet.write(head)
            _write_rows(sheet, filling, styles)
            sheet.write(tail)


def _split(content: bytes, rows: int) -> tuple[bytes, list[str], bytes]:
    """What stands before the mould, with the size of the sheet put right, its cells' styles, and what stands behind."""
    mould = _MOULD.search(content)
    if mould is None:
        raise ValueError("the frame of the workbook has no mould for its rows")
    head = _DIMENSION.sub(rb'\g<1>%d"/>' % (rows + 1), content[: mould.start()])
    return head, [style.decode() for style in _STYLE.findall(mould[0])], content[mould.end() :]


def _write_rows(sheet: IO[bytes], filling: Filling, styles: Sequence[str]) -> None:
    row, end = 2, 2 + filling.part.rows
    while row < end:
        batch = next(filling.batches)
        for buffer in sheet_rows(filling.show(batch), row, styles):
            for start in range(0, buffer.size, _COPY):
                sheet.write(memoryview(buffer)[start : start + _COPY])
        row += len(batch)
