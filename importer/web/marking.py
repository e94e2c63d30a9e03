"""The list as a workbook in which every wrong row says what is wrong: to be corrected there and dropped again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter

from importer import wiring
from importer.errors import SourceError
from importer.flow.stage import stage
from importer.flow.stopping import Stopping
from importer.planning import Planned
from importer.sources.opening import open_source
from importer.tables import REJECTS, ROLES
from importer.web.looking import viewed
from importer.web.site import Site
from importer.web.uploads import Upload

_MOST = 200_000
_HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate", "row", "code", "message")
_WIDTHS = (24, 17, 16, 16, 8, 22, 90)


class _Rejects:
    """A flow.stage.Sink that keeps why rows were rejected."""

    def __init__(self) -> None:
        self._batches: list[Any] = []

    def chunk(self, planned: Planned) -> None:
        _ = planned

    def rejects(self, rows: Any) -> None:
        self._batches.append(rows)

    def by_key(self) -> dict[int, tuple[str, str]]:
        table = pa.Table.from_batches(self._batches, schema=REJECTS)
        columns = (table[name].to_pylist() for name in ("key", "code", "message"))
        return {key: (code, message) for key, code, message in zip(*columns, strict=True)}


def marked_workbook(site: Site, upload: Upload) -> Path:
    """Write it beside the upload. Raises SourceError where the list is too long for that."""
    options = site.worker.options(upload)
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
    if staged.rows > _MOST:
        raise SourceError(f"The list has {staged.rows:,} rows; {_MOST:,} can be marked. Correct the file itself.")
    marked = path.parent.parent / "marked.xlsx"
    draft = marked.with_name(".marked.xlsx")
    _write(draft, open_source(path, options), sink.by_key())
    draft.replace(marked)
    return marked


def _write(path: Path, source: Any, wrong: dict[int, tuple[str, str]]) -> None:
    """Everything is text: no cell is run as a formula, no digit is lost."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False})
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"bold": True, "bottom": 1})
    red = book.add_format({"num_format": "@", "bg_color": "#fbdcd8", "font_color": "#9b1c12"})
    sheet = book.add_worksheet("List")
    sheet.freeze_panes(1, 0)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, _HEADER[column], head)
    line = 0
    for rows in source:
        columns = [rows.table[name].to_pylist() for name in ("key", *ROLES)]
        for key, *values in zip(*columns, strict=True):
            line += 1
            code, message = wrong.get(key, ("", ""))
            for column, value in enumerate((*values, str(key & 0xFFFFFFFF), code, message)):
                sheet.write_string(line, column, value[:32_000], red if code else text)
    sheet.autofilter(0, 0, max(line, 1), len(_HEADER) - 1)
    book.close()
