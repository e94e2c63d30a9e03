"""What a chunk's state in the ledger means for its rows, whether or not its run has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from importer.ledger.view import Run, StoredChunk
from importer.model import ChunkState, Doubt, Fate, Outcome
from importer.reconcile import LOST

_MOST_NAMED = 3
GOOD = frozenset({Outcome.ASSIGNED, Outcome.ALREADY_ASSIGNED})


def fate_of(kept: StoredChunk, run: Run) -> Fate:
    """The fate of all rows of a chunk that have no exception."""
    if kept.state == ChunkState.SETTLED and kept.fate:
        return _explained(kept.fate, run)
    if kept.state == ChunkState.SENT or kept.doubt == Doubt.THIS_RUN:
        return LOST
    return unsent(run, tried=kept.attempts > 0)


def unsent(run: Run, *, tried: bool) -> Fate:
    if tried:
        return Fate(Outcome.UNSENT, "not_taken", {"run": run.id})
    stopped = {"case": "stopped", "reason": run.stopped_by} if run.stopped_by else {}
    return Fate(Outcome.UNSENT, "not_sent", {"run": run.id, **stopped})


def _explained(fate: Fate, run: Run) -> Fate:
    if fate.outcome == Outcome.ALREADY_ASSIGNED and not fate.values:
        return Fate(fate.outcome, "", _one_of(run.reading.get("assigned_by", ())))
    return fate


def _one_of(runs: Sequence[str]) -> dict[str, Any]:
    """Those that a list overlaps with; which of them has a row is not kept, row by row."""
    if not runs:
        return {"case": "earlier"}
    others = len(runs) - _MOST_NAMED
    return {"runs": [*runs[:_MOST_NAMED], *([others] if others > 0 else [])]}


def repeat_of(place: Mapping[str, str], fate: Fate) -> Fate:
    """The fate of a row that repeats the one at a place, whose own fate is given."""
    values = {"where": place, "outcome": fate.outcome.value}
    if fate.outcome in GOOD:
        return Fate(Outcome.DUPLICATE, "", values)
    return Fate(Outcome.DUPLICATE, "first_row_not_assigned", {**values, "reason": fate.code})
