"""report.xlsx: the rows of its lists are put aside as they pass; once their number is known, XlsxWriter makes the frame
and the rows are set in. Memory stays flat, and the disk holds no unpacked sheet.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, cast

import pyarrow as pa

from importer.model import Action
from importer.reports.columns import FIELDS, SHEET, WORKBOOK, headers, row_numbers, sheets
from importer.reports.publishing import Drafts, explained
from importer.reports.spool import Spool
from importer.reports.summary import FileEntry, RunSummary, all_seven
from importer.reports.workbook_frame import ListSheet, frame
from importer.reports.workbook_xml import Column, Filling, fill, xml_size
from importer.rows.tables import OUTCOMES

MOST_ROWS = 1_048_575
"""Rows of a sheet, without its header."""

_ROWS = OUTCOMES.remove(OUTCOMES.get_field_index("good"))
_WIDTHS = {
    "SerialNumber": 26, "GTIN": 17, "Batch": 22, "ExpirationDate": 15, "row": 10, "outcome": 17, "code": 26,
    "message": 70, "chunk": 9, "attempts": 10, "recorded_at": 28, SHEET: 20,
}  # fmt: skip
_NEARLY_EMPTY = {"code": (10, False), "message": (14, False)}
"""On the sheet Assigned."""

_COUNT = 11
_SHEETS = {
    Action.COMMISSION: ("Assigned", "Not assigned"),
    Action.DECOMMISSION: ("Decommissioned", "Not decommissioned"),
}

Show = Callable[[pa.RecordBatch], list[Column]]


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the workbook: its name, header -> (width, number), where its rows wait, and how they are shown."""

    name: str
    columns: Mapping[str, tuple[float, bool]]
    spool: Spool
    show: Show

    def sheets(self) -> list[ListSheet]:
        """Its sheets: `Assigned`, then `Assigned 2` and so on."""
        names = (self.name if place == 1 else f"{self.name} {place}" for place in range(1, len(self.spool.parts) + 1))
        return [ListSheet(name, part.rows, self.columns) for name, part in zip(names, self.spool.parts, strict=True)]

    def fillings(self) -> Iterator[Filling]:
        """The rows for `sheets`, to be used once and in order."""
        batches = self.spool.seal()
        return (Filling(part, batches, self.show) for part in self.spool.parts)


class WorkbookReport:
    """The sink of `write_reports` that makes the workbook. `most_rows` is smaller in tests alone."""

    def __init__(self, drafts: Drafts, facts: RunSummary, most_rows: int = MOST_ROWS) -> None:
        self._draft = drafts.open(WORKBOOK)
        self._drafts = drafts
        self._facts = facts
        columns = {name: (_WIDTHS[name], name == "row") for name in headers(facts.sheet_names)}
        good, bad = _SHEETS[facts.action]
        self._lists = {
            "batches": self._list("Batches", _batch_columns(facts), _batches(facts).schema, _show_batches, most_rows),
            False: self._list(bad, columns, _ROWS, _show_rows(facts), most_rows),
            True: self._list(good, {**columns, **_NEARLY_EMPTY}, _ROWS, _show_rows(facts), most_rows),
        }
        self._lists["batches"].spool.add(_batches(facts))
        self._draft.rows = 0

    def _list(
        self, name: str, columns: Mapping[str, tuple[float, bool]], schema: pa.Schema, show: Show, most_rows: int
    ) -> _List:
        spool = Spool(self._drafts.scratch(), schema, most_rows, lambda batch: xml_size(show(batch)))
        return _List(name, columns, spool, show)

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None:
        with explained(self._drafts.directory):
            self._lists[good].spool.add(rows.select(_ROWS.names))
        self._draft.rows = (self._draft.rows or 0) + len(rows)

    def finish(self) -> list[FileEntry]:
        made = io.BytesIO(frame(self._facts, [sheet for each in self._lists.values() for sheet in each.sheets()]))
        with explained(self._drafts.directory):
            every = [filling for each in self._lists.values() for filling in each.fillings()]
            # Sheet 1 is the Summary.
            members = {f"xl/worksheets/sheet{place}.xml": filling for place, filling in enumerate(every, start=2)}
            file = cast("IO[bytes]", self._draft)  # all of it that a ZIP needs that is written from start to end
            with (
                zipfile.ZipFile(made) as source,
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
            ):
                fill(source, target, members)
        return [self._draft.finish()]


def _show_rows(facts: RunSummary) -> Show:
    def show(rows: pa.RecordBatch) -> list[Column]:
        columns = [
            Column(row_numbers(rows["key"]), number=True) if field == "key" else Column(rows[field])
            for field in FIELDS.values()
        ]
        if len(facts.sheet_names) > 1:
            columns.append(Column(sheets(rows["key"], facts.sheet_names)))
        return columns

    return show


def _batch_columns(facts: RunSummary) -> dict[str, tuple[float, bool]]:
    codes = {name: (_WIDTHS[name], False) for name in ("GTIN", "Batch", "ExpirationDate")}
    return {**codes, "rows": (_COUNT, True), **dict.fromkeys(all_seven({}, facts.action), (_COUNT + 6, True))}


def _batches(facts: RunSummary) -> pa.RecordBatch:
    """The batches as text columns, one per column of the sheet."""
    counts = [all_seven(tally.outcomes, facts.action) for tally in facts.batches]
    columns = {
        "gtin": [tally.batch.gtin for tally in facts.batches],
        "batch": [tally.batch.batch for tally in facts.batches],
        "expiry": [tally.batch.expiry for tally in facts.batches],
        "rows": [str(sum(count.values())) for count in counts],
        **{outcome: [str(count[outcome]) for count in counts] for outcome in all_seven({}, facts.action)},
    }
    return pa.RecordBatch.from_pydict({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _show_batches(batches: pa.RecordBatch) -> list[Column]:
    return [
        Column(column, number=place >= len(("gtin", "batch", "expiry"))) for place, column in enumerate(batches.columns)
    ]
