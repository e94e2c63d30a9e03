"""Finds which rows of a source earlier runs of the ledger have already, exactly: by fingerprint first, then by looking
at the serials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from importer.concurrency import ahead
from importer.ledger import history
from importer.ledger.history import EarlierOutcome, EarlierSerials, Matches, gtins_of
from importer.ledger.view import View
from importer.model import Batch, Reject
from importer.rows.fingerprints import SHORT_BITS, Hashes, words_of
from importer.rows.tables import conflicting
from importer.staging.duplicates import Finder, candidates
from importer.staging.standings import Standing, Standings

_MOST_SLOTS = 1 << 22
_SLOTS_EACH = 8

_Run = tuple[str, dict[int, Batch]]
"""A run's id and its batches."""


def matches(view: View, target: str, batches: Iterable[Batch], parts: Iterator[Hashes]) -> list[Matches]:
    """What runs into `target` share with the hashes of rows of these batches, which come sorted, in parts."""
    runs = history.others(view, target, {batch.gtin for batch in batches})
    return list(history.matches(view, runs, parts)) if runs else []


def find(finder: Finder, view: View, found: Iterable[Matches], fates: Standings) -> None:
    """Raise the standings of rows that earlier runs have, and note conflicts with them in `fates`."""
    for run, short, old in ahead(_slices(view, found)):
        _judge(finder, fates, old, short, run)


def _slices(view: View, found: Iterable[Matches]) -> Iterator[tuple[_Run, Hashes, EarlierSerials]]:
    for match in found:
        run = match.run_id, view.batches(match.run)
        for short, seqs in match.slices():
            yield run, short, history.held(view, match, short, seqs)


def _judge(finder: Finder, fates: Standings, old: EarlierSerials, short: Hashes, run: _Run) -> None:
    run_id, theirs = run
    if not len(old.hashes):
        return
    new = candidates(finder.spill, short, 64 - SHORT_BITS)
    ours, his = _pairs(finder, new, old, gtins_of(theirs))
    place = {batch: number for number, batch in theirs.items()}
    number = np.array([place.get(batch, -1) for batch in finder.batches], np.int64)
    groups, ordinals = (new[name].to_numpy()[ours] for name in ("group", "ordinal"))
    batch, had = old.batch[his], old.had[his]
    same = number[groups] == batch
    already = ordinals[same & (had == EarlierOutcome.ASSIGNED)]
    finder.raise_to(already, Standing.ALREADY)
    if len(already) and run_id not in fates.holders:
        fates.holders.append(run_id)
    finder.raise_to(ordinals[same & (had != EarlierOutcome.ASSIGNED)], Standing.DOUBTFUL)
    clash = np.flatnonzero(~same & (had >= EarlierOutcome.UNKNOWN))
    finder.raise_to(ordinals[clash], Standing.CONFLICT)

    def explain(serial: str, group: int, number: int, had: int) -> Reject:
        return _explain(serial, finder.batches[group], theirs[number], EarlierOutcome(had), run_id)

    if len(clash):
        fates.conflicts.add(ordinals[clash], batch[clash], had[clash], explain)


def _pairs(
    finder: Finder, new: Any, old: EarlierSerials, gtin_of: Hashes
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The places of rows in `new` and `old` with the same GTIN and serial: those with the same hash, looked at."""
    found = list(_same_hash(new["hash"].to_numpy(), old.hashes))
    ours, his = (np.concatenate(places) for places in zip(*found, strict=True))
    equal = (
        np.array([int(batch.gtin) for batch in finder.batches], np.uint64)[new["group"].to_numpy()[ours]]
        == (gtin_of[old.batch[his]])
    )
    our_words, his_words = words_of(new["serial"].combine_chunks()), words_of(old.serials)
    for place in range(our_words.shape[1]):
        equal &= our_words[:, place][ours] == his_words[:, place][his]
    return ours[equal], his[equal]


def _same_hash(ours: Hashes, theirs: Hashes) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Places of all pairs of equal hashes. Each of theirs takes the slot that its lowest bits name, and ours look
    there; those whose slot another one took have their turn in the next round.
    """
    left = np.arange(len(theirs), dtype=np.int32)
    while len(left):
        count = min(_MOST_SLOTS, 1 << (_SLOTS_EACH * len(left)).bit_length())
        low = np.uint64(count - 1)
        slots = np.full(count, -1, np.int32)
        taken = (theirs.take(left) & low).view(np.int64)
        slots[taken] = left
        at = slots.take((ours & low).view(np.int64))
        places = np.flatnonzero(at >= 0)
        his = at.take(places)
        equal = theirs.take(his) == ours.take(places)
        yield places[equal], his[equal]
        left = left[slots.take(taken) != left]


def _explain(serial: str, ours: Batch, theirs: Batch, had: EarlierOutcome, run_id: str) -> Reject:
    done = "assigned" if had == EarlierOutcome.ASSIGNED else "lost"
    return Reject("conflict_with_run", "", {**conflicting(serial, ours, theirs), "run": run_id, "done": done})
