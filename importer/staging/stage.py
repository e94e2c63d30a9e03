"""Step 1: read → check → group → chunk. Nothing is sent, and nothing counts, before the whole source is through."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.concurrency import Stopping, ahead
from importer.errors import SourceError
from importer.gs1.suspect import Suspect
from importer.model import Batch, Parsed, Reject
from importer.rows.fingerprints import fingerprints
from importer.rows.hash_sets import noting_twice, sorted_parts
from importer.rows.tables import REJECTS, Rows, Source, place_of
from importer.staging import overlap
from importer.staging.batches import Groups
from importer.staging.case_pairs import CasePairs
from importer.staging.checks import Checked, CheckSettings, check, parsers
from importer.staging.duplicates import Finder, two_expiries
from importer.staging.holding import Holding, has_warning_too
from importer.staging.overlap import Earlier
from importer.staging.planning import Planned, Planner
from importer.staging.spill import Aside, Spill
from importer.staging.standings import Standings
from importer.staging.suspects import Finding
from importer.staging.suspects import reject as reject_of
from importer.words.recording import recorded


@dataclass(frozen=True, slots=True)
class Staging:
    """How a source is staged. `spill` is the directory for what doesn't fit into memory: about 45 bytes a row."""

    checks: CheckSettings
    today: date
    chunk_size: int
    spill: Path | None = None

    def accepting(self, codes: Collection[str]) -> Staging:
        """Let pass what a person has said to be right, by the codes of `gs1.suspect`."""
        return replace(self, checks=self.checks.accepting(codes))


class Sink(Protocol):
    """Where chunks and rejects go: into the ledger, or into a preview."""

    def chunk(self, planned: Planned) -> None: ...

    def rejects(self, rows: Any) -> None:
        """Take rejected rows, a record batch of tables.REJECTS."""
        ...


