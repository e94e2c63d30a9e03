"""Writes a run's report: one pass over its rows feeds every file; nothing is visible until all of it is on disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from importer.concurrency import ahead
from importer.reports.columns import LISTS, PAGE, UNDO, WORKBOOK
from importer.reports.corrections import CORRECTIONS, corrections_csv
from importer.reports.csv_lists import CsvLists
from importer.reports.earlier import earlier
from importer.reports.manifest import MANIFEST, manifest_json
from importer.reports.marked_list import MARKED
from importer.reports.problems import Tally
from importer.reports.publishing import Draft, Drafts
from importer.reports.summary import FileEntry, RunSummary, Written, summary_json
from importer.rows.returned import REJECTED, marked
from importer.rows.tables import ROLES

SUMMARY = "summary.json"
FILES_OF = {
    "csv": (*(name for names in LISTS.values() for name in names), UNDO, CORRECTIONS),
    "xlsx": (WORKBOOK,),
    "html": (PAGE,),
}


class Sink(Protocol):
    """Takes the rows as they pass, in source order, then makes its files durable."""

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None: ...

    def finish(self) -> list[FileEntry]: ...


def write_reports(
    directory: Path,
    facts: RunSummary,
    windows: Iterable[pa.RecordBatch],
    formats: Collection[str],
    given_back: Callable[[Drafts], Sink] | None = None,
) -> Written:
    """Write or rewrite the report of one run into `directory`, in `formats` (csv, xlsx, html); summary.json and
    manifest.json always. `given_back` makes the sink that gives the list itself back (marking.py).

    `windows` (schema OUTCOMES, source order) are read once, in flat memory. Any failure, also one of `windows`, leaves
    an older report as it was. Files are replaced one by one, the manifest last; what is replaced, or is not wanted any
    more, is kept (earlier.py), and where nothing has changed nothing is written. Raises ImporterError where the disk
    fails.
    """
    with Drafts(directory) as drafts:
        return write_drafts(drafts, facts, windows, formats, given_back)


def write_drafts(
    drafts: Drafts,
    facts: RunSummary,
    windows: Iterable[pa.RecordBatch],
    formats: Collection[str],
    given_back: Callable[[Drafts], Sink] | None = None,
) -> Written:
    """The same for one that took the right to write before it took the facts: so no older ones come last."""
    tally = Tally()
    sinks = [*_sinks(drafts, facts, formats), *([given_back(drafts)] if given_back else [])]
    for window in ahead(windows):
        for rows, good in _parts(window):
            tally.add(rows, good=good)
            listed = rows if good else known_again(rows)
            for sink in sinks:
                sink.add(listed, good=good)
    files = [entry for sink in sinks for entry in sink.finish()]
    if "html" in formats:
        from importer.reports.page import page_html  # noqa: PLC0415  heavy, like the workbook below

        files.append(_whole(drafts.open(PAGE), page_html(facts, tally)))
    if "csv" in formats and facts.corrections:
        lines = corrections_csv(facts.corrections, several_sheets=len(facts.sheet_names) > 1)
        files.append(replace(_whole(drafts.open(CORRECTIONS), lines), rows=len(facts.corrections)))
    files.append(_whole(drafts.open(SUMMARY), summary_json(facts)))
    written = {file.name for file in files}
    replaced = _every_name() | written | set(_marked_before(drafts.directory))
    before = earlier(drafts.directory)
    if not (before and before.is_same(drafts.finished)):
        follows = before.keep(replaced) if before else None
        _whole(drafts.open(MANIFEST), manifest_json(facts.run, files, follows))
        drafts.publish(unwanted=replaced - written)
    return Written(tuple(files), dict(tally.outcomes), dict(tally.codes))


def _sinks(drafts: Drafts, facts: RunSummary, formats: Collection[str]) -> Iterator[Sink]:
    if "csv" in formats:
        yield CsvLists(drafts, facts.sheet_names, facts.action)
    if "xlsx" in formats:
        from importer.reports.workbook import WorkbookReport  # noqa: PLC0415

        yield WorkbookReport(drafts, facts)


def _every_name() -> set[str]:
    return {name for names in FILES_OF.values() for name in names}


def _marked_before(directory: Path) -> Iterator[str]:
    """A list that was given back marked with an older report."""
    return (path.name for path in directory.glob(f"*{MARKED}.*") if not path.name.startswith("."))


def _parts(window: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, bool]]:
    """The good rows of a window, then the others."""
    good = window["good"]
    count = good.true_count
    if count:
        yield (window if count == len(window) else window.filter(good)), True
    if count < len(window):
        yield (window if count == 0 else window.filter(pc.invert(good))), False


def known_again(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows whose lists tell by themselves, when they come back, which of the rejected ones were changed since."""
    rejected = pc.equal(rows["outcome"].dictionary_decode(), REJECTED)
    if not rejected.true_count:
        return rows
    few = rows.filter(rejected)
    values = zip(*(few[role].to_pylist() for role in ROLES), strict=True)
    fates = zip(few["message"].to_pylist(), few["code"].to_pylist(), values, strict=True)
    messages = pa.array([marked(message, code, row) for message, code, row in fates], pa.string())
    column = pc.replace_with_mask(rows["message"].dictionary_decode(), rejected, messages).dictionary_encode()
    return rows.set_column(rows.schema.get_field_index("message"), rows.schema.field("message"), column)


def _whole(draft: Draft, content: bytes) -> FileEntry:
    draft.write(content)
    return draft.finish()
