"""A list in a workbook: finds the sheet that holds it and reads native cells, which pandas would turn into others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import SheetTypeEnum, SheetVisibleEnum

from importer.errors import SourceError
from importer.model import Message, Reading, Sheet
from importer.rows.tables import Rows
from importer.sources.files import Kind
from importer.sources.layout import Layout, find_layout, score, shown
from importer.sources.month_cells import month_cells
from importer.sources.noise import NoiseCount
from importer.sources.options import SourceOptions
from importer.sources.returning import Returning
from importer.sources.sheet_xlsx import SheetFacts
from importer.sources.workbook_opening import Workbook, Worksheet, load_sheet, open_book, readable
from importer.sources.workbook_rows import Grid, text_of

_ROWS = 1 << 16
_LOOKED_AT = 200
_NAMED = 10


@dataclass(slots=True)
class _ListSheet:
    """A sheet that holds a list; `left` is its first column. `sheet` is dropped once it is read."""

    index: int
    left: int
    name: str
    layout: Layout
    facts: SheetFacts
    sheet: Worksheet | None


def open_workbook(path: Path, kind: Kind, inside: Kind, options: SourceOptions) -> WorkbookList:
    """Read a workbook, or a text of a `kind` that holds tables `inside`, and find its list."""
    workbook = open_book(path, kind, inside, options.encoding)
    found, remarks = _Search(path, inside, workbook, options).run()
    return WorkbookList(path, inside, workbook, found, options, remarks)


class _Search:
    """Looks for the sheets that hold a list, among those that the options allow."""

    def __init__(self, path: Path, kind: Kind, workbook: Workbook, options: SourceOptions) -> None:
        self._path = path
        self._kind = kind
        self._workbook = workbook
        self._options = options
        self._failures: list[tuple[int, SourceError]] = []
        self._unread: list[str] = []
        self._remarks: list[Message] = []

    def run(self) -> tuple[list[_ListSheet], list[Message]]:
        found = [s for s in map(self._look, self._allowed()) if s is not None]
        worst = max(self._failures, key=lambda f: f[0], default=None)
        if worst and (not found or (self._options.sheet == "all" and worst[0] > 0)):
            raise worst[1]
        if not found:
            raise SourceError("sheet_without_list", name=self._path.name)
        if len(found) > 1 and self._options.sheet != "all":
            raise SourceError("sheets_several", name=self._path.name, n=len(found), sheets=[s.name for s in found])
        if self._unread:
            self._remarks.append(Message("sheets_unread", "", {"name": self._path.name, "sheets": shown(self._unread)}))
        return found, self._remarks

    def _allowed(self) -> list[int]:
        names = list(self._workbook.sheet_names)
        chosen = self._options.sheet
        if chosen is not None and chosen in names:
            return [names.index(chosen)]
        if chosen is not None and chosen != "all":
            raise SourceError("sheet_missing", name=self._path.name, sheet=chosen, sheets=names)
        sheets = self._workbook.sheets_metadata
        hidden = [s.name for s in sheets if s.visible != SheetVisibleEnum.Visible]
        if hidden:
            self._remarks.append(Message("sheets_hidden", "", {"name": self._path.name, "sheets": hidden}))
        visible = (i for i, s in enumerate(sheets) if s.visible == SheetVisibleEnum.Visible)
        return [i for i in visible if sheets[i].typ == SheetTypeEnum.WorkSheet]

    def _look(self, index: int) -> _ListSheet | None:
        name = self._workbook.sheet_names[index]
        sheet, facts = load_sheet(self._path, self._kind, self._workbook, index)
        with readable(self._path):
            head = [[text_of(v) for v in row] for row in islice(sheet.iter_rows(), _LOOKED_AT)]
        called = f'{self._path.name}, sheet "{name}"' if len(self._workbook.sheet_names) > 1 else self._path.name
        try:
            layout = find_layout(head, self._options, called)
        except SourceError as error:
            likeness = max((score(r, self._options.columns) for r in head[:50]), default=0)
            blank = not any(c.strip() for r in head for c in r)
            self._failures.append((likeness if not blank else -1, error))
            self._unread.extend([] if blank else [name])
            return None
        return _ListSheet(index, sheet.start[1] if sheet.start else 0, name, layout, facts, sheet)


class WorkbookList:
    """A `Source` (see tables.py)."""

    def __init__(
        self,
        path: Path,
        kind: Kind,
        workbook: Workbook,
        found: Sequence[_ListSheet],
        options: SourceOptions,
        remarks: Sequence[Message],
    ) -> None:
        self._path = path
        self._kind = kind
        self._workbook = workbook
        self._found = found
        self._options = options
        self._noise: dict[int, NoiseCount] = {}
        self._returning: dict[int, Returning] = {}
        self._remarks = [*remarks, *(r for s in found for r in _remarks(path, s, options))]
        self.sheet_names: Sequence[str] = tuple(s.name for s in found)

    @property
    def every_sheet(self) -> list[tuple[int, str, bool]]:
        """The worksheets: place in the workbook, name, and whether it is hidden."""
        sheets = enumerate(self._workbook.sheets_metadata)
        hidden = ((i, s.name, s.visible != SheetVisibleEnum.Visible, s.typ) for i, s in sheets)
        return [(i, name, is_hidden) for i, name, is_hidden, typ in hidden if typ == SheetTypeEnum.WorkSheet]

    def list_on(self, index: int) -> tuple[int, Layout, int] | None:
        """Which of the list's sheets it is that stands at a place in the workbook, and its first column."""
        return next(((number, s.layout, s.left) for number, s in enumerate(self._found) if s.index == index), None)

    def load(self, index: int) -> tuple[Worksheet, SheetFacts]:
        """Read the sheet at a place in the workbook."""
        return load_sheet(self._path, self._kind, self._workbook, index)

    @property
    def reading(self) -> Reading:
        sheets = tuple(Sheet(s.name, s.layout.header_row, s.layout.columns, s.layout.headers) for s in self._found)
        noise = [r for n, count in self._noise.items() for r in count.remarks(self._called(n))]
        noise += [r for n, count in self._returning.items() for r in count.remarks(self._called(n))]
        return Reading(format=str(self._kind), sheets=sheets, remarks=(*self._remarks, *noise))

    def _called(self, number: int) -> str:
        name = self._path.name
        return f'{name}, sheet "{self.sheet_names[number]}"' if len(self._found) > 1 else name

    def __iter__(self) -> Iterator[Rows]:
        read = 0
        for number, found in enumerate(self._found):
            for rows in self._rows(number, found):
                read += rows.table.num_rows
                if rows.table.num_rows:
                    yield rows
        if not read:
            raise SourceError("list_without_rows", name=self._path.name)

    def _some(self, rows: Iterator[list[Any]]) -> list[list[Any]]:
        with readable(self._path):
            return list(islice(rows, _ROWS))

    def _rows(self, number: int, found: _ListSheet) -> Iterator[Rows]:
        sheet, found.sheet = found.sheet, None
        if sheet is None:
            sheet, _ = load_sheet(self._path, self._kind, self._workbook, found.index)
        with readable(self._path):
            merged = sheet.merged_cell_ranges or [] if self._kind is not Kind.ODS else []
        months = partial(
            month_cells, self._path, self._kind, found.index, found.left + found.layout.positions.get("expiry", 0)
        )
        grid = Grid(number, found.layout, found.facts, merged, found.left, self._options, months)
        self._noise[number], self._returning[number] = grid.noise, grid.returning
        rows: Iterator[list[Any]] = iter(sheet.iter_rows())
        first = found.layout.skip + 1
        with readable(self._path):
            some = list(islice(rows, found.layout.skip))
        while some := self._some(rows):
            yield grid.rows(first, some)
            first += len(some)


def _remarks(path: Path, found: _ListSheet, options: SourceOptions) -> Iterator[Message]:
    yield from found.layout.remarks
    hidden = sorted(r for r in found.facts.hidden_rows if r > found.layout.skip)
    if hidden:
        more = [len(hidden) - _NAMED] if len(hidden) > _NAMED else []
        rows = [*map(str, hidden[:_NAMED]), *more]
        yield Message("rows_hidden", "", {"name": path.name, "sheet": found.name, "rows": rows})
    if options.fill_down:
        yield Message("filled_down", "", {"name": path.name, "sheet": found.name})
