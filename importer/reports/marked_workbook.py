"""A workbook with the values of another one, its wrong cells coloured and explained. Rows are written as they come."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from importer.reports.spool import Cursor, Mark
from importer.reports.workbook_frame import LOOKS
from importer.rows.returned import BESIDE, unmarked
from importer.rows.tables import ErrorValue, Original, OriginalSheet

MOST_COMMENTS = 500
"""Cells with a comment, in all sheets; the column of reasons says the same of every wrong row. LibreOffice opens and
converts 5,000 comments in 26 s, 5,000 reasons and these comments in 7 s (two busy cores).
"""
MOST_LINKS = 65_000
"""Of a sheet: a spreadsheet takes 65,530 and drops all others."""

_LONGEST = 32_000
_COLUMN_WIDTH = 24
_REASON_WIDTH, _NEXT_WIDTH = 80, 14
_COMMENT = {"author": "importer", "x_scale": 2.6, "y_scale": 1.5, "font_size": 10}
_SHEET_KEY = 32


class MarkedBook:
    """Writes one workbook into `file`."""

    def __init__(self, file: BinaryIO) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = Workbook(file, options)
        self._text = self._book.add_format({"num_format": "@"})
        self._bold = self._book.add_format({"bold": True, "num_format": "@"})
        self._dates = {
            dt.date: self._book.add_format({"num_format": "yyyy-mm-dd"}),
            dt.datetime: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            dt.time: self._book.add_format({"num_format": "hh:mm:ss"}),
            dt.timedelta: self._book.add_format({"num_format": "[hh]:mm:ss"}),
        }
        self._colours: dict[tuple[str, str], Format] = {}
        self._comments = 0

    def write(self, echo: Original, cursor: Cursor) -> int:
        """Write all sheets; gives the number of marked rows."""
        names = {sheet.number: sheet.name for sheet in echo.sheets if sheet.number is not None}
        marked = sum(self._sheet(sheet, cursor, names) for sheet in echo.sheets)
        self._book.close()
        return marked

    def _sheet(self, sheet: OriginalSheet, cursor: Cursor, names: Mapping[int, str]) -> int:
        page = self._book.add_worksheet(sheet.name)
        if sheet.hidden:
            page.hide()
        for place in sheet.positions.values():
            page.set_column(place, place, _COLUMN_WIDTH, self._text)
        if sheet.header_row:
            page.freeze_panes(sheet.header_row, 0)
        beside = _Beside()
        marked = last = 0
        for last, cells in sheet.rows():
            mark = cursor.at(sheet.number << _SHEET_KEY | last) if sheet.number is not None else None
            if last == sheet.header_row and sheet.number is not None:
                beside.find(cells)
            self._row(page, sheet, last, cells, mark, beside)
            if mark:
                marked += 1
                if beside.places:
                    self._explain(page, last - 1, beside, mark, cursor.after(mark.key), names)
        if beside.places and last > sheet.header_row:
            page.autofilter(sheet.header_row - 1, 0, last - 1, beside.last)
        return marked

    def _row(
        self, page: Worksheet, sheet: OriginalSheet, row: int, cells: Sequence[Any], mark: Mark | None, beside: _Beside
    ) -> None:
        codes = frozenset(sheet.positions.values())
        at = _place(mark, sheet.positions_at(row)) if mark else -1
        for place, value in enumerate(cells):
            if place in beside.places and row >= sheet.header_row:
                continue  # what an earlier marking said
            style = self._colour(mark, value) if mark and place == at else self._text if place in codes else None
            self._cell(page, row - 1, place, value, style)
        if row == sheet.header_row and beside.places:
            self._head(page, row - 1, beside)
        if mark:
            if at >= len(cells):
                self._cell(page, row - 1, at, None, self._colour(mark, None))
            self._comment(page, row - 1, at, mark)

    def _head(self, page: Worksheet, row: int, beside: _Beside) -> None:
        for name, place in zip(BESIDE, beside.places, strict=True):
            page.write_string(row, place, name, self._bold)
        page.set_column(beside.places[0], beside.places[0], _REASON_WIDTH)
        page.set_column(beside.places[1], beside.places[1], _NEXT_WIDTH)

    def _explain(
        self, page: Worksheet, row: int, beside: _Beside, mark: Mark, following: Mark | None, names: Mapping[int, str]
    ) -> None:
        reason, link = beside.places
        page.write_string(row, reason, _reason(mark).replace("\n", " ")[:_LONGEST], self._text)
        if following and beside.links < MOST_LINKS:
            beside.links += 1
            name = names[following.key >> _SHEET_KEY].replace("'", "''")
            number = following.key & ((1 << _SHEET_KEY) - 1)
            page.write_url(row, link, f"internal:'{name}'!A{number}", string=f"\u2192 {number}")

    def _cell(self, page: Worksheet, row: int, place: int, value: Any, style: Format | None) -> None:
        if isinstance(value, str):
            page.write_string(row, place, value[:_LONGEST].encode("utf-8", "replace").decode(), style)
        elif isinstance(value, bool):
            page.write_boolean(row, place, value, style)
        elif isinstance(value, (int, float)):
            plain = None if style is self._text else style
            page.write_number(row, place, value if math.isfinite(value) else 0, plain)
        elif isinstance(value, ErrorValue):
            page.write_formula(row, place, f"={value.text}", style, value.text)
        elif value is not None:
            coloured = style if style not in (None, self._text) else self._dates[_kind(value)]
            page.write_datetime(row, place, _plain_date(value), coloured)
        elif style is not None and style is not self._text:
            page.write_blank(row, place, None, style)

    def _colour(self, mark: Mark, value: Any) -> Format:
        """One style per outcome and kind of value: text stays text when it is put right, a date looks like one."""
        number = "yyyy-mm-dd" if isinstance(value, dt.date) else "@"
        if (mark.outcome, number) not in self._colours:
            look = LOOKS[mark.outcome]
            style = {"bg_color": look.paper, "font_color": look.ink, "num_format": number, "border": 1}
            self._colours[mark.outcome, number] = self._book.add_format({**style, "border_color": look.ink})
        return self._colours[mark.outcome, number]

    def _comment(self, page: Worksheet, row: int, place: int, mark: Mark) -> None:
        if self._comments < MOST_COMMENTS:
            self._comments += 1
            page.write_comment(row, place, _reason(mark), _COMMENT)


class _Beside:
    """The two columns beside the list: behind its last one, or where an earlier marking has put them."""

    def __init__(self) -> None:
        self.places: tuple[int, ...] = ()
        self.last = 0
        self.links = 0

    def find(self, header: Sequence[Any]) -> None:
        found = [str(cell).strip() for cell in header]
        own = [found.index(name) for name in BESIDE if name in found]
        self.places = tuple(own) if len(own) == len(BESIDE) else (len(header), len(header) + 1)
        self.last = max(len(header) - 1, *self.places)


def _reason(mark: Mark) -> str:
    return f"{unmarked(mark.message)}\n({mark.outcome}: {mark.code})"


def _place(mark: Mark, positions: Mapping[str, int]) -> int:
    """The cell that is wrong: the one that the message blames, else the serial's."""
    return positions.get(mark.role, positions["serial"])


def _kind(value: Any) -> type:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return dt.date
    return next(kind for kind in (dt.datetime, dt.date, dt.time, dt.timedelta) if isinstance(value, kind))


def _plain_date(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, (dt.datetime, dt.time)) else value
