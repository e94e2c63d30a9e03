"""Finds which rows of a source earlier runs of the ledger have already, exactly: by fingerprint first, then by looking
at the serials of the chunks that the fingerprints name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.fates import Fates, Standing
from importer.fingerprints import SHORT_BITS, Hashes, fingerprints, shorten
from importer.ledger import index
from importer.ledger.view import Kept, View
from importer.model import Batch, ChunkState, Doubt, Outcome, Reject
from importer.repeats import Finder, candidates, describe, sorted_parts
from importer.sieve import Sieve

_LOOK = 1 << 19
"""Fingerprints followed at once."""
_BUCKETS = 1 << 23
"""Into which a range of fingerprints is divided, to see at a glance where both sides have any."""


_SHORT = np.uint64((1 << SHORT_BITS) - 1)
_SLOTS = 1 << 22


class Had(IntEnum):
    """What an earlier run says of a serial."""

    NOTHING = 0
    """It was never sent, or clearly refused: it may be sent."""
    DOUBT = 1
    """It was refused, but an answer for it had been lost before."""
    UNKNOWN = 2
    """It was sent, and no answer says what became of it."""
    ASSIGNED = 3


@dataclass(frozen=True, slots=True)
class Matches:
    """Fingerprints that a source shares with a run. `found`, rising: the seq of the run's planned chunk above the
    shortened hash.
    """

    run: int
    run_id: str
    found: Hashes

    def slices(self) -> Iterator[tuple[Hashes, Hashes]]:
        """Sorted shortened hashes and sorted distinct seqs, some chunks at a time."""
        start = 0
        while start < len(self.found):
            last = self.found[min(start + _LOOK, len(self.found)) - 1]
            end = int(np.searchsorted(self.found, last | _SHORT, side="right"))
            part = self.found[start:end]
            yield np.sort(part & _SHORT), _distinct(part >> np.uint64(SHORT_BITS))
            start = end


def matches(view: View, runs: dict[int, str], parts: Iterator[Hashes]) -> Iterator[Matches]:
    """What the given runs (number to id) share with hashes that come sorted, in parts."""
    found: dict[int, list[Hashes]] = {run: [] for run in runs}
    for part in parts:
        if not len(part):
            continue
        short = shorten(part)
        for run, entries in found.items():
            for piece in view.fingerprints(run, int(short[0]), int(short[-1])):
                entries.append(piece[_common(index.split(piece)[0], short)])
    for run in list(found):
        by_chunk = _by_chunk(found.pop(run))
        if len(by_chunk):
            yield Matches(run, runs[run], by_chunk)


def _by_chunk(entries: list[Hashes]) -> Hashes:
    short, seqs = index.split(np.concatenate([*entries, np.empty(0, np.uint64)]))
    by_chunk = (seqs << np.uint64(SHORT_BITS)) | short
    by_chunk.sort()
    return by_chunk


def _common(ours: Hashes, theirs: Hashes) -> npt.NDArray[np.bool_]:
    """Which of `ours` are among `theirs`, both sorted. Looked up are those that share a bucket with one of theirs."""
    low, high = np.searchsorted(theirs, [ours[0], ours[-1] + np.uint64(1)])
    theirs = theirs[low:high]
    common = np.zeros(len(ours), np.bool_)
    if not len(theirs):
        return common
    shift = np.uint64(max(0, int(ours[-1] - ours[0]).bit_length() - (_BUCKETS - 1).bit_length()))
    filled = np.zeros(_BUCKETS, np.bool_)
    filled[(theirs - ours[0]) >> shift] = True
    places = np.flatnonzero(filled[(ours - ours[0]) >> shift])
    common[places] = _member(ours[places], theirs)
    return common


def _distinct(ordered: Hashes) -> Hashes:
    distinct: Hashes = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return distinct


def others(view: View, target: str, gtins: set[str]) -> dict[int, str]:
    """The runs against an API that hold one of these products, number to id."""
    return {num: run_id for num, run_id, gtin in view.products(target) if gtin in gtins}


@dataclass(frozen=True, slots=True)
class Held:
    """What a run says of some serials: `batch` is a number of the run's, `had` a Had."""

    hashes: Hashes
    serials: Any
    batch: npt.NDArray[np.int64]
    had: npt.NDArray[np.uint8]


def held(view: View, match: Matches, short: Hashes, seqs: Hashes) -> Held:
    """What a run says of the serials that these fingerprints stand for, and of a few others in the same chunks."""
    gtin_of = _gtins(view.batches(match.run))
    sieve = Sieve(short)
    found = [
        _held_in(view, chunk, gtin_of[chunk.batch], sieve)
        for seq in seqs.tolist()
        for chunk in view.chunks_of_root(match.run, seq)
    ]
    hashes, batch, had = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("hashes", "batch", "had")
    )
    return Held(hashes, pa.concat_arrays([part.serials for part in found]), batch, had)


def _held_in(view: View, chunk: Kept, gtin: np.uint64, sieve: Sieve) -> Held:
    """What a chunk says of those of its serials that pass."""
    serials = view.columns(chunk.id).serials
    hashes = fingerprints(serials, np.full(len(serials), gtin))
    had = _had(view, chunk, len(serials))
    wanted = sieve(shorten(hashes)) & (had != Had.NOTHING)
    if not wanted.all():
        hashes, serials, had = hashes[wanted], serials.filter(pa.array(wanted)), had[wanted]
    return Held(hashes, serials, np.full(len(hashes), chunk.batch, np.int64), had)


