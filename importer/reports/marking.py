"""The planner's own list back, marked: in a workbook the wrong cells are coloured, each with a comment; a text list has
the outcome, code and message of each row beside it. Put right in place, it can be imported as it is.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import Outcome
from importer.reports.drafts import Draft, Drafts, explained
from importer.reports.facts import FileEntry
from importer.reports.marked_text import marked_lines
from importer.reports.marks import Cursor, Marks
from importer.rows.tables import Echo

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

    def __init__(self, drafts: Drafts, name: str, *, book: bool, reread: Callable[[], Echo]) -> None:
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
        from importer.reports.marked_book import MarkedBook  # noqa: PLC0415  heavy

        made = io.BytesIO()
        with explained(self._drafts.directory):
            marked = MarkedBook(made).write(echo, cursor)
        draft.write(made.getbuffer())
        return marked
