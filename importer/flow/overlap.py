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
from importer.repeats import Finder, describe, gather_columns, sorted_parts

_LOOK = 1 << 20
"""Fingerprints followed at once."""


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
    """Fingerprints that a source shares with a run: shortened hashes, and the seqs of the run's planned chunks."""

    run: int
    run_id: str
    short: Hashes
    seqs: Hashes

    def slices(self) -> Iterator[tuple[Hashes, Hashes]]:
        """Sorted shortened hashes and distinct seqs, some chunks at a time."""
        order = np.argsort(self.seqs, kind="stable")
        short, seqs = self.short[order], self.seqs[order]
        start = 0
        while start < len(seqs):
            end = int(np.searchsorted(seqs, seqs[min(start + _LOOK, len(seqs)) - 1], side="right"))
            yield np.unique(short[start:end]), np.unique(seqs[start:end])
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
    for run, entries in found.items():
        hit = np.concatenate([*entries, np.empty(0, np.uint64)])
        if len(hit):
            yield Matches(run, runs[run], *index.split(hit))


def _common(ours: Hashes, theirs: Hashes) -> npt.NDArray[np.bool_]:
    """Which of `ours` are among `theirs`, both sorted: the smaller side is looked up in the larger."""
    low, high = np.searchsorted(theirs, [ours[0], ours[-1] + np.uint64(1)])
    theirs = theirs[low:high]
    if not len(theirs):
        return np.zeros(len(ours), np.bool_)
    if len(ours) <= len(theirs):
        return _member(ours, theirs)
    wanted = np.unique(theirs)
    first, last = np.searchsorted(ours, wanted), np.searchsorted(ours, wanted, side="right")
    hit = np.zeros(len(ours) + 1, np.int32)
    np.add.at(hit, first, 1)
    np.add.at(hit, last, -1)
    covered: npt.NDArray[np.bool_] = np.cumsum(hit[:-1]) > 0
    return covered


def others(view: View, target: str, gtins: set[str]) -> dict[int, str]:
    """The runs against an API that hold one of these products, number to id."""
    return {num: run_id for num, run_id, gtin in view.products(target) if gtin in gtins}


@dataclass(frozen=True, slots=True)
class Held:
    """What a run says of some serials, sorted by hash: `batch` is a number of the run's, `had` a Had."""

    hashes: Hashes
    gtins: Hashes
    serials: Any
    batch: npt.NDArray[np.int64]
    had: npt.NDArray[np.uint8]


def held(view: View, match: Matches, short: Hashes, seqs: Hashes) -> Held:
    """What a run says of the serials that these fingerprints stand for."""
    batches = view.batches(match.run)
    gtin_of = _gtins(batches)
    found = [
        _held_in(view, chunk, gtin_of, short) for seq in seqs.tolist() for chunk in view.chunks_of_root(match.run, seq)
    ]
    hashes, gtins, batch, had = (np.concatenate([getattr(held, name) for held in found]) for name in _NUMBERS)
    order = np.argsort(hashes, kind="stable")
    serials = pa.concat_arrays([held.serials for held in found]).take(pa.array(order))
    return Held(hashes[order], gtins[order], serials, batch[order], had[order])


_NUMBERS = ("hashes", "gtins", "batch", "had")


def _held_in(view: View, chunk: Kept, gtin_of: Hashes, short: Hashes) -> Held:
    """What a chunk says of those of its serials that are meant."""
    serials = view.columns(chunk.id).serials
    gtins = np.full(len(serials), gtin_of[chunk.batch], np.uint64)
    hashes = fingerprints(serials, gtins)
    had = _had(view, chunk, len(serials))
    wanted = _member(shorten(hashes), short) & (had != Had.NOTHING)
    batch = np.full(int(wanted.sum()), chunk.batch, np.int64)
    return Held(hashes[wanted], gtins[wanted], serials.filter(pa.array(wanted)), batch, had[wanted])


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
            old = held(view, match, short, seqs)
            if len(old.hashes):
                new = gather_columns(finder.spill, short, 64 - SHORT_BITS)
                _judge(finder, fates, new, old, (match.run_id, view.batches(match.run)))


def _judge(finder: Finder, fates: Fates, new: Any, old: Held, run: tuple[str, dict[int, Batch]]) -> None:
    run_id, theirs = run
    ours, his = _pairs(finder, new, old)
    place = {batch: number for number, batch in theirs.items()}
    number = np.array([place.get(batch, -1) for batch in finder.batches], np.int64)
    groups, ordinals = (new[name].to_numpy()[ours] for name in ("group", "ordinal"))
    batch, had = old.batch[his], old.had[his]
    same = number[groups] == batch
    finder.raise_to(ordinals[same & (had == Had.ASSIGNED)], Standing.ALREADY)
    finder.raise_to(ordinals[same & (had != Had.ASSIGNED)], Standing.DOUBTFUL)
    clash = np.flatnonzero(~same & (had >= Had.UNKNOWN))
    finder.raise_to(ordinals[clash], Standing.CONFLICT)
    serials = old.serials.take(pa.array(his[clash])).to_pylist()
    columns = (ordinals[clash], serials, groups[clash], batch[clash], had[clash])
    fates.conflicts = dict(fates.conflicts) | {
        int(ordinal): _explain(serial, finder.batches[group], theirs[int(batch)], Had(status), run_id)
        for ordinal, serial, group, batch, status in zip(*columns, strict=True)
    }


def _pairs(finder: Finder, new: Any, old: Held) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The places of rows in `new` and `old` with the same GTIN and serial: those with the same hash, looked at."""
    hashes = new["hash"].to_numpy()
    first = np.searchsorted(old.hashes, hashes)
    count = np.searchsorted(old.hashes, hashes, side="right") - first
    ours = np.repeat(np.arange(len(hashes)), count)
    within = np.arange(len(ours)) - np.repeat(np.cumsum(count) - count, count)
    his = np.repeat(first, count) + within
    gtin = np.array([int(batch.gtin) for batch in finder.batches], np.uint64)[new["group"].to_numpy()[ours]]
    serials = new["serial"].combine_chunks().take(pa.array(ours))
    same = pc.equal(serials, old.serials.take(pa.array(his))).to_numpy(zero_copy_only=False)
    same &= gtin == old.gtins[his]
    return ours[same], his[same]


def _explain(serial: str, ours: Batch, theirs: Batch, had: Had, run_id: str) -> Reject:
    done = "assigned" if had == Had.ASSIGNED else "sent (its answer was lost)"
    return Reject(
        "conflict_with_run",
        f"Serial {serial} of GTIN {ours.gtin} stands here with {describe(ours)}, but run {run_id} has {done} it with "
        f"{describe(theirs)}. Nothing tells which is right: correct or delete this row.",
    )