def _member(values: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return equal


def _gtins(batches: dict[int, Batch]) -> Hashes:
    numbers = np.zeros(max(batches) + 1, np.uint64)
    for number, batch in batches.items():
        numbers[number] = int(batch.gtin) if batch.gtin.isdigit() else 0
    return numbers


def _had_chunk(chunk: Kept) -> Had:
    """What a chunk says of its serials; chunks of `already_assigned` are spoken for by the run that assigned them."""
    if chunk.state == ChunkState.SENT or (chunk.state == ChunkState.PENDING and chunk.doubt == Doubt.THIS_RUN):
        return Had.UNKNOWN
    if chunk.state == ChunkState.SETTLED and chunk.fate:
        return _had_outcome(chunk.fate.outcome, chunk.doubt)
    return Had.DOUBT if chunk.doubt else Had.NOTHING


def _had_outcome(outcome: str, doubt: int) -> Had:
    if outcome == Outcome.ASSIGNED:
        return Had.ASSIGNED
    if outcome == Outcome.UNKNOWN:
        return Had.UNKNOWN
    return Had.DOUBT if doubt and outcome == Outcome.REFUSED else Had.NOTHING


def _had(view: View, chunk: Kept, count: int) -> npt.NDArray[np.uint8]:
    had = np.full(count, _had_chunk(chunk), np.uint8)
    for place, fate in view.exceptions(chunk.id):
        had[place] = _had_outcome(fate.outcome, chunk.doubt) if fate else Had.NOTHING
    return had


def find(finder: Finder, view: View, target: str, fates: Fates) -> None:
    """Raise the standings of rows that earlier runs have, and note conflicts with them in `fates`."""
    gtins = {batch.gtin for batch in finder.batches}
    runs = others(view, target, gtins)
    if not runs:
        return
    for match in matches(view, runs, sorted_parts(finder.spill.hashes())):
        for short, seqs in match.slices():
            _judge(finder, fates, held(view, match, short, seqs), short, (match.run_id, view.batches(match.run)))


def _judge(finder: Finder, fates: Fates, old: Held, short: Hashes, run: tuple[str, dict[int, Batch]]) -> None:
    run_id, theirs = run
    if not len(old.hashes):
        return
    new = candidates(finder.spill, Sieve(short), 64 - SHORT_BITS)
    ours, his = _pairs(finder, new, old, _gtins(theirs))
    place = {batch: number for number, batch in theirs.items()}
    number = np.array([place.get(batch, -1) for batch in finder.batches], np.int64)
    groups, ordinals = (new[name].to_numpy()[ours] for name in ("group", "ordinal"))
    batch, had = old.batch[his], old.had[his]
    same = number[groups] == batch
    already = ordinals[same & (had == Had.ASSIGNED)]
    finder.raise_to(already, Standing.ALREADY)
    if len(already) and run_id not in fates.holders:
        fates.holders.append(run_id)
    finder.raise_to(ordinals[same & (had != Had.ASSIGNED)], Standing.DOUBTFUL)
    clash = np.flatnonzero(~same & (had >= Had.UNKNOWN))
    finder.raise_to(ordinals[clash], Standing.CONFLICT)

    def explain(serial: str, group: int, number: int, had: int) -> Reject:
        return _explain(serial, finder.batches[group], theirs[number], Had(had), run_id)

    if len(clash):
        fates.clashes.add(ordinals[clash], batch[clash], had[clash], explain)


def _pairs(finder: Finder, new: Any, old: Held, gtin_of: Hashes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The places of rows in `new` and `old` with the same GTIN and serial: those with the same hash, looked at."""
    found = list(_same_hash(new["hash"].to_numpy(), old.hashes))
    ours, his = (np.concatenate(places) for places in zip(*found, strict=True))
    same = pc.equal(new["serial"].combine_chunks().take(pa.array(ours)), old.serials.take(pa.array(his)))
    gtin = np.array([int(batch.gtin) for batch in finder.batches], np.uint64)[new["group"].to_numpy()[ours]]
    equal = same.to_numpy(zero_copy_only=False) & (gtin == gtin_of[old.batch[his]])
    return ours[equal], his[equal]


def _same_hash(ours: Hashes, theirs: Hashes) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Places of all pairs of equal hashes. Each of theirs takes the slot that its lowest bits name, and ours look
    there; those whose slot another one took have their turn in the next round.
    """
    low = np.uint64(_SLOTS - 1)
    wanted = ours & low
    left = np.arange(len(theirs))
    while len(left):
        slots = np.full(_SLOTS, -1, np.int32)
        slots[theirs[left] & low] = left
        at = slots[wanted]
        places = np.flatnonzero(at >= 0)
        places = places[theirs[at[places]] == ours[places]]
        yield places, at[places]
        left = left[slots[theirs[left] & low] != left]


def _explain(serial: str, ours: Batch, theirs: Batch, had: Had, run_id: str) -> Reject:
    done = "assigned" if had == Had.ASSIGNED else "sent (its answer was lost)"
    return Reject(
        "conflict_with_run",
        f"Serial {serial} of GTIN {ours.gtin} stands here with {describe(ours)}, but run {run_id} has {done} it with "
        f"{describe(theirs)}. Nothing tells which is right: correct or delete this row.",
    )
