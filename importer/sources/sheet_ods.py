"""How large an .ods sheet becomes when it is read: cells that are written once may count a billion times."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

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
