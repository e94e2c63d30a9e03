"""What became of a chunk's rows, with the values of what is said of it, whether or not its run has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importer import reconcile
from importer.ledger.ports import View
from importer.ledger.records import Run, StoredChunk
from importer.model import Fate, Outcome, is_sandbox
from importer.reconcile import ALREADY, GOOD
from importer.rows.tables import place_of

_MOST_NAMED = 3


def fate_of(chunk: StoredChunk, run: Run) -> Fate:
    """The fate of all rows of a chunk but those that repeat one."""
    fate = reconcile.fate_of(chunk.state, chunk.fate, chunk.doubt, tried=chunk.attempts > 0)
    return fate if fate.values else Fate(fate.outcome, fate.code, _values(fate, run))


def _values(fate: Fate, run: Run) -> Mapping[str, Any]:
    if fate.outcome in ALREADY:
        return _one_of(run.reading.get("assigned_by", ()))
    if fate.code == "not_taken":
        return {"run": _again(run)}
    if fate.code == "not_sent":
        return {"run": _again(run), **({"case": "stopped", "reason": run.stopped_by} if run.stopped_by else {})}
    return {}


def _again(run: Run) -> str:
    """What stands behind `importer resume`, so that it goes to the same target."""
    return f"{run.id} --sandbox" if is_sandbox(run.target) else run.id


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


def rows_of(view: View, run: Run, chunk: StoredChunk, names: Sequence[str]) -> Iterator[tuple[int, str, Fate]]:
    """Key, serial and fate of each row of a chunk, those that repeat one of its serials too. For some chunks: all
    rows of a run come by whole columns (outcomes.py).
    """
    rows, fate = view.rows(chunk.id), fate_of(chunk, run)
    for key, serial in zip(rows.keys.tolist(), rows.serials, strict=True):
        yield key, serial, fate
    for key, place in zip(rows.repeat_keys.tolist(), rows.repeat_of.tolist(), strict=True):
        yield key, rows.serials[place], repeat_of(place_of(int(rows.keys[place]), names), fate)