@dataclass(slots=True)
class Staged:
    """What staging came to. A batch's number is its index in `batches`; -1 stands for "can't be told"."""

    rows: int = 0
    batches: list[Batch] = field(default_factory=list)
    rejected: Counter[tuple[int, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    assigned_by: list[str] = field(default_factory=list)
    """Ids of the earlier runs that have rows of the source assigned; which of them has which is not kept."""


def stage(
    source: Source,
    staging: Staging,
    sink: Sink,
    earlier: Earlier | None,
    *,
    stopping: Stopping,
    progress: Callable[[int], None],
) -> Staged:
    """Stage a source into a sink. `earlier` is what is known of other runs. `progress` hears how many rows have
    been read.

    Raises SourceError where the list can't be read, Stopped when it was told to stop.
    """
    spill = Spill(staging.spill or Path(tempfile.gettempdir()))
    try:
        stager = _Stager(source, staging, sink, spill, stopping)
        try:
            stager.read(progress)
        finally:
            stager.forget_case()
        stager.plan(stager.judge(earlier))
        return stager.result()
    finally:
        spill.close()


class _Stager:
    def __init__(self, source: Source, staging: Staging, sink: Sink, spill: Spill, stopping: Stopping) -> None:
        self._source = source
        self._staging = staging
        self._sink = sink
        self._spill = spill
        self._stopping = stopping
        self._groups = Groups()
        self._staged = Staged()
        self._good = np.empty(0, np.int64)
        self._aside = Aside(spill.directory)
        self._case = CasePairs(staging.spill or Path(tempfile.gettempdir()))

        self._holding = Holding(self._groups, staging.checks.accept)
        self._found: dict[int, Finding] = {}

    def read(self, progress: Callable[[int], None]) -> None:
        for rows, checked in ahead(self._checked()):
            self._stopping.check()
            self._staged.rows += rows.table.num_rows
            self._staged.notes.update(rows.noted_in(checked.table["key"]))
            self._staged.notes.update(checked.notes)
            self._keep(checked.table, plain=checked.plain, damaged=checked.damaged)
            self._set_aside(checked)
            progress(self._staged.rows)
        self._take_back()
        self._holding.close()
        self._spill.seal()
        self._staged.notes["case_pair"] += self._case.count(self._spill.hashes())
        if not self._staged.rows:
            raise SourceError("list_without_rows", case="unnamed")

    def _checked(self) -> Iterator[tuple[Rows, Checked]]:
        for rows in self._source:
            yield rows, check(rows.table, rows.faults, self._staging.checks, self._staging.today)

    def forget_case(self) -> None:
        self._case.close()
        self._aside.close()

    def _keep(self, table: Any, *, plain: bool = False, damaged: npt.NDArray[np.bool_] | None = None) -> None:
        if not table.num_rows:
            return
        groups = self._groups.of(table["gtin"], table["batch"], table["expiry"])
        good = np.bincount(groups, minlength=len(self._groups.batches))
        good[: len(self._good)] += self._good
        self._good = good
        gtins = self._groups.gtins[groups]
        hashes = fingerprints(table["serial"], gtins)
        self._holding.add(table["serial"], groups, plain=plain, damaged=damaged)
        self._case.add(table["serial"], gtins, hashes)
        self._spill.add(table["key"], table["serial"], groups, hashes)

    def _set_aside(self, checked: Checked) -> None:
        """Rows whose expiry lost a zero wait for the end: only the rest of their batch can prove it."""
        if not checked.restorable.num_rows:
            self._reject(checked.rejects)
            return
        waits = pc.is_in(checked.rejects["key"], checked.restorable["key"])
        self._aside.add(checked.restorable, checked.rejects.filter(waits))
        self._reject(checked.rejects.filter(pc.invert(waits)))

    def _take_back(self) -> None:
        known = set(self._groups.batches)
        for restorable, rejects in self._aside:
            columns = [restorable[name].to_pylist() for name in ("gtin", "batch", "expiry")]
            proven = pa.array([Batch(*values) in known for values in zip(*columns, strict=True)], pa.bool_())
            self._staged.notes["expiry_zero_restored"] += proven.true_count
            self._keep(restorable.filter(proven))
            self._reject(rejects.filter(pc.invert(proven)))

    def _reject(self, rejects: Any) -> None:
        if not rejects.num_rows:
            return
        columns = [rejects[name].to_pylist() for name in ("gtin", "batch", "expiry", "code")]
        for (gtin, batch, expiry, code), count in Counter(zip(*columns, strict=True)).items():
            whole = _batch_of(gtin, batch, expiry, self._staging.checks, self._staging.today)
            self._staged.rejected[self._groups.number(whole) if whole else -1, code] += count
        self._sink.rejects(rejects)

    def judge(self, earlier: Earlier | None) -> Standings:
        """Find out which rows repeat or contradict others, of this source or of earlier runs."""
        batches = self._groups.batches
        good = np.concatenate([self._good, np.zeros(len(batches) - len(self._good), np.int64)])
        fates = Standings(groups={**two_expiries(batches, good), **self._holding.batches})
        self._staged.notes.update(self._holding.warnings(good))
        standings = np.zeros(self._spill.rows, np.uint8)  # pages that are never written take no memory
        finder = Finder(self._spill, batches, standings, self._where)
        self._stopping.check()
        twice = [np.empty(0, np.uint64)]
        parts = noting_twice(ahead(sorted_parts(self._spill.hashes(), self._spill.directory)), twice)
        matches = overlap.matches(earlier.view, earlier.target, batches, parts) if earlier else []
        for _ in parts:
            pass  # noted, where there is nothing to match
        self._stopping.check()
        wanted = np.concatenate(twice)
        twice.clear()
        finder.within(fates, wanted)
        accepted = finder.hold_repeated(fates, int(good.sum()), self._staging.checks.accept)
        self._staged.notes[Suspect.REPEATED.value] += accepted
        if earlier:
            self._stopping.check()
            overlap.find(finder, earlier, matches, fates)
        fates.standings = standings if finder.raised else None
        self._staged.assigned_by = sorted(fates.holders)
        return fates

    def plan(self, fates: Standings) -> None:
        def held(window: Any) -> npt.NDArray[np.intp]:
            self._found = self._holding.find(window)
            return np.array(list(self._found), np.intp)

        def why(place: int, ordinal: int, serial: str, group: int) -> Reject:
            if place in self._found:
                return reject_of(self._found[place], serial)
            return fates.conflicts.reject(ordinal + place, serial, group) or fates.groups[group]

        def reject(ordinal: int, window: Any, places: npt.NDArray[np.intp]) -> None:
            groups = window["group"].to_numpy()[places].tolist()
            rows = window.take(pa.array(places))
            reasons = [
                why(place, ordinal, serial, group)
                for place, serial, group in zip(places.tolist(), rows["serial"].to_pylist(), groups, strict=True)
            ]
            self._staged.rejected.update((g, r.code) for g, r in zip(groups, reasons, strict=True))
            self._staged.notes.subtract(f"{r.role}_looks_damaged" for r in reasons if has_warning_too(r.code))
            batches = [self._groups.batches[group] for group in groups]
            columns = [
                rows["key"],
                rows["serial"],
                *([getattr(batch, name) for batch in batches] for name in ("gtin", "batch", "expiry")),
                [reason.code for reason in reasons],
                [recorded(reason) for reason in reasons],
            ]
            self._sink.rejects(pa.record_batch(columns, schema=REJECTS))

        planner = Planner(self._staging.chunk_size, fates, self._sink.chunk, reject, held=held)
        for ordinal, window in self._spill.windows():
            self._stopping.check()
            planner.add(ordinal, window)
        planner.close()
        self._staged.notes.update(self._holding.noted)

    def result(self) -> Staged:
        self._staged.batches = self._groups.batches
        return self._staged

    def _where(self, key: int) -> dict[str, str]:
        return place_of(key, self._source.sheet_names)


def _batch_of(gtin: str, batch: str, expiry: str, settings: CheckSettings, today: date) -> Batch | None:
    """The batch that a rejected row belongs to, where that can be told."""
    parse = parsers(settings, today)
    parsed = parse["gtin"](gtin), parse["batch"](batch), parse["expiry"](expiry)
    values = [value.value for value in parsed if isinstance(value, Parsed)]
    return Batch(*values) if len(values) == len(parsed) else None


def reading_of(source: Source) -> Mapping[str, Any]:
    """How the source was read, as the ledger and the report keep it."""
    reading = source.reading
    return {
        "format": reading.format,
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "sheets": [
            {"name": sheet.name, "header_row": sheet.header_row, "columns": dict(sheet.columns)}
            for sheet in reading.sheets
        ],
        "remarks": [remark.part() for remark in reading.remarks],
        "sheet_names": list(source.sheet_names),
    }
