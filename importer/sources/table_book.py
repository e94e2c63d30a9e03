"""Tables that systems export under a workbook's name, in the shape in which the spreadsheet reader gives sheets.

HTML, XML Spreadsheet 2003, SYLK and JSON: each reader gives its tables, and this makes a workbook of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from python_calamine import SheetTypeEnum, SheetVisibleEnum

MOST_BYTES = 256 << 20
"""A table is read whole: a larger file is refused. 1 M rows of four columns are 80 to 200 MB of HTML."""


@dataclass(slots=True)
class Table:
    """Cells as they are, row by row from the first one on; None is an empty cell."""

    name: str
    rows: list[list[Any]]
    #: The corners of cells that span several rows or columns, rows and columns from 0 on.
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    hidden: bool = False
    #: What a cell shows that holds an error, by row (from 1) and column (from 0).
    errors: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetInfo:
    """What a workbook's directory says of a sheet, as python-calamine names it."""

    name: str
    visible: SheetVisibleEnum
    typ: SheetTypeEnum


class TableSheet:
    """One table as a sheet: rows of one width, empty cells as empty texts."""

    start = (0, 0)

    def __init__(self, table: Table) -> None:
        self._rows = table.rows
        self._width = max(map(len, table.rows), default=0)
        self.merged_cell_ranges = table.merged

    def iter_rows(self) -> Iterator[list[Any]]:
        for row in self._rows:
            cells = ["" if value is None else value for value in row]
            yield cells + [""] * (self._width - len(cells))


class TableBook:
    """All tables of a file. A table without a single cell is none."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = [table for table in tables if any(table.rows)]
        self.sheet_names = [table.name for table in self._tables]

    @property
    def sheets_metadata(self) -> list[SheetInfo]:
        seen = {True: SheetVisibleEnum.Hidden, False: SheetVisibleEnum.Visible}
        return [SheetInfo(table.name, seen[table.hidden], SheetTypeEnum.WorkSheet) for table in self._tables]

    def get_sheet_by_index(self, index: int) -> TableSheet:
        return TableSheet(self._tables[index])

    def errors(self, index: int) -> dict[tuple[int, int], str]:
        """What cells show that hold an error, by row (from 1) and column (from 0)."""
        return self._tables[index].errors
