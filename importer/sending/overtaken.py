"""Before a run goes on: which of its pending rows other runs have sent since it was staged. Those are not sent again.

What was known when it was staged is in its plan already (staging/overlap.py); here is what has happened since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from importer.ledger import fingerprint_index, history
from importer.ledger.history import CANDIDATES, Found
from importer.ledger.ports import Ledger, View
from importer.ledger.records import PackedChunk, Run, StoredChunk
from importer.model import Action, Batch, ChunkState, Doubt, Fate, Outcome, Part, Settlement
from importer.reconcile import EarlierOutcome
from importer.rows.fingerprints import SHORT_BITS, Hashes, fingerprints, shorten
from importer.rows.hash_sets import Sieve

_CHUNKS = 64
"""Looked into at once."""
_PLACE_BITS = 24
"""Of an ordinal: the place of a serial in its chunk, below the chunk's id."""


def take_over(ledger: Ledger, view: View, run: Run, stopping: Callable[[], bool]) -> None:
    """Settle in the ledger what other runs have got assigned, or have sent with another batch or expiry; inherit their
    doubt. Costs nothing if no other run has sent anything meanwhile. Not from an event loop. Once `stopping` says so it
    leaves the rest to the next time: nothing is sent before it has been through.

    What one other run says of it is in memory until its chunks are divided: about 40 bytes for each row found.
    """
    active = view.active_since(run)
    if not active:
        return
    pending = _Pending(view, run)
    related = history.others(view, run.target, {batch.gtin for batch in pending.batches})
    runs = {num: run_id for num, run_id in active.items() if num in related}
    for match in history.matches(view, runs, _hashes(view, run)):
        theirs = view.batches(match.run)
        for chunk, rows in _by_chunk(history.look(view, pending, [match]), stopping):
            if stopping():
                return
            stored = view.stored(chunk)
            alike = defaultdict[tuple[Fate | None, Doubt], list[int]](list)
            for place, number, says in rows:
                if run.action is Action.DECOMMISSION:
                    follows = _gone(stored, says, match.run_id)
                else:
                    follows = _follows(stored, pending.batches[stored.batch], theirs[number], says, match.run_id)
                alike[follows].append(place)
            if settled := _divided(stored, alike):
                ledger.divide(run.num, chunk, settled)


def _hashes(view: View, run: Run) -> Iterator[Hashes]:
    """The run's own fingerprints, as far as the ledger has kept them."""
    for entries in view.fingerprints(run.num, 0, (1 << SHORT_BITS) - 1):
        yield fingerprint_index.split(entries)[0] << fingerprint_index.SEQ_BITS


class _Pending:
    """The pending rows of a run, for history.look."""

    def __init__(self, view: View, run: Run) -> None:
        self._view = view
        self._run = run
        known = view.batches(run.num)
        self.batches: Sequence[Batch] = [known.get(n, Batch("", "", "")) for n in range(max(known, default=-1) + 1)]
        self._gtins = history.gtins_of(known)

    def candidates(self, short: Hashes) -> Any:
        chunks, sieve = self._chunks(short), Sieve(short)
        tables = []
        while some := list(islice(chunks, _CHUNKS)):
            tables.append(self._rows(some, sieve))
        return pa.Table.from_batches(tables, CANDIDATES)

    def _chunks(self, short: Hashes) -> Iterator[PackedChunk]:
        """The pending chunks in which serials with these fingerprints stand."""
        roots: set[int] = set()
        for entries in self._view.fingerprints(self._run.num, int(short[0]), int(short[-1])):
            ours, seqs = fingerprint_index.split(entries)
            roots.update(np.unique(seqs[np.isin(ours, short)]).tolist())
        for root in sorted(roots):
            for chunk in self._view.chunks_of_root(self._run.num, root):
                if chunk.state == ChunkState.PENDING:
                    yield chunk

    def _rows(self, chunks: Sequence[PackedChunk], sieve: Sieve) -> Any:
        serials = self._view.columns(chunks).serials
        counts = [chunk.serials for chunk in chunks]
        groups = np.repeat(np.array([chunk.batch for chunk in chunks], np.int32), counts)
        starts = np.repeat(np.cumsum([0, *counts[:-1]]), counts)
        ids = np.repeat(np.array([chunk.id for chunk in chunks], np.int64), counts)
        ordinals = (ids << _PLACE_BITS) | (np.arange(len(ids)) - starts)
        hashes = fingerprints(serials, self._gtins[groups])
        wanted = pa.array(sieve(shorten(hashes)))
        rows = pa.record_batch([serials, pa.array(groups), pa.array(hashes), pa.array(ordinals)], schema=CANDIDATES)
        return rows.filter(wanted)


