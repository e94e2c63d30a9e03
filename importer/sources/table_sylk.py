"""The one sheet of a SYLK file (.slk): records of a letter and fields, cells with a value (C), formats (P, F)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from importer.sources.decoding import CODE_PAGES, is_utf8
from importer.sources.table_book import Table

_LONGEST_NUMBER = 9
_MOST_ROW, _MOST_COLUMN = 1 << 20, 1 << 14
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet's dates have no time zone
_DATE = re.compile(r"[dmy]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def read_sylk(data: bytes, encoding: str | None) -> list[Table]:
    """The sheet. Numbers stay numbers, as in a workbook, except that those shown as a date are one."""
    text = data.decode(encoding or ("utf-8" if is_utf8(data, whole=True) else CODE_PAGES[0]), "replace")
    formats: list[str] = []
    cells: dict[tuple[int, int], Any] = {}
    shown: dict[tuple[int, int], int] = {}
    errors: dict[tuple[int, int], str] = {}
    row = column = 1
    for line in text.splitlines():
        kind, *fields = _fields(line)
        values = {field[:1]: field[1:] for field in fields if field}
        row, column = _place(values.get("Y"), row), _place(values.get("X"), column)
        if kind == "P" and fields:
            formats.append(fields[0][1:])
        elif kind == "F" and "P" in values and ("X" in values or "Y" in values):
            shown[row, column] = _place(values["P"], 0)
        elif kind == "C" and "K" in values and row <= _MOST_ROW and column <= _MOST_COLUMN:
            cells[row, column] = _value(values["K"])
            if values["K"].startswith("#"):
                errors[row, column - 1] = values["K"]
    for place, number in shown.items():
        value = cells.get(place)
        if isinstance(value, float) and number < len(formats) and _DATE.search(_LITERAL.sub("", formats[number])):
            cells[place] = _moment(value)
    return [Table("SYLK", _rows(cells), errors=errors)]


def _fields(line: str) -> list[str]:
    """A semicolon that belongs to a value is written twice."""
    return [field.replace("\0", ";") for field in line.replace(";;", "\0").split(";")]


def _place(text: str | None, before: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else before


def _value(text: str) -> Any:
    if text.startswith('"'):
        return text[1:-1] if text.endswith('"') else text[1:]
    if text.upper() in ("TRUE", "FALSE"):
        return text.upper() == "TRUE"
    try:
        return float(text)
    except ValueError:
        return text or None


def _moment(number: float) -> Any:
    try:
        return _EPOCH + dt.timedelta(days=number)
    except OverflowError:
        return number


def _rows(cells: dict[tuple[int, int], Any]) -> list[list[Any]]:
    rows: list[list[Any]] = [[] for _ in range(max((row for row, _ in cells), default=0))]
    for (row, column), value in sorted(cells.items()):
        line = rows[row - 1]
        line.extend([None] * (column - 1 - len(line)))
        line.append(value)
    return rows
