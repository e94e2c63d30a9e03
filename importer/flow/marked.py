"""The planner's own list, given back with what is wrong in it marked: after a run, or before one is begun."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from importer.concurrency import Stopping
from importer.errors import SourceError
from importer.flow.preview import ListFile, Looking
from importer.ledger.records import Run
from importer.model import Message, Outcome
from importer.readers.opening import open_original
from importer.reports.marked_list import MOST_ROWS, MarkedList, marked_name
from importer.reports.publishing import Drafts
from importer.reports.spool import Cursor, Mark
from importer.rows.returned import marked
from importer.rows.tables import REJECTS, ROLES
from importer.sources.moved import find_again
from importer.sources.options import SourceOptions
from importer.sources.regular import opened
from importer.staging.planning import Planned
from importer.words.language import Language
from importer.words.recording import restored

_TEXT = ("csv", "csv.gz", "csv.zip")
_BOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods", "html", "mhtml", "xml.spreadsheet", "slk")


def give_back(run: Run, formats: Collection[str]) -> Callable[[Drafts], MarkedList] | Message | None:
    """What makes the sink for `write_reports`; or what says why there is no marked list; or None where
    none is wanted. Reads the list twice: its fingerprint now, its rows when the report is finished.
    """
    kind = run.reading.get("format", "")
    book = kind in _BOOKS
    if run.undoes or (not (book and "xlsx" in formats) and not (kind in _TEXT and "csv" in formats)):
        return None
    name = marked_name(run.source_name, book=book)
    if run.rows > MOST_ROWS:
        return Message("no_marked_list", "", {"case": "too_long", "name": name, "n": run.rows})
    path = find_again(Path(run.source_path), run.source_sha256, run.source_bytes) or Path(run.source_path)
    try:
        with opened(path) as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == run.source_sha256
    except (OSError, SourceError):
        return Message("no_marked_list", "", {"name": name, "path": str(path)})
    if not same:
        return Message("no_marked_list", "", {"case": "changed", "name": name, "path": str(path)})

    reread = partial(open_original, path, SourceOptions(**run.options))
    return partial(MarkedList, name=run.source_name, book=book, reread=reread)


class _Rejects:
    """A staging.Sink that keeps why rows were rejected."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._batches: list[Any] = []

    def chunk(self, planned: Planned) -> None:
        _ = planned

    def rejects(self, rows: Any) -> None:
        self._batches.append(rows)

    def marks(self) -> Iterator[Mark]:
        """In the order of the source."""
        table = pa.Table.from_batches(self._batches, schema=REJECTS).sort_by("key")
        columns = (table[name].to_pylist() for name in ("key", "code", "details"))
        values = zip(*(table[role].to_pylist() for role in ROLES), strict=True)
        for key, code, details, row in zip(*columns, values, strict=True):
            message = restored(code, details)
            said = marked(self._language.say(message), code, row)
            yield Mark(key, Outcome.REJECTED.value, code, message.role, said)


def marked_list(file: ListFile, looking: Looking, directory: Path, language: Language) -> Path:
    """Write a list that was not imported yet, marked, into a directory. Raises SourceError where it is too long for a
    spreadsheet, or can't be read.
    """
    from importer.reports.marked_list import marked_lines  # noqa: PLC0415  heavy
    from importer.reports.marked_workbook import MarkedBook  # noqa: PLC0415

    sink = _Rejects(language)
    with looking.earlier() as view:
        source = looking.open_source(file.path, file.options)
        staged = looking.stage(source, file, view, sink, stopping=Stopping(), progress=lambda _: None)
    if staged.rows > MOST_ROWS:
        raise SourceError("list_too_long", n=staged.rows)
    found = open_original(file.path, file.options)
    book = not found.delimiter
    place = directory / marked_name(file.name, book=book)
    draft = place.with_name(f".{place.name}")
    with draft.open("wb") as written:
        cursor = Cursor(sink.marks())
        if book:
            MarkedBook(written).write(found, cursor)
        else:
            written.writelines(lines for _, lines in marked_lines(found, cursor))
    return draft.replace(place)
