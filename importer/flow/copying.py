"""A ledger goes from one back end into another, and is proven there: by the identity of each run, and by serial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from importer.errors import ConfigError, LedgerError
from importer.ledger.ports import Place, View
from importer.ledger.records import PackedChunk, Run
from importer.results.totals import count


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy was proven to hold."""

    runs: int
    rows: int
    serials: int


def copy_ledger(source: Place, target: Place) -> Copied:
    """Copy a ledger that no process writes into an empty one. Raises ConfigError where it can't begin, LedgerBusy where
    the source is in use, LedgerError where the copy is not the same.
    """
    if str(source) == str(target):
        raise ConfigError("copy_onto_itself", path=str(source))
    with source.at_rest() as ours:
        target.fill(ours.contents())
        with target.view() as theirs:
            return _proven(ours, theirs, str(target))


def _proven(ours: View, theirs: View, place: str) -> Copied:
    runs = ours.runs()
    if runs != theirs.runs():
        raise _other(place, "", "runs")
    if ours.events() != theirs.events():
        raise _other(place, "", "events")
    serials = sum(_proven_run(ours, theirs, run, place) for run in runs)
    return Copied(len(runs), sum(run.rows for run in runs), serials)


def _proven_run(ours: View, theirs: View, run: Run, place: str) -> int:
    """Raise LedgerError unless both say the same of a run, and of each of its rows; return its serials."""
    counts = count(theirs, run)
    if sum(counts.outcomes.values()) != run.rows or counts.outcomes != count(ours, run).outcomes:
        raise _other(place, run.id, "outcomes")
    for what in ("attempts", "rejects"):
        if not _same(getattr(ours, what)(run.num), getattr(theirs, what)(run.num)):
            raise _other(place, run.id, what)
    serials = 0
    for one, other in zip_longest(ours.chunks_by_key(run.num), theirs.chunks_by_key(run.num)):
        if one is None or other is None or not _same_serials(ours, theirs, one, other):
            raise _other(place, run.id, "serials")
        serials += one.serials
    return serials


def _same_serials(ours: View, theirs: View, one: PackedChunk, other: PackedChunk) -> bool:
    """Whether two chunks hold the same serials, in the same rows, with the same fate."""
    mine, its = ours.columns([one]), theirs.columns([other])
    return (
        one == other
        and bool(mine.serials.equals(its.serials))
        and bool((mine.keys == its.keys).all())
        and bool((mine.repeat_keys == its.repeat_keys).all())
    )


def _same(ours: Iterator[Any], theirs: Iterator[Any]) -> bool:
    return all(one == other for one, other in zip_longest(ours, theirs))


def _other(place: str, run: str, what: str) -> LedgerError:
    return LedgerError("copy_differs", path=place, run=run, case=what)
