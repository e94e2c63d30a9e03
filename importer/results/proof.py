"""Whether the ledger holds a proof of what it claims became of each chunk: every answer on record is judged again, and
what earlier runs are said to have is looked up there. Yields messages about what has no proof.

What this can't see is a ledger that was rewritten as a whole, answers and all.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, product
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from importer.events import EventKind
from importer.ledger import history
from importer.ledger.answers import StoredAttempt, restored
from importer.ledger.history import CANDIDATES
from importer.ledger.packing import Damaged
from importer.ledger.ports import View
from importer.ledger.records import PackedChunk, Run, StoredChunk
from importer.model import Action, Batch, Chunk, ChunkState, Doubt, Fate, Message, Outcome, Part, Verdict
from importer.reconcile import (
    ALREADY,
    HELD,
    LOST,
    PRODUCT_NOT_REGISTERED,
    RESOLVED_ASSIGNED,
    RESOLVED_NOT_ASSIGNED,
    ExistsMeans,
    named_in_evidence,
    settle,
)
from importer.rows.fingerprints import Hashes, fingerprints, shorten
from importer.rows.hash_sets import Sieve
from importer.serial_text import SerialText

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CLAIMS_AT_ONCE = 256
"""Chunks whose serials are looked up in earlier runs together: 256,000 rows at the usual size, some 40 MB."""
_LOST_CODES = frozenset({LOST.code, HELD.code})
_CONFLICT = "conflict_with_run"
_TAKEN_BACK = "taken_back"
_OF_OTHERS = frozenset({_CONFLICT, _TAKEN_BACK})
"""Codes for which another run is to blame."""
_ELSEWHERE = frozenset({*ALREADY, Outcome.UNSENT})
"""Outcomes that no answer of the run itself proves."""
_DONE = {Action.COMMISSION: Outcome.ASSIGNED, Action.DECOMMISSION: Outcome.DECOMMISSIONED}
_SETTLING = frozenset({Verdict.SETTLED, Verdict.REFUSED, Verdict.PRODUCT, Verdict.TOO_LARGE})
_Claim = tuple[Outcome, str]
"""What a fate says, without the values of its message."""


def unproven(view: View, run: Run) -> Iterator[Message]:
    """Everything that the ledger claims of a run without proof, in no particular order. Reads each chunk's serials at
    most twice; those of chunks that one answer names whole are not read.
    """
    yield from _Answers(view, run).look()
    yield from _earlier(view, run)


class _Answers:
    """Judges the answers of a run again."""

    def __init__(self, view: View, run: Run) -> None:
        self._view = view
        self._run = run
        self._batches = view.batches(run.num)
        unknown = run.settings.get("unknown", {})
        self._exists_meant: Sequence[ExistsMeans] = unknown.get("exists_meant") or [
            unknown.get("exists_means", "unknown")
        ]
        """Once for each meaning that a session of sending gave it."""
        self._unregistered: set[str] = set()
        self._looked_up = _looked_up_by_hand(view, run)

    def look(self) -> Iterator[Message]:
        skipped: list[StoredChunk] = []
        for attempts, chunks in _side_by_side(self._view, self._run.num):
            skipped += [chunk for chunk in chunks if chunk.fate and chunk.fate.code == PRODUCT_NOT_REGISTERED]
            if attempts:
                yield from self._judged(attempts, chunks)
            else:
                yield from self._never_sent(chunks)
        for chunk in skipped:
            if self._batches[chunk.batch].gtin not in self._unregistered:
                yield self._without_proof(chunk)

    def _never_sent(self, chunks: Sequence[StoredChunk]) -> Iterator[Message]:
        """Chunks for which no request is on record."""
        for chunk in chunks:
            fate = chunk.fate
            if fate is None or fate.outcome in _ELSEWHERE or fate.code in _OF_OTHERS:
                continue
            if fate.code in self._looked_up and self._is_proven(chunk, {}):
                continue
            if fate.code in _LOST_CODES and chunk.doubt != Doubt.NONE:
                continue  # an earlier run sent it
            yield self._without_proof(chunk)

    def _judged(self, attempts: Sequence[StoredAttempt], chunks: Sequence[StoredChunk]) -> Iterator[Message]:
        """What became of the serials of a chunk that was sent, whether or not it was cut since."""
        sent = self._view.stored(attempts[0].chunk)
        made_up = next((attempt for attempt in attempts if not _is_plausible(attempt, sent)), None)
        if made_up:
            yield Message("verify_attempt", "", {"chunk": str(sent.seq), "n": made_up.n, "case": "made_up"})
            return
        last = attempts[-1]
        if any(attempt.verdict == Verdict.PRODUCT for attempt in attempts):
            self._unregistered.add(self._batches[sent.batch].gtin)
        if _names_all(last) and last.assigned == sent.serials and [chunk.id for chunk in chunks] == [sent.id]:
            if chunks[0].fate != Fate(_DONE[self._run.action]):
                yield self._without_proof(chunks[0])
            return
        try:
            said = self._said(sent, attempts)
        except Damaged as error:
            yield Message("verify_attempt", "", {"chunk": str(sent.seq), "why": str(error)})
            return
        for chunk in chunks:
            if not self._is_proven(chunk, said):
                yield self._without_proof(chunk)

    def _said(self, sent: StoredChunk, attempts: Sequence[StoredAttempt]) -> dict[str, set[_Claim]]:
        """What the last answer that settles a serial says of it: more than one thing only where it is not on record
        whether the chunk, a part of another one, was in doubt by then.
        """
        serials = self._view.serials(sent.id)
        said: dict[str, set[_Claim]] = {}
        lost = sent.doubt == Doubt.EARLIER_RUN
        for attempt in attempts:
            if attempt.verdict in _SETTLING:
                said |= self._settled(sent, serials, attempt, lost=lost)
            lost = lost or attempt.verdict in {"", Verdict.DOUBT}
        return said

    def _settled(
        self, sent: StoredChunk, serials: SerialText, attempt: StoredAttempt, *, lost: bool
    ) -> dict[str, set[_Claim]]:
        answer = restored(attempt, tuple(serials))
        doubts = {lost} if lost or sent.doubt == Doubt.NONE else {True, False}
        found: dict[str, set[_Claim]] = {}
        for doubt, means in product(doubts, self._exists_meant):
            back = self._run.action is Action.DECOMMISSION
            chunk = Chunk(sent.id, sent.seq, self._batches[sent.batch], serials, doubt, takes_back=back)
            settled = settle(chunk, answer, means)
            parts = settled.parts or [Part(range(len(serials)), settled.fate)]
            for part in parts:
                for place in part.places if part.fate else ():
                    found.setdefault(serials[place], set()).add(_claim(part.fate))
        return found

    def _is_proven(self, chunk: StoredChunk, said: Mapping[str, set[_Claim]]) -> bool:
        fate = chunk.fate
        if chunk.state != ChunkState.SETTLED or fate is None:
            return True  # it claims nothing, or what was so before a retry
        if fate.outcome in _ELSEWHERE or fate.code in _OF_OTHERS:
            return True  # proven elsewhere
        if fate.code in _LOST_CODES:
            return chunk.doubt != Doubt.NONE
        if fate.code in self._looked_up:
            gtin, named = self._batches[chunk.batch].gtin, self._looked_up[fate.code]
            return all(named_in_evidence(gtin, serial) in named for serial in self._view.serials(chunk.id))
        return all(_claim(fate) in said.get(serial, ()) for serial in self._view.serials(chunk.id))

    def _without_proof(self, chunk: StoredChunk) -> Message:
        outcome = chunk.fate.outcome if chunk.fate else Outcome.UNSENT
        return Message("verify_unproven", "", {"chunk": str(chunk.seq), "n": chunk.serials, "outcome": outcome.value})


def _looked_up_by_hand(view: View, run: Run) -> dict[str, set[str]]:
    """The serials that the events of lookups name, by the code that follows for them."""
    found: dict[str, set[str]] = {RESOLVED_ASSIGNED: set(), RESOLVED_NOT_ASSIGNED: set()}
    for event in view.events(run.id):
        if event.kind is EventKind.RESOLVE:
            found[RESOLVED_ASSIGNED].update(event.before.get("found", ()))
            found[RESOLVED_NOT_ASSIGNED].update(event.before.get("not_found", ()))
    return found


def _side_by_side(view: View, run: int) -> Iterator[tuple[list[StoredAttempt], list[StoredChunk]]]:
    """The requests for each chunk that was sent, and the chunks that have its rows now; either may be missing. Both are
    read in the order of the sent chunk's id, so that nothing is held but one chunk's.
    """
    requests = ((attempt.chunk, attempt) for attempt in view.attempts(run))
    both = heapq.merge(requests, view.claims(run), key=itemgetter(0))
    for _, items in groupby(both, key=itemgetter(0)):
        found = [item for _, item in items]
        yield (
            [item for item in found if isinstance(item, StoredAttempt)],
            [item for item in found if isinstance(item, StoredChunk)],
        )


def _claim(fate: Fate | None) -> _Claim:
    return (fate.outcome, fate.code) if fate else (Outcome.UNSENT, "")


def _names_all(attempt: StoredAttempt) -> bool:
    return attempt.verdict == Verdict.SETTLED and not attempt.says


def _is_plausible(attempt: StoredAttempt, sent: StoredChunk) -> bool:
    """Whether the importer itself could have recorded it."""
    answered = attempt.verdict != ""
    return (
        1 <= attempt.n <= sent.attempts
        and _is_moment(attempt.sent_at)
        and (attempt.answered_at is None or _is_moment(attempt.answered_at))
        and answered == (attempt.answered_at is not None)
        and attempt.verdict in {"", *Verdict}
        and (not attempt.digest or _DIGEST.fullmatch(attempt.digest) is not None)
        and (attempt.verdict != Verdict.SETTLED or bool(attempt.digest))
        and attempt.assigned <= sent.serials
    )


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class _Claimed:
    """Rows of chunks, for history.look; a row's ordinal is its place."""

    def __init__(self, view: View, batches: Sequence[Batch], gtins: Hashes, chunks: Sequence[PackedChunk]) -> None:
        self.batches = batches
        serials = view.columns(chunks).serials
        groups = np.repeat(np.array([chunk.batch for chunk in chunks], np.int32), [chunk.serials for chunk in chunks])
        self.hashes = fingerprints(serials, gtins[groups])
        columns = [serials, pa.array(groups), pa.array(self.hashes), pa.array(np.arange(len(groups), dtype=np.int64))]
        self._rows = pa.record_batch(columns, schema=CANDIDATES)

    def candidates(self, short: Hashes) -> Any:
        wanted = pa.array(Sieve(short)(shorten(self.hashes)))
        return pa.Table.from_batches([self._rows.filter(wanted)], CANDIDATES)


