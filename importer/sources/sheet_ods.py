"""What the XML of an .ods workbook says that the spreadsheet reader keeps to itself: error cells, and how large a sheet
becomes when it is read, since cells that are written once may count a billion times.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

_ERROR = b'calcext:value-type="error"'
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_VALUE_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_BLOCK = 1 << 18
_MOST_ROW = 1 << 22
_END = b"</table:table-row>"
_ROWS = re.compile(rb'table:number-rows-repeated="(\d{1,12})"')
_CELL = re.compile(rb"<table:(?:covered-)?table-cell\b([^>]*?)(/?)>")
_COLUMNS = re.compile(rb'table:number-columns-repeated="(\d{1,12})"')


def extent(path: Path) -> int:
    """The cells that the sheets of a workbook hold together, repeated ones counted as often as they are repeated.

    A row's cells count up to its last one with content, for rows that repeat something.
    """
    cells = 0
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        rest = b""
        while block := stream.read(_BLOCK):
            *rows, rest = (rest + block).split(_END)
            cells += sum(_cells(row) for row in rows if b"-repeated=" in row)
            rest = rest[-_MOST_ROW:]
    return cells


def _cells(row: bytes) -> int:
    row = row[max(row.rfind(b"<table:table-row"), 0) :]
    width = filled = 0
    for cell in _CELL.finditer(row):
        repeated = _COLUMNS.search(cell[1])
        width += int(repeated[1]) if repeated else 1
        filled = filled if cell[2] else width
    head = row[: row.find(b">") + 1]
    times = _ROWS.search(head)
    return filled * (int(times[1]) if times else 1)


def error_cells(path: Path, index: int) -> dict[tuple[int, int], str]:
    """What cells of a sheet show that hold an error, by row (from 1) and column (from 0). Cheap where none does."""
    with zipfile.ZipFile(path) as archive:
        with archive.open("content.xml") as stream:
            if not _holds(stream, _ERROR):
                return {}
        with archive.open("content.xml") as stream:
            try:
                return dict(_errors(stream, index))
            except (ParseError, DefusedXmlException):
                return {}


def _holds(stream: Any, wanted: bytes) -> bool:
    rest = b""
    while block := stream.read(_BLOCK):
        if wanted in rest + block:
            return True
        rest = block[-len(wanted) :]
    return False


def _errors(stream: Any, index: int) -> Iterator[tuple[tuple[int, int], str]]:
    sheet, row, column = -1, 1, 0
    for kind, element in iterparse(stream, ("start", "end"), forbid_dtd=True):
        if kind == "start":
            if element.tag == f"{_TABLE}table":
                sheet, row = sheet + 1, 1
            elif element.tag == f"{_TABLE}table-row":
                column = 0
        elif element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            if sheet == index and element.get(_VALUE_TYPE) == "error":
                yield (row, column), "".join(element.itertext()).strip() or "#ERROR"
            column += int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        elif element.tag == f"{_TABLE}table-row":
            row += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
            element.clear()
