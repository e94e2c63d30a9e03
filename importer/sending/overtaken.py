"""Before a run goes on: which of its pending rows other runs have sent since it was staged. Those are not sent again.

What was known when it was staged is in its plan already (overlap.py); here is what has happened since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from importer.ledger import fingerprint_index, history
from importer.ledger.history import EarlierOutcome, EarlierSerials
from importer.ledger.ledger import Ledger
from importer.ledger.store import Part
from importer.ledger.view import Run, StoredChunk, View
from importer.model import Batch, ChunkState, Doubt, Fate, Outcome
from importer.rows.fingerprints import SHORT_BITS, Hashes

_Theirs = Mapping[str, tuple[Batch, EarlierOutcome]]
"""What another run says of serials of one product."""


def take_over(ledger: Ledger, view: View, run: Run, stopping: Callable[[], bool]) -> None:
    """Settle in the ledger what other runs have got assigned, or have sent with another batch or expiry; inherit their
    doubt. Costs nothing where no other run has sent anything meanwhile. Not from an event loop. Once it is told to stop
    it leaves the rest to the next time: nothing is sent before it has been through.
    """
    batches = view.batches(run.num)
    active = view.active_since(run.num, run.target, run.staged_at or "")
    if not active:
        return
    related = history.others(view, run.target, {batch.gtin for batch in batches.values()})
    runs = {num: run_id for num, run_id in active.items() if num in related}
    for match in history.matches(view, runs, _hashes(view, run)):
        theirs = view.batches(match.run)
        for short, seqs in match.slices():
            if stopping():
                return
            held = _by_product(history.held(view, match, short, seqs), theirs)
            for kept in _pending(view, run, short):
                serials = view.serials(kept.id)
                parts = _divided(serials, kept, batches[kept.batch], held[batches[kept.batch].gtin], match.run_id)
                if parts:
                    ledger.divide(run.num, kept.id, parts)


def _hashes(view: View, run: Run) -> Iterator[Hashes]:
    """The run's own fingerprints, as far as the ledger has kept them."""
    for entries in view.fingerprints(run.num, 0, (1 << SHORT_BITS) - 1):
        yield fingerprint_index.split(entries)[0] << fingerprint_index.SEQ_BITS


def _by_product(held: EarlierSerials, batches: Mapping[int, Batch]) -> Mapping[str, _Theirs]:
    products: defaultdict[str, dict[str, tuple[Batch, EarlierOutcome]]] = defaultdict(dict)
    for serial, number, had in zip(held.serials.to_pylist(), held.batch.tolist(), held.had.tolist(), strict=True):
        products[batches[number].gtin][serial] = batches[number], EarlierOutcome(had)
    return products


def _pending(view: View, run: Run, short: Hashes) -> Iterator[StoredChunk]:
    """The run's pending chunks in which serials with these fingerprints stand."""
    roots: set[int] = set()
    for entries in view.fingerprints(run.num, int(short[0]), int(short[-1])):
        ours, seqs = fingerprint_index.split(entries)
        roots.update(np.unique(seqs[np.isin(ours, short)]).tolist())
    for root in sorted(roots):
        yield from (kept for kept in view.chunks_of_root(run.num, root) if kept.state == ChunkState.PENDING)


def _divided(serials: Sequence[str], kept: StoredChunk, ours: Batch, held: _Theirs, run_id: str) -> list[Part]:
    """The chunk by what follows from the other run; empty where nothing does."""
    groups: defaultdict[tuple[Fate | None, Doubt], list[int]] = defaultdict(list)
    for place, serial in enumerate(serials):
        groups[_follows(kept, ours, held.get(serial), run_id)].append(place)
    if set(groups) == {(None, Doubt.NONE)}:
        return []
    return [Part(places, doubt, fate) for (fate, doubt), places in groups.items()]


def _follows(
    kept: StoredChunk, ours: Batch, found: tuple[Batch, EarlierOutcome] | None, run_id: str
) -> tuple[Fate | None, Doubt]:
    if found is None:
        return None, Doubt.NONE
    theirs, had = found
    if theirs != ours:
        return (_conflict(kept, theirs, had, run_id) if had >= EarlierOutcome.UNKNOWN else None), Doubt.NONE
    if had == EarlierOutcome.ASSIGNED:
        return Fate(Outcome.ALREADY_ASSIGNED, "", {"runs": [run_id]}), Doubt.NONE
    return None, Doubt.NONE if kept.doubt else Doubt.EARLIER_RUN


def _conflict(kept: StoredChunk, theirs: Batch, had: EarlierOutcome, run_id: str) -> Fate:
    """A row that was sent is not rejected: nobody knows what became of it."""
    done = "assigned" if had == EarlierOutcome.ASSIGNED else "lost"
    values = {"run": run_id, "done": done, "other_batch": theirs.batch, "other_expiry": theirs.expiry}
    if kept.doubt == Doubt.THIS_RUN:
        return Fate(Outcome.UNKNOWN, "conflict_with_run", {"case": "in_doubt", **values})
    return Fate(Outcome.REJECTED, "conflict_with_run", {"case": "since", **values})