def _earlier(view: View, run: Run) -> Iterator[Message]:
    """Chunks of which another run into the same target is said to have every serial."""
    known = view.batches(run.num)
    batches = [known.get(number, Batch("", "", "")) for number in range(max(known, default=-1) + 1)]
    related = {n: i for n, i in history.others(view, run.target, {b.gtin for b in batches}).items() if n != run.num}
    waiting: list[PackedChunk] = []
    for chunk in view.chunks_by_key(run.num):
        if run.undoes or _of_another_run(chunk.fate):
            waiting.append(chunk)
        if len(waiting) >= _CLAIMS_AT_ONCE:
            yield from _looked_up(view, run, related, batches, waiting)
            waiting = []
    if waiting:
        yield from _looked_up(view, run, related, batches, waiting)


def _of_another_run(fate: Fate | None) -> bool:
    return fate is not None and (fate.outcome in ALREADY or fate.code in _OF_OTHERS)


def _looked_up(
    view: View, run: Run, related: dict[int, str], batches: Sequence[Batch], chunks: Sequence[PackedChunk]
) -> Iterator[Message]:
    rows = _Claimed(view, batches, history.gtins_of(dict(enumerate(batches))), chunks)
    proven = {kind: np.zeros(len(rows.hashes), np.bool_) for kind in ("already", "conflicting", "taken_back", "undone")}
    shared = history.matches(view, related, iter([np.unique(rows.hashes)]))
    for found in history.look(view, rows, shared):
        for kind in ("already", "conflicting", "taken_back"):
            proven[kind][found.ordinals[getattr(found, kind)]] = True
        if found.run_id == run.undoes:
            proven["undone"][found.ordinals[found.already]] = True
    start = 0
    for chunk in chunks:
        if not all(proven[kind][start : start + chunk.serials].all() for kind in _kinds(chunk.fate, run)):
            yield Message("verify_no_earlier_run", "", {"chunk": str(chunk.seq), "n": chunk.serials})
        start += chunk.serials


def _kinds(fate: Fate | None, run: Run) -> Iterator[str]:
    """What other runs must say of a chunk's serials. What is taken back must have been assigned by the run that is
    undone.
    """
    if run.undoes:
        yield "undone"
    if not _of_another_run(fate):
        return
    code = fate.code if fate else ""
    yield "conflicting" if code == _CONFLICT else "taken_back" if run.undoes or code == _TAKEN_BACK else "already"
