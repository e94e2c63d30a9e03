"""What earlier runs of the ledger say of serials: which fingerprints they share with others, and what became of the
serials in the chunks that those name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.concurrency import ahead
from importer.ledger import fingerprint_index
from importer.ledger.view import PackedChunk, StoredChunk, View
from importer.model import Batch, ChunkState, Doubt, Outcome
from importer.rows.fingerprints import SHORT_BITS, Hashes, fingerprints, shorten
from importer.rows.hash_sets import Sieve, among

_LOOK = 1 << 19
"""Fingerprints followed at once."""
_BUCKETS = 1 << 23
"""Into which a range of fingerprints is divided, to see at a glance where both sides have any."""
_CHUNKS = 64
"""Looked into at once."""
_SHORT = np.uint64((1 << SHORT_BITS) - 1)


class EarlierOutcome(IntEnum):
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
    for short, run, piece in ahead(_pieces(view, runs, parts)):
        found[run].append(piece[_common(piece >> fingerprint_index.SEQ_BITS, short)])
    for run in list(found):
        by_chunk = _by_chunk(found.pop(run))
        if len(by_chunk):
            yield Matches(run, runs[run], by_chunk)


def _pieces(view: View, runs: Iterable[int], parts: Iterator[Hashes]) -> Iterator[tuple[Hashes, int, Hashes]]:
    """A part, shortened, and the number of a run with each piece of its index that touches the part."""
    for part in parts:
        if len(part):
            short = shorten(part)
            for run, packed in ahead(_packed(view, runs, int(short[0]), int(short[-1]))):
                yield short, run, view.entries(packed)


def _packed(view: View, runs: Iterable[int], low: int, high: int) -> Iterator[tuple[int, bytes]]:
    for run in runs:
        for packed in view.packed_fingerprints(run, low, high):
            yield run, packed


def _by_chunk(entries: list[Hashes]) -> Hashes:
    short, seqs = fingerprint_index.split(np.concatenate([*entries, np.empty(0, np.uint64)]))
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
    filled[((theirs - ours[0]) >> shift).view(np.int64)] = True
    places = np.flatnonzero(filled[((ours - ours[0]) >> shift).view(np.int64)])
    common[places] = among(ours[places], theirs)
    return common


def _distinct(ordered: Hashes) -> Hashes:
    distinct: Hashes = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return distinct


def others(view: View, target: str, gtins: set[str]) -> dict[int, str]:
    """The runs against an API that hold one of these products, number to id."""
    return {num: run_id for num, run_id, gtin in view.products(target) if gtin in gtins}


@dataclass(frozen=True, slots=True)
class EarlierSerials:
    """What a run says of some serials: `batch` is a number of the run's, `had` a Had."""

    hashes: Hashes
    serials: Any
    batch: npt.NDArray[np.int64]
    had: npt.NDArray[np.uint8]


def held(view: View, match: Matches, short: Hashes, seqs: Hashes) -> EarlierSerials:
    """What a run says of the serials that these fingerprints stand for, and of a few others in the same chunks."""
    gtin_of = gtins_of(view.batches(match.run))
    sieve = Sieve(short)
    chunks = (chunk for seq in seqs.tolist() for chunk in view.chunks_of_root(match.run, seq))
    found = list[EarlierSerials]()
    while some := list(islice(chunks, _CHUNKS)):
        found.append(_held_in(view, some, gtin_of, sieve))
    hashes, batch, had = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("hashes", "batch", "had")
    )
    return EarlierSerials(hashes, pa.concat_arrays([part.serials for part in found]), batch, had)


def _held_in(view: View, chunks: Sequence[PackedChunk], gtin_of: Hashes, sieve: Sieve) -> EarlierSerials:
    """What chunks say of those of their serials that pass."""
    serials = view.columns(chunks).serials
    counts = [chunk.serials for chunk in chunks]
    batch = np.repeat(np.array([chunk.batch for chunk in chunks], np.int64), counts)
    had = np.repeat(np.array([_had_chunk(chunk) for chunk in chunks], np.uint8), counts)
    for chunk, start in zip(chunks, np.cumsum([0, *counts[:-1]]).tolist(), strict=True):
        for place, fate in view.exceptions(chunk.id) if chunk.exceptional else ():
            had[start + place] = _had_outcome(fate.outcome, chunk.doubt) if fate else EarlierOutcome.NOTHING
    hashes = fingerprints(serials, gtin_of[batch])
    wanted = sieve(shorten(hashes)) & (had != EarlierOutcome.NOTHING)
    return EarlierSerials(hashes[wanted], serials.filter(pa.array(wanted)), batch[wanted], had[wanted])


def gtins_of(batches: dict[int, Batch]) -> Hashes:
    """The number of each batch's GTIN, by the number of the batch; 0 where it is none."""
    numbers = np.zeros(max(batches) + 1, np.uint64)
    for number, batch in batches.items():
        numbers[number] = int(batch.gtin) if batch.gtin.isdigit() else 0
    return numbers


def _had_chunk(chunk: StoredChunk) -> EarlierOutcome:
    """What a chunk says of its serials; chunks of `already_assigned` are spoken for by the run that assigned them."""
    if chunk.state == ChunkState.SENT or (chunk.state == ChunkState.PENDING and chunk.doubt == Doubt.THIS_RUN):
        return EarlierOutcome.UNKNOWN
    if chunk.state == ChunkState.SETTLED and chunk.fate:
        return _had_outcome(chunk.fate.outcome, chunk.doubt)
    return EarlierOutcome.DOUBT if chunk.doubt else EarlierOutcome.NOTHING


def _had_outcome(outcome: str, doubt: int) -> EarlierOutcome:
    if outcome == Outcome.ASSIGNED:
        return EarlierOutcome.ASSIGNED
    if outcome == Outcome.UNKNOWN:
        return EarlierOutcome.UNKNOWN
    return EarlierOutcome.DOUBT if doubt and outcome == Outcome.REFUSED else EarlierOutcome.NOTHING
