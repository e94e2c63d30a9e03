"""The list itself, corrected as on the page, with what is still wrong in it marked, before anything is sent: to be put
right there and dropped again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from importer import wiring
from importer.concurrency import Stopping
from importer.errors import SourceError
from importer.model import Outcome
from importer.reports.marked_list import MOST_ROWS, marked_lines, marked_name
from importer.reports.marked_workbook import MarkedBook
from importer.reports.spool import Cursor, Mark
from importer.rows.tables import REJECTS
from importer.sources.files import Kind, kind_of
from importer.sources.opening import open_source
from importer.sources.original import echo
from importer.staging.planning import Planned
from importer.staging.stage import stage
from importer.web.looking import viewed
from importer.web.site import Site
from importer.web.uploads import Upload

_TEXTS = (Kind.TEXT, Kind.GZIP, Kind.ZIP)


class _Rejects:
    """A flow.stage.Sink that keeps why rows were rejected."""

    def __init__(self) -> None:
        self._batches: list[Any] = []

    def chunk(self, planned: Planned) -> None:
        _ = planned

    def rejects(self, rows: Any) -> None:
        self._batches.append(rows)

    def marks(self) -> Iterator[Mark]:
        """In the order of the source."""
        table = pa.Table.from_batches(self._batches, schema=REJECTS).sort_by("key")
        columns = (table[name].to_pylist() for name in ("key", "code", "message"))
        for key, code, message in zip(*columns, strict=True):
            yield Mark(key, Outcome.REJECTED.value, code, message)


def marked_list(site: Site, upload: Upload) -> Path:
    """Write it beside the upload. Raises SourceError where the list is too long for that, or can't be read."""
    options = wiring.source_options(site.settings, {**upload.options, "edits": upload.edits or None})
    path = site.uploads.path(upload)
    sink = _Rejects()
    with viewed(site.ledger) as view, tempfile.TemporaryDirectory(dir=site.directory) as spill:
        staged = stage(
            open_source(path, options),
            wiring.staging(site.settings, Path(spill)),
            sink,
            (view, site.target) if view else None,
            stopping=Stopping(),
            progress=lambda _: None,
        )
    if staged.rows > MOST_ROWS:
        raise SourceError(f"The list has {staged.rows:,} rows, too many for a spreadsheet. Correct the file itself.")
    book = kind_of(path) not in _TEXTS
    marked = path.parent.parent / marked_name(upload.name, book=book)
    draft = marked.with_name(f".{marked.name}")
    with draft.open("wb") as file:
        cursor = Cursor(sink.marks())
        if book:
            MarkedBook(file).write(echo(path, options), cursor)
        else:
            file.writelines(lines for _, lines in marked_lines(echo(path, options), cursor))
    return draft.replace(marked)
