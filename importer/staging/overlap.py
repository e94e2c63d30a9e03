"""Which rows of a source earlier runs of the ledger have already, as far as it decides what becomes of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from importer.ledger import history
from importer.ledger.history import Found, Matches
from importer.ledger.ports import View
from importer.model import Batch, Reject
from importer.reconcile import EarlierOutcome
from importer.rows.fingerprints import SHORT_BITS, Hashes
from importer.rows.tables import conflicting
from importer.staging.duplicates import Finder, candidates
from importer.staging.spill import Spill
from importer.staging.standings import Standing, Standings


def matches(view: View, target: str, batches: Iterable[Batch], parts: Iterator[Hashes]) -> list[Matches]:
    """What runs into `target` share with the hashes of rows of these batches, which come sorted, in parts."""
    runs = history.others(view, target, {batch.gtin for batch in batches})
    return list(history.matches(view, runs, parts)) if runs else []


@dataclass(frozen=True, slots=True)
class _Spilled:
    """The rows of a source, for history.look."""

    spill: Spill
    batches: Sequence[Batch]

    def candidates(self, short: Hashes) -> Any:
        return candidates(self.spill, short, 64 - SHORT_BITS)


def find(finder: Finder, view: View, shared: Iterable[Matches], standings: Standings) -> None:
    """Raise the standings of rows that earlier runs have, and note conflicts with them in `standings`."""
    for found in history.look(view, _Spilled(finder.spill, finder.batches), shared):
        _raise(finder, standings, found)


def _raise(finder: Finder, standings: Standings, found: Found) -> None:
    already = found.ordinals[found.already]
    finder.raise_to(already, Standing.ALREADY)
    if len(already) and found.run_id not in standings.holders:
        standings.holders.append(found.run_id)
    finder.raise_to(found.ordinals[found.doubtful], Standing.DOUBTFUL)
    clash = found.conflicting
    finder.raise_to(found.ordinals[clash], Standing.CONFLICT)

    def explain(serial: str, group: int, number: int, says: int) -> Reject:
        return _explain(serial, finder.batches[group], found.batches[number], EarlierOutcome(says), found.run_id)

    if clash.any():
        standings.conflicts.add(found.ordinals[clash], found.batch[clash], found.says[clash], explain)


def _explain(serial: str, ours: Batch, theirs: Batch, says: EarlierOutcome, run_id: str) -> Reject:
    done = "assigned" if says == EarlierOutcome.ASSIGNED else "lost"
    return Reject("conflict_with_run", "", {**conflicting(serial, ours, theirs), "run": run_id, "done": done})
