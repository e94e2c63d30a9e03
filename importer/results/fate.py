"""What a chunk's state in the ledger means for its rows, whether or not its run has ended."""

from __future__ import annotations

from collections.abc import Sequence

from importer.ledger.view import Run, StoredChunk
from importer.model import ChunkState, Doubt, Fate, Outcome
from importer.reconcile import LOST

_MOST_NAMED = 3
GOOD = frozenset({Outcome.ASSIGNED, Outcome.ALREADY_ASSIGNED})


def fate_of(kept: StoredChunk, run: Run) -> Fate:
    """The fate of all rows of a chunk that have no exception."""
    if kept.state == ChunkState.SETTLED and kept.fate:
        return _in_words(kept.fate, run)
    if kept.state == ChunkState.SENT or kept.doubt == Doubt.THIS_RUN:
        return LOST
    return unsent(run, tried=kept.attempts > 0)


def unsent(run: Run, *, tried: bool) -> Fate:
    go_on = f"`importer resume {run.id}` goes on."
    if tried:
        return Fate(Outcome.UNSENT, "not_taken", f"It was tried, and the API took nothing. {go_on}")
    why = f"The run stopped before its turn: {run.stopped_by}" if run.stopped_by else "The run has not come to it yet"
    return Fate(Outcome.UNSENT, "not_sent", f"{why.rstrip('.')}. {go_on}")


def _in_words(fate: Fate, run: Run) -> Fate:
    if fate.outcome == Outcome.ALREADY_ASSIGNED:
        holders = run.reading.get("assigned_by", ())
        return Fate(fate.outcome, "", fate.message or f"{_one_of(holders)} has it assigned: not sent again.")
    return fate


def _one_of(runs: Sequence[str]) -> str:
    """Those that a list overlaps with; which of them has a row is not kept, row by row."""
    if not runs:
        return "An earlier run of this ledger"
    others = len(runs) - _MOST_NAMED
    *first, last = [*runs[:_MOST_NAMED], *([f"one of {others:,} others"] if others > 0 else [])]
    return f"Run {', '.join(first)} or {last}" if first else f"Run {last}"
