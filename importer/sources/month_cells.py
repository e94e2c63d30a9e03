"""Date cells that show only a month and a year: such a cell means the month, whatever day lies behind it.

The spreadsheet reader gives the day and keeps to itself how it is shown. A workbook without such a format costs a look
at its styles; an unusual one has fewer such cells here, not wrong ones.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError

import numpy as np
import numpy.typing as npt
import olefile
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from importer.sources.files import Kind
from importer.sources.sheet_binary import relation_of, xls_records, xlsb_records
from importer.sources.sheet_xlsx import attributes, column_letters, member_of, related
from importer.sources.workbook_opening import parts_of
from importer.sources.workbook_parts import Book

Rows = npt.NDArray[np.int64]
"""Numbers of rows, from 1; they rise."""

_NONE: Rows = np.empty(0, np.int64)
_BUILT_IN = frozenset({17, 55})
"""mmm-yy, and the same in Japanese: formats that a workbook need not spell out."""
_ASIDE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_BLOCK = 1 << 20
_CARRY = 1 << 12


def shows_month(code: str) -> bool:
    """Whether a format shows a month and a year, and no day and no time: mmm-yy, mm/yyyy, [$-407]mmmm yyyy;@."""
    letters = _ASIDE.sub("", code.split(";", maxsplit=1)[0]).casefold()
    return "m" in letters and ("y" in letters or "e" in letters) and not set("dhsg0#?") & set(letters)


def month_cells(path: Path, kind: Kind, index: int, column: int) -> Rows:
    """The rows of the sheet at that place in which the cells of a column (from 0) are dates that show only a month."""
    try:
        return _READERS[kind](parts_of(path, kind), index, column)
    except (OSError, StopIteration, struct.error, IndexError, ValueError, KeyError, RuntimeError, MemoryError):
        return _NONE
    except (zipfile.BadZipFile, zlib.error, EOFError, ParseError, DefusedXmlException):
        return _NONE


def _sorted(rows: Iterator[int]) -> Rows:
    return np.unique(np.fromiter(rows, np.int64))


# --- .xlsx ---------------------------------------------------------------------------------------------------------

_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\b([^>]*)>")
_CELL_FORMATS = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_CELL_FORMAT = re.compile(rb"<(?:\w+:)?xf\b([^>]*)>")


def _xlsx(path: Book, index: int, column: int) -> Rows:
    with zipfile.ZipFile(path) as archive:
        styles, member = archive.read("xl/styles.xml"), member_of(archive, index)
        formats = {int(found["numFmtId"]): found["formatCode"] for found in map(attributes, _FORMAT.findall(styles))}
        used = _CELL_FORMATS.search(styles)
        cells = [int(attributes(tag).get("numFmtId", "0")) for tag in _CELL_FORMAT.findall(used[0] if used else b"")]
        wanted = _month_styles(formats, cells)
        if not wanted or member is None:
            return _NONE
        with archive.open(member) as sheet:
            return _sorted(_xlsx_rows(sheet, wanted, column))


def _month_styles(formats: dict[int, str], cells: Collection[int]) -> list[int]:
    """Of the styles of cells, each the number of its format, those that show only a month."""
    return [
        style
        for style, number in enumerate(cells)
        if (shows_month(formats[number]) if number in formats else number in _BUILT_IN)
    ]


def _xlsx_rows(sheet: IO[bytes], styles: Collection[int], column: int) -> Iterator[int]:
    ids = b"|".join(str(style).encode() for style in styles)
    letters = column_letters(column)
    # 1.4 s for 1 M rows, in workbooks that have such a format
    place, style = rb' r="' + letters + rb'(\d{1,10})"', rb' s="(?:' + ids + rb')"'
    patterns = (re.compile(place + rb"[^<>]*" + style), re.compile(style + rb"[^<>]*" + place))
    rest = b""
    while block := sheet.read(_BLOCK):
        text = rest + block
        cut = max(text.rfind(b">") + 1, len(text) - _CARRY)
        for pattern in patterns:
            yield from map(int, pattern.findall(text, 0, cut))
        rest = text[cut:]


# --- .xlsb and .xls ------------------------------------------------------------------------------------------------

_XLSB_ROW, _XLSB_CELLS = 0, {2, 5, 9}  # small and large numbers, formulas
_XLSB_FORMAT, _XLSB_STYLE, _XLSB_STYLES, _XLSB_STYLES_END, _XLSB_SHEET = 44, 47, 617, 618, 156


def _xlsb(path: Book, index: int, column: int) -> Rows:
    with zipfile.ZipFile(path) as archive:
        wanted = set(_xlsb_styles(archive.read("xl/styles.bin")))
        sheets = (body for kind, body in xlsb_records(archive.read("xl/workbook.bin")) if kind == _XLSB_SHEET)
        part = related(archive, "xl/_rels/workbook.bin.rels", relation_of(next(islice(sheets, index, None))))
        return _sorted(_xlsb_rows(archive.read(part), wanted, column)) if wanted and part else _NONE


def _xlsb_styles(data: bytes) -> list[int]:
    formats: dict[int, str] = {}
    cells: list[int] = []
    inside = False
    for kind, body in xlsb_records(data):
        if kind == _XLSB_FORMAT:
            number, length = struct.unpack_from("<HI", body)
            formats[number] = body[6 : 6 + 2 * length].decode("utf-16-le")
        elif kind in (_XLSB_STYLES, _XLSB_STYLES_END):
            inside = kind == _XLSB_STYLES
        elif kind == _XLSB_STYLE and inside:
            cells.append(int.from_bytes(body[2:4], "little"))
    return _month_styles(formats, cells)


def _xlsb_rows(data: bytes, styles: Collection[int], column: int) -> Iterator[int]:
    row = 0
    for kind, body in xlsb_records(data):
        if kind == _XLSB_ROW:
            row = int.from_bytes(body[:4], "little") + 1
        elif kind in _XLSB_CELLS and int.from_bytes(body[:4], "little") == column and _xlsb_style(body) in styles:
            yield row


def _xlsb_style(cell: bytes) -> int:
    return int.from_bytes(cell[4:7], "little")


_XLS_FORMULA, _XLS_SHEET, _XLS_MANY, _XLS_STYLE = 0x0006, 0x0085, 0x00BD, 0x00E0
_XLS_NUMBER, _XLS_SMALL, _XLS_FORMAT = 0x0203, 0x027E, 0x041E


def _xls(path: Book, index: int, column: int) -> Rows:
    with olefile.OleFileIO(str(path)) as file:
        name = next(name for name in ("Workbook", "Book") if file.exists(name))
        data = file.openstream(name).read()
    formats: dict[int, str] = {}
    cells: list[int] = []
    sheets: list[int] = []
    for kind, body in xls_records(data, 0):
        if kind == _XLS_FORMAT:
            formats[int.from_bytes(body[:2], "little")] = _xls_text(body[2:])
        elif kind == _XLS_STYLE:
            cells.append(int.from_bytes(body[2:4], "little"))
        elif kind == _XLS_SHEET:
            sheets.append(int.from_bytes(body[:4], "little"))
    wanted = set(_month_styles(formats, cells))
    return _sorted(_xls_rows(data, sheets[index], wanted, column)) if wanted else _NONE


def _xls_text(body: bytes) -> str:
    """A string with its length in two bytes and a byte that says how wide its characters are."""
    length, wide = struct.unpack_from("<HB", body)
    return body[3 : 3 + 2 * length].decode("utf-16-le") if wide & 1 else body[3 : 3 + length].decode("latin-1")


def _xls_rows(data: bytes, start: int, styles: Collection[int], column: int) -> Iterator[int]:
    for kind, body in xls_records(data, start):
        if kind in (_XLS_NUMBER, _XLS_SMALL, _XLS_FORMULA):
            row, at, style = struct.unpack_from("<HHH", body)
            if at == column and style in styles:
                yield row + 1
        elif kind == _XLS_MANY:
            row, first = struct.unpack_from("<HH", body)
            at = 4 + 6 * (column - first)
            if first <= column and at + 6 <= len(body) - 2 and int.from_bytes(body[at : at + 2], "little") in styles:
                yield row + 1


# --- .ods ----------------------------------------------------------------------------------------------------------

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_NUMBER = "{urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0}"
_MONTH_STYLE = re.compile(rb"<number:date-style\b(?:(?!</number:date-style>).)*?<number:month\b", re.DOTALL)
_STYLES_END = b"</office:automatic-styles>"
_MOST_STYLES = 1 << 24
_WITH_DAY = {f"{_NUMBER}{name}" for name in ("day", "day-of-week", "hours", "minutes", "seconds")}


def _ods(path: Book, index: int, column: int) -> Rows:
    with zipfile.ZipFile(path) as archive:
        with archive.open("content.xml") as content:
            head = content.read(_MOST_STYLES).partition(_STYLES_END)[0]
        common = archive.read("styles.xml") if "styles.xml" in archive.namelist() else b""
        if not _MONTH_STYLE.search(head + common):
            return _NONE
        styles = _OdsStyles()
        if common:
            with archive.open("styles.xml") as content:
                for _, element in iterparse(content, ("end",), forbid_dtd=True):
                    styles.note(element)
        with archive.open("content.xml") as content:
            return _sorted(_ods_rows(content, styles, index, column))


class _OdsStyles:
    """The styles of cells that show a month and a year alone, by name."""

    def __init__(self) -> None:
        self._dates: set[str] = set()
        self.cells: set[str] = set()

    def note(self, element: Any) -> None:
        if element.tag == f"{_NUMBER}date-style":
            parts = {part.tag for part in element}
            if {f"{_NUMBER}month", f"{_NUMBER}year"} <= parts and not parts & _WITH_DAY:
                self._dates.add(element.get(f"{_STYLE}name", ""))
        elif element.tag == f"{_STYLE}style":
            date, parent = element.get(f"{_STYLE}data-style-name"), element.get(f"{_STYLE}parent-style-name")
            if date in self._dates or (date is None and parent in self.cells):
                self.cells.add(element.get(f"{_STYLE}name", ""))


def _ods_rows(content: IO[bytes], styles: _OdsStyles, index: int, column: int) -> Iterator[int]:
    sheet, row, at, columns, usual, month = -1, 1, 0, 0, "", False
    for event, element in iterparse(content, ("start", "end"), forbid_dtd=True):
        repeated = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        if event == "start":
            if element.tag == f"{_TABLE}table":
                sheet, row, columns, usual = sheet + 1, 1, 0, ""
            elif element.tag == f"{_TABLE}table-row":
                at, month = 0, False
        elif element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            if at <= column < at + repeated and sheet == index and element.get(f"{_OFFICE}date-value"):
                month = element.get(f"{_TABLE}style-name", usual) in styles.cells
            at += repeated
        elif element.tag == f"{_TABLE}table-column":
            if columns <= column < columns + repeated:
                usual = element.get(f"{_TABLE}default-cell-style-name", "")
            columns += repeated
        elif element.tag == f"{_TABLE}table-row":
            first, row = row, row + int(element.get(f"{_TABLE}number-rows-repeated", "1"))
            yield from range(first, row) if month else ()
            element.clear()
        else:
            styles.note(element)


_READERS: dict[Kind, Callable[[Book, int, int], Rows]] = {
    Kind.XLSX: _xlsx,
    Kind.XLSM: _xlsx,
    Kind.XLSB: _xlsb,
    Kind.XLS: _xls,
    Kind.ODS: _ods,
}
