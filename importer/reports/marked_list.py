"""The planner's own list back, marked: in a workbook the wrong cells are coloured, each with a comment; a text list has
the outcome, code and message of each row beside it. Put right in place, it can be imported as it is.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import Outcome
from importer.reports.columns import FIELDS
from importer.reports.csv_fields import restored, spelled
from importer.reports.publishing import Draft, Drafts, explained
from importer.reports.spool import Cursor, Mark, Marks
from importer.reports.summary import FileEntry
from importer.rows.tables import Original, OriginalSheet

MOST_ROWS = 1_048_575
"""A list with more rows is not given back marked: no spreadsheet would show it."""
MARKED = "-marked"
_TO_MEND = (Outcome.REJECTED.value, Outcome.REFUSED.value)
_PACKED = (".gz", ".zip")


def marked_name(name: str, *, book: bool) -> str:
    """list.xlsx gives list-marked.xlsx; every workbook is given back as .xlsx, every text list as .csv."""
    path = PurePath(name)
    path = PurePath(path.stem) if path.suffix.lower() in _PACKED else path
    return f"{path.stem or 'list'}{MARKED}{'.xlsx' if book else '.csv'}"


class MarkedList:
    """The sink of `write_reports` that gives the list back. `reread` gives it as it stands in its file."""

    def __init__(self, drafts: Drafts, name: str, *, book: bool, reread: Callable[[], Original]) -> None:
        self._drafts = drafts
        self._name = marked_name(name, book=book)
        self._book = book
        self._reread = reread
        self._marks = Marks(drafts)
        self._wrong = 0

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None:
        to_mend = pc.is_in(rows["outcome"].dictionary_decode(), pa.array(_TO_MEND))
        count = to_mend.true_count
        self._wrong += count
        if not self._book:
            self._marks.add(rows, good=good)
        elif count:
            self._marks.add(rows.filter(to_mend), good=good)

    def finish(self) -> list[FileEntry]:
        """Nothing where there is nothing to mend, or the list can't be read any more."""
        if not self._wrong:
            return []
        draft = self._drafts.open(self._name)
        try:
            draft.rows = self._write(draft, Cursor(self._marks.read()))
        except SourceError:
            self._drafts.drop(draft)
            return []
        return [draft.finish()]

    def _write(self, draft: Draft, cursor: Cursor) -> int:
        """Write all of it; gives the number of rows with a mark."""
        echo = self._reread()
        if not self._book:
            marked = 0
            for rows, lines in marked_lines(echo, cursor):
                marked += rows
                draft.write(lines)
            return marked
        from importer.reports.marked_workbook import MarkedBook  # noqa: PLC0415  heavy

        made = io.BytesIO()
        with explained(self._drafts.directory):
            marked = MarkedBook(made).write(echo, cursor)
        draft.write(made.getbuffer())
        return marked


# A text list with three more columns: outcome, code and message of each row. UTF-8 with BOM, its own delimiter.
_ADDED = ("outcome", "code", "message")
_AT_ONCE = 1 << 13
_NAMES = {field: header for header, field in FIELDS.items()}


def marked_lines(echo: Original, cursor: Cursor) -> Iterator[tuple[int, bytes]]:
    """Blocks of lines, and how many rows with an outcome each holds. Columns of these names in the list are written
    over, so that a list that comes back marked for a second time has them once. An empty row stays empty.
    """
    sheet = echo.sheets[0]
    width = max(len(echo.headers), 1)
    places = {h.strip().lower(): at for at, h in enumerate(echo.headers) if h.strip().lower() in _ADDED}
    over = ("", "", "") if len(places) == len(_ADDED) else None  # what stands there of an earlier report
    yield 0, b"\xef\xbb\xbf"
    if not sheet.header_row:
        yield 0, _lines([[*_own_header(sheet, width), *_ADDED]], echo.delimiter)
    rows = sheet.rows()
    while some := list(islice(rows, _AT_ONCE)):
        marks = [cursor.at(row) for row, _ in some]
        found = [_added(row, mark, sheet, over) for (row, _), mark in zip(some, marks, strict=True)]
        lines = [
            _with(fields, added, width, places) if added and fields else fields
            for (_, fields), added in zip(some, found, strict=True)
        ]
        yield sum(m is not None for m in marks), _lines(lines, echo.delimiter)


def _added(
    row: int, mark: Mark | None, sheet: OriginalSheet, over: tuple[str, str, str] | None
) -> tuple[str, str, str] | None:
    """What a row gets in the three columns; None: it stays as it is."""
    if row == sheet.header_row:
        return _ADDED
    if mark:
        return mark.outcome, mark.code, mark.message
    return over if row > sheet.header_row else None


def _own_header(sheet: OriginalSheet, width: int) -> list[str]:
    roles = {at: role for role, at in sheet.positions.items()}
    return [_NAMES.get(roles.get(at, ""), f"column {at + 1}") for at in range(width)]


def _with(fields: Sequence[str], added: Sequence[str], width: int, places: dict[str, int]) -> list[str]:
    line = [*fields, *[""] * (width - len(fields))]
    while len(line) > width and not line[-1].strip():
        line.pop()
    for name, value in zip(_ADDED, added, strict=True):
        if name in places and len(fields) <= width:
            line[places[name]] = value
        elif name not in places:
            line.append(value)
    return line


def _lines(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    """Values that a spreadsheet would run are made harmless, and read back as they were."""
    flat = pa.array([_utf8(field) for fields in rows for field in fields], pa.string())
    spelt = iter(spelled(restored(flat)).to_pylist())
    out = io.StringIO()
    for fields in rows:
        out.write(delimiter.join(islice(spelt, len(fields))) + "\r\n")
    return out.getvalue().encode()


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