_Row = tuple[int, int, EarlierOutcome]
"""Place in its chunk; the number of the other run's batch, and what that run says."""


def _by_chunk(looked: Iterable[Found], stopping: Callable[[], bool]) -> Iterator[tuple[int, list[_Row]]]:
    """The id of each chunk of which something was found, with the rows; none once `stopping` says so."""
    found = list[Found]()
    for part in looked:
        if stopping():
            return
        found.append(part)
    if not found:
        return
    ordinals, batch, says = (
        np.concatenate([getattr(one, name) for one in found]) for name in ("ordinals", "batch", "says")
    )
    order = np.argsort(ordinals)
    chunks = ordinals[order] >> _PLACE_BITS
    starts = np.flatnonzero(np.diff(chunks, prepend=-1)).tolist()
    for start, end in pairwise([*starts, len(chunks)]):
        some = order[start:end]
        places = ordinals[some] & ((1 << _PLACE_BITS) - 1)
        yield (
            int(chunks[start]),
            [
                (p, b, EarlierOutcome(s))
                for p, b, s in zip(places.tolist(), batch[some].tolist(), says[some].tolist(), strict=True)
            ],
        )


def _divided(chunk: StoredChunk, alike: Mapping[tuple[Fate | None, Doubt], list[int]]) -> Settlement | None:
    """What follows for a chunk if some of its rows have a fate or a doubt; None: nothing."""
    parts = [Part(places, *follows) for follows, places in alike.items() if follows != _NOTHING]
    if not parts:
        return None
    if len(parts) == 1 and len(parts[0].places) == chunk.serials:
        (part,) = parts
        return Settlement(ChunkState.SETTLED if part.fate else ChunkState.PENDING, part.fate, doubt=part.doubt)
    rest = set(range(chunk.serials)).difference(*(part.places for part in parts))
    return Settlement(ChunkState.CUT, parts=[*parts, *([Part(sorted(rest))] if rest else [])])


_NOTHING = (None, Doubt.NONE)


def _follows(
    chunk: StoredChunk, ours: Batch, theirs: Batch, says: EarlierOutcome, run_id: str
) -> tuple[Fate | None, Doubt]:
    if says >= EarlierOutcome.MAYBE_TAKEN_BACK:
        return _taken_back(chunk, says, run_id), Doubt.NONE
    if says == EarlierOutcome.DOUBT or (says == EarlierOutcome.UNKNOWN and theirs == ours):
        return None, Doubt.NONE if chunk.doubt else Doubt.EARLIER_RUN
    if theirs == ours:
        return Fate(Outcome.ALREADY_ASSIGNED, "", {"runs": [run_id]}), Doubt.NONE
    return _conflict(chunk, theirs, says, run_id), Doubt.NONE


def _gone(chunk: StoredChunk, says: EarlierOutcome, run_id: str) -> tuple[Fate | None, Doubt]:
    """For a row that is to be taken back: only what other runs take back counts."""
    if says == EarlierOutcome.TAKEN_BACK:
        return Fate(Outcome.ALREADY_DECOMMISSIONED, "", {"runs": [run_id]}), Doubt.NONE
    if says == EarlierOutcome.MAYBE_TAKEN_BACK:
        return None, Doubt.NONE if chunk.doubt else Doubt.EARLIER_RUN
    return _NOTHING


def _taken_back(chunk: StoredChunk, says: EarlierOutcome, run_id: str) -> Fate:
    """As with a conflict: what this run has sent itself may be there, for all that is known."""
    values = {"run": run_id, **({} if says == EarlierOutcome.TAKEN_BACK else {"case": "perhaps"})}
    outcome = Outcome.UNKNOWN if chunk.doubt == Doubt.THIS_RUN else Outcome.REJECTED
    return Fate(outcome, "taken_back", values)


def _conflict(chunk: StoredChunk, theirs: Batch, says: EarlierOutcome, run_id: str) -> Fate:
    """A row that was sent is not rejected: nothing tells what became of it."""
    done = "assigned" if says == EarlierOutcome.ASSIGNED else "lost"
    values = {"run": run_id, "done": done, "other_batch": theirs.batch, "other_expiry": theirs.expiry}
    if chunk.doubt == Doubt.THIS_RUN:
        return Fate(Outcome.UNKNOWN, "conflict_with_run", {"case": "in_doubt", **values})
    return Fate(Outcome.REJECTED, "conflict_with_run", {"case": "since", **values})
