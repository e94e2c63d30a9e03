"""Taking back what a run has commissioned by mistake: which rows that is, as a source that is staged like a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.concurrency import Stopping
from importer.errors import ConfigError
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Batch, Outcome, Reading, Sheet
from importer.results.outcomes import windows
from importer.rows.tables import ROWS, Rows, Source
from importer.staging.overlap import Earlier
from importer.staging.planning import Planned
from importer.staging.stage import Staging, stage
from importer.staging.standings import Standing

FORMAT = "ledger"
"""Of a run whose rows came from the ledger instead of a file."""


@dataclass(frozen=True, slots=True)
class Only:
    """Which of the rows that a run has assigned; nothing given: all of them."""

    batches: Sequence[str] = ()
    serials: Sequence[str] = ()

    def identity(self) -> dict[str, list[str]]:
        """What tells one undoing of a run from another."""
        return {name: sorted(values) for name in ("batches", "serials") if (values := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Undo:
    """What is to be taken back: of `run` those rows that it has assigned itself and that `source` lists."""

    run: Run
    only: Only = field(default_factory=Only)
    file: Path | None = None
    """A list of the rows; None: they come from the ledger."""
    options: Any = None
    """How the list is to be read."""
    expected: int | None = None
    """How many serials a person has agreed to; with any other number nothing is sent."""

    def must_be_expected(self, serials: int) -> None:
        """Raise ConfigError if it is another number than a person has agreed to."""
        if self.expected not in (None, serials):
            raise ConfigError("undo_changed", run=self.run.id, expected=self.expected, n=serials)

    def source(self, view: View, open_source: Callable[[Path, Any], Source]) -> Source:
        return open_source(self.file, self.options) if self.file else AssignedRows(view, self.run, self.only)


class AssignedRows:
    """The rows that a run has assigned itself, as a source: each with its row in the run's own list."""

    def __init__(self, view: View, run: Run, only: Only) -> None:
        self._view = view
        self._run = run
        self._only = only
        self.sheet_names: Sequence[str] = run.reading.get("sheet_names", ())
        sheets = [Sheet(one["name"], one["header_row"], one["columns"]) for one in run.reading.get("sheets", ())]
        self.reading = Reading(FORMAT, sheets=sheets)

    def __iter__(self) -> Iterator[Rows]:
        for window in windows(self._view, self._run, self.sheet_names if len(self.sheet_names) > 1 else ()):
            rows = window.filter(pa.array(self._wanted(window)))
            if len(rows):
                columns = [rows[name] for name in ROWS.names]
                plain = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in columns]
                yield Rows(pa.Table.from_arrays(plain, schema=ROWS))

    def _wanted(self, window: Any) -> npt.NDArray[np.bool_]:
        wanted = pc.equal(window["outcome"].dictionary_decode(), Outcome.ASSIGNED.value)
        if self._only.batches or self._only.serials:
            of_batch = pc.is_in(window["batch"].dictionary_decode(), pa.array(self._only.batches, pa.string()))
            of_serial = pc.is_in(window["serial"], pa.array(self._only.serials, pa.string()))
            wanted = pc.and_(wanted, pc.or_(of_batch, of_serial))
        return np.asarray(wanted.to_numpy(zero_copy_only=False))


@dataclass(slots=True)
class Preview:
    """What would be taken back."""

    serials: int = 0
    """To be sent."""
    already: int = 0
    """Taken back by another run."""
    rejected: int = 0
    """Rows of a list that the run has not assigned, or that can't be read."""
    batches: dict[Batch, int] = field(default_factory=dict)
    """The serials to be sent, by batch."""
    _by_group: dict[int, int] = field(default_factory=dict)

    def chunk(self, planned: Planned) -> None:
        if planned.standing == Standing.ALREADY:
            self.already += len(planned.keys)
        else:
            self._by_group[planned.group] = self._by_group.get(planned.group, 0) + len(planned.keys)

    def rejects(self, rows: Any) -> None:
        self.rejected += rows.num_rows

    def close(self, batches: Sequence[Batch]) -> None:
        self.batches = {batches[group]: n for group, n in self._by_group.items()}
        self.serials = sum(self._by_group.values())


def preview(view: View, undo: Undo, open_source: Callable[[Path, Any], Source], staging: Staging) -> Preview:
    """What `undo` would take back; sends nothing, keeps nothing."""
    found = Preview()
    earlier = Earlier(view, undo.run.target, undo.run.id)
    staged = stage(
        undo.source(view, open_source), staging, found, earlier, stopping=Stopping(), progress=lambda _: None
    )
    found.close(staged.batches)
    return found


def must_be_there(view: View, run: Run, only: Only) -> None:
    """Raise ConfigError for a batch or serial that the run has not assigned."""
    sought: Mapping[str, set[str]] = {"batch": set(only.batches), "serial": set(only.serials)}
    for rows in AssignedRows(view, run, only):
        for name, values in sought.items():
            values.difference_update(pc.unique(rows.table[name]).to_pylist())
    for name, values in sought.items():
        if values:
            raise ConfigError("only_missing", case=name, value=min(values), run=run.id)
