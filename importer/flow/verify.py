"""Recomputes a run offline, from source, ledger and report: that the sums come out, that each row stands where it
should and exactly once, that nothing is claimed without an answer on record.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import ImporterError
from importer.ledger.view import Run, View
from importer.reports.columns import ASSIGNED, NOT_ASSIGNED
from importer.reports.csv_lists import check_manifest, read_back
from importer.results.outcomes import windows
from importer.results.totals import count, sheet_names
from importer.rows.tables import Source, row_of
from importer.sources.files import file_facts
from importer.sources.moved import find_again
from importer.staging.checks import CheckSettings, check
from importer.words.language import terminal


@dataclass(frozen=True, slots=True)
class Finding:
    """The first discrepancy of its kind: what was found, what was expected, where."""

    kind: str
    text: str


@dataclass(slots=True)
class Verified:
    """`findings` are empty where all is well; `passed` are the kinds of checks that were; `skipped` says why not."""

    findings: list[Finding]
    passed: list[str]
    skipped: list[str]

    def run(self, kind: str, look: Callable[[], Iterable[str]]) -> None:
        """Note the first discrepancy that `look` gives, or that there is none."""
        try:
            first = next(iter(look()), None)
        except ImporterError as error:
            first = terminal().say(error.message)
        except (LookupError, ValueError, TypeError) as error:
            first = f"what is kept makes no sense ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        if first is None:
            self.passed.append(kind)
        else:
            self.findings.append(Finding(kind, first))


def verify(
    view: View, run: Run, directory: Path, reopen: Callable[[Path], Source], checks: tuple[CheckSettings, date]
) -> Verified:
    """`reopen` opens the source again, in the way it was read. Not from an event loop."""
    done = Verified([], [], [])
    done.run("ledger", lambda: _ledger(view))
    done.run("identity", lambda: _identity(view, run))
    done.run("answers", lambda: _answers(view, run))
    _verify_source(done, view, run, reopen, checks)
    _verify_report(done, view, run, directory)
    return done


def _verify_source(
    done: Verified, view: View, run: Run, reopen: Callable[[Path], Source], checks: tuple[CheckSettings, date]
) -> None:
    path = find_again(Path(run.source_path), run.source_sha256, run.source_bytes)
    if path is None:
        done.skipped.append(f"source: {run.source_path} is not there any more")
        return

    def look() -> Iterator[str]:
        found = asyncio.run(file_facts(path)).sha256
        if found != run.source_sha256:
            yield f"{path} has the SHA-256 {found}, but {run.source_sha256} was imported: it was changed since"
        else:
            yield from _source(view, run, reopen(path), checks)

    done.run("source", look)


def _verify_report(done: Verified, view: View, run: Run, directory: Path) -> None:
    if not directory.exists():
        done.findings.append(Finding("report", f"{directory} is not there: `importer report {run.id}` writes it again"))
        return
    done.run("manifest", lambda: check_manifest(directory))
    done.run("summary", lambda: _summary(view, run, directory))
    if (directory / ASSIGNED).exists() or (directory / NOT_ASSIGNED).exists():
        done.run("lists", lambda: _lists(view, run, directory))
    else:
        done.skipped.append("lists: the report was written without csv")


def _ledger(view: View) -> Iterator[str]:
    view.check()
    yield from ()


def _identity(view: View, run: Run) -> Iterator[str]:
    outcomes = count(view, run).tally.outcomes
    total = sum(outcomes.values())
    if total != run.rows:
        yield f"{run.rows:,} rows were read, but the outcomes add up to {total:,}"
    rows = sum(len(window) for window in windows(view, run, sheet_names(run)))
    if rows != run.rows:
        yield f"{run.rows:,} rows were read, but the ledger holds {rows:,}"


def _answers(view: View, run: Run) -> Iterator[str]:
    for seq, claimed, proven in view.unproven(run.num):
        yield (
            f"chunk {seq} has {claimed:,} serials as assigned, but the answers on record name {proven:,} as Assigned"
        )


class _Cursor:
    """Takes rows off a stream of tables, as many as wanted."""

    def __init__(self, tables: Iterable[Any]) -> None:
        self._tables = iter(tables)
        self._rest: Any = None

    def take(self, rows: int) -> Any | None:
        """The next rows, fewer at the end of the stream; None after it."""
        taken = []
        while rows > 0:
            if self._rest is None or not self._rest.num_rows:
                self._rest = next(self._tables, None)
                if self._rest is None:
                    break
            part = self._rest.slice(0, rows)
            self._rest = self._rest.slice(part.num_rows)
            rows -= part.num_rows
            taken.append(part)
        return pa.Table.from_batches(taken) if taken else None


def _lists(view: View, run: Run, directory: Path) -> Iterator[str]:
    """Each row of the ledger stands in one of the two lists, at its place in the order of the source."""
    names = sheet_names(run)
    cursors = {
        good: _Cursor(read_back(directory / name, names)) for good, name in ((True, ASSIGNED), (False, NOT_ASSIGNED))
    }
    for window in windows(view, run, names):
        for good, cursor in cursors.items():
            wanted = window.filter(window["good"] if good else pc.invert(window["good"]))
            if wanted.num_rows:
                yield from _compare(wanted, cursor.take(wanted.num_rows), ASSIGNED if good else NOT_ASSIGNED)
    for good, cursor in cursors.items():
        if (more := cursor.take(1)) is not None:
            row = row_of(more["key"][0].as_py())
            yield f"{ASSIGNED if good else NOT_ASSIGNED} holds row {row}, which the ledger doesn't put there"


def _compare(wanted: Any, found: Any | None, name: str) -> Iterator[str]:
    if found is None or found.num_rows < wanted.num_rows:
        yield f"{name} ends {wanted.num_rows - (found.num_rows if found else 0):,} rows too early"
        return
    for column in ("key", "serial", "gtin", "batch", "expiry", "outcome", "code", "chunk"):
        ours = wanted[column].cast(pa.int64() if column == "key" else pa.string())
        same = pc.equal(_flat(found[column]), ours)
        if not pc.all(same).as_py():
            place = _first_other(same)
            theirs = found[column][place].as_py()
            yield f"{name}, row {_row(wanted, place)}: {column} is {theirs!r}, in the ledger {ours[place].as_py()!r}"


def _source(view: View, run: Run, source: Source, checks: tuple[CheckSettings, date]) -> Iterator[str]:
    """Each data row of the source is in the ledger, with the serial that stands in the source."""
    ledger = _Cursor(windows(view, run, sheet_names(run)))
    for rows in source:
        if not rows.table.num_rows:
            continue
        checked = check(rows.table, rows.faults, *checks)
        found = ledger.take(rows.table.num_rows)
        if found is None or found.num_rows < rows.table.num_rows:
            yield "the source has more rows than the ledger"
            return
        if not _flat(found["key"]).equals(_flat(rows.table["key"])):
            yield f"from row {_row(rows.table, 0)} on the rows of the source are not those of the ledger"
            return
        yield from _serials(rows.table, checked.table, found)
    if ledger.take(1) is not None:
        yield "the ledger has more rows than the source"


def _serials(read: Any, sent: Any, found: Any) -> Iterator[str]:
    ours, as_read = _flat(found["serial"]), _flat(read["serial"])
    as_sent = _flat(sent["serial"]).take(pc.index_in(_flat(read["key"]), _flat(sent["key"])))
    same = pc.or_(pc.fill_null(pc.equal(as_sent, ours), fill_value=False), pc.equal(as_read, ours))
    if not pc.all(same).as_py():
        place = _first_other(same)
        theirs = as_read[place].as_py()
        yield f"row {_row(read, place)} of the source has the serial {theirs!r}, the ledger {ours[place].as_py()!r}"


def _flat(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _first_other(same: Any) -> int:
    return int(np.flatnonzero(~np.asarray(same))[0])


def _row(table: Any, place: int) -> int:
    return int(row_of(table["key"][place].as_py()))


def _summary(view: View, run: Run, directory: Path) -> Iterator[str]:
    try:
        told = json.loads((directory / "summary.json").read_text("utf-8"))["outcomes"]
    except (OSError, ValueError, KeyError) as error:
        yield f"summary.json can't be read: {error}"
        return
    for outcome, rows in count(view, run).tally.outcomes.items():
        if told.get(outcome.value) != rows:
            yield f"summary.json has {told.get(outcome.value)} rows {outcome.value}, the ledger {rows:,}"
