"""Whether the list of a run can be given back marked: it must be there still, as it was when it was staged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from importer.ledger.view import Run
from importer.reports.marked_list import MOST_ROWS, MarkedList, marked_name
from importer.reports.publishing import Drafts
from importer.sources.options import SourceOptions

_TEXT = ("csv", "csv.gz", "csv.zip")
_BOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods")


def give_back(run: Run, formats: Collection[str]) -> Callable[[Drafts], MarkedList] | str | None:
    """What makes the sink for `write_reports`; or a sentence that says why there is no marked list; or None where
    none is wanted. Reads the list twice: its fingerprint now, its rows when the report is finished.
    """
    kind = run.reading.get("format", "")
    book = kind in _BOOKS
    if not (book and "xlsx" in formats) and not (kind in _TEXT and "csv" in formats):
        return None
    name = marked_name(run.source_name, book=book)
    if run.rows > MOST_ROWS:
        return f"There is no {name}: with {run.rows:,} rows it would be too large for a spreadsheet."
    path = Path(run.source_path)
    try:
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == run.source_sha256
    except OSError:
        return f"There is no {name}: {path} is not there any more."
    if not same:
        return f"There is no {name}: {path} was changed since it was imported."

    from importer.sources.original import echo  # noqa: PLC0415  heavy

    reread = partial(echo, path, SourceOptions(**run.options))
    return partial(MarkedList, name=run.source_name, book=book, reread=reread)
