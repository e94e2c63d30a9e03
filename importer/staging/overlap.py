"""Which rows of a source earlier runs of the ledger have already, as far as it decides what becomes of the rows.

A list to commission: what a run has assigned is not sent again; what a run has taken back, or may have, is rejected:
its serial can't be given out again (API.md). A list to take back: what the run that it undoes has assigned is sent, all
else is rejected; what is taken back already is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

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


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known already: a ledger, the API that is meant, and the id of the run that is taken back, if any."""

    view: View
    target: str
    undoes: str = ""


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


def find(finder: Finder, earlier: Earlier, shared: Iterable[Matches], standings: Standings) -> None:
    """Raise the standings of rows that earlier runs have, and note conflicts with them in `standings`."""
    looked = history.look(earlier.view, _Spilled(finder.spill, finder.batches), shared)
    if earlier.undoes:
        _find_assigned(finder, earlier.undoes, looked, standings)
        return
    for found in looked:
        _raise(finder, standings, found)


def _find_assigned(finder: Finder, undoes: str, looked: Iterable[Found], standings: Standings) -> None:
    """Of a list to take back."""
    assigned = np.zeros(finder.spill.rows, np.bool_)
    for found in looked:
        if found.run_id == undoes:
            assigned[found.ordinals[found.already]] = True
        gone = found.ordinals[found.says == EarlierOutcome.TAKEN_BACK]
        finder.raise_to(gone, Standing.ALREADY)
        if len(gone) and found.run_id not in standings.holders:
            standings.holders.append(found.run_id)
        finder.raise_to(found.ordinals[found.says == EarlierOutcome.MAYBE_TAKEN_BACK], Standing.DOUBTFUL)
    others = np.flatnonzero(~assigned & (finder.standings < Standing.CONFLICT))
    finder.raise_to(others, Standing.CONFLICT)

    def explain(serial: str, group: int, _one: int, _other: int) -> Reject:
        batch = finder.batches[group]
        pack = {"serial": serial, "gtin": batch.gtin, "batch": batch.batch, "expiry": batch.expiry}
        return Reject("not_assigned_by_run", "serial", {**pack, "run": undoes})

    if len(others):
        none = np.zeros(len(others), np.int64)
        standings.conflicts.add(others, none, none, explain)


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

    gone = found.taken_back
    finder.raise_to(found.ordinals[gone], Standing.CONFLICT)
    if gone.any():
        says = found.says[gone]
        standings.conflicts.add(found.ordinals[gone], says, says, partial(_gone, found))
    if clash.any():
        standings.conflicts.add(found.ordinals[clash], found.batch[clash], found.says[clash], explain)


def _gone(found: Found, serial: str, _group: int, says: int, _says: int) -> Reject:
    case = {} if says == EarlierOutcome.TAKEN_BACK else {"case": "perhaps"}
    return Reject("taken_back", "serial", {"serial": serial, "run": found.run_id, **case})


def _explain(serial: str, ours: Batch, theirs: Batch, says: EarlierOutcome, run_id: str) -> Reject:
    done = "assigned" if says == EarlierOutcome.ASSIGNED else "lost"
    return Reject("conflict_with_run", "", {**conflicting(serial, ours, theirs), "run": run_id, "done": done})
