"""Step 2: every unsettled chunk of the ledger goes out. A durable mark before the wire, a durable outcome after it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from importer.concurrency import Stopping, run_workers
from importer.errors import ApiError, Exit
from importer.ledger.ports import Ledger, View
from importer.ledger.records import Run, StoredChunk
from importer.model import Answer, ChunkState, Commissioner, Doubt, Fate, Message, Outcome, Settlement, Verdict
from importer.reconcile import GOOD, HELD, IN_DOUBT, LOST, RESOLVED_NOT_ASSIGNED, ExistsMeans, cut_into, said, slices
from importer.sending.bisection import MOST_REFUSED, Bisection, End, How, Step
from importer.sending.breaker import Breaker
from importer.sending.feed import Feed, Planned
from importer.spans import span


@dataclass(frozen=True, slots=True)
class Submitting:
    """How chunks are sent."""

    max_in_flight: int
    policy: Literal["replay", "hold"]
    exists_means: ExistsMeans
    max_failure_percent: float
    """Of the serials in the last 50 planned chunks; 0 = never."""
    doubt_until: float = -math.inf
    """The moment of the loop's clock before which no chunk in doubt is sent (feed.py)."""


@dataclass(slots=True)
class _Sending:
    """A planned chunk on its way."""

    planned: Planned
    bisection: Bisection[StoredChunk]
    failed: int = 0
    """Serials refused or unknown until now."""
    refusal: Answer | None = None
    """The last one on account of which it was cut."""
    bisects: bool = False
    """It is the one that is bisected while no part of any was accepted."""
    aside: Planned | None = None
    """What is left of it, put aside until another chunk has shown whether the API is there."""


class Submission:
    """One session of sending over `commissioner`, which records each attempt (attempt.py)."""

    def __init__(
        self,
        ledger: Ledger,
        view: View,
        run: Run,
        commissioner: Commissioner,
        how: Submitting,
        stopping: Stopping,
        *,
        retried: bool = False,
    ) -> None:
        """`retried`: chunks that were answered before are sent again since a person asked for it: that they are refused
        again is no news to the breaker.
        """
        self._ledger = ledger
        self._view = view
        self._run = run.num
        self._limit = run.chunk_limit
        self._commissioner = commissioner
        self._breaker = Breaker(how.max_failure_percent)
        self._how = how
        self._stopping = stopping
        self._retried = retried
        self._batches = view.batches(run.num)
        self._feed = Feed(view, run.num, self._batches, view.last_seq(run.num), how.doubt_until)
        self._bisecting = asyncio.Lock()
        self._part_accepted = False
        self._refused_parts = 0
        """In a row, of any chunks; nothing was accepted meanwhile."""

    async def go(self) -> float:
        """Send until nothing is left or the run is stopped; return the seconds it took."""
        started = time.monotonic()
        await run_workers(self._how.max_in_flight, self._work)
        return time.monotonic() - started

    async def _work(self) -> None:
        while not self._stopping() and (planned := await self._feed.next()) is not None:
            sending = _Sending(planned, Bisection(planned.parts))
            try:
                with span("chunk", chunk=planned.root, serials=planned.serials):
                    await self._send(sending)
            except ApiError as error:
                self._stopping.stop(error.message, error.exit_code)
            finally:
                if sending.bisects:
                    self._bisecting.release()
                await self._feed.done(planned, sending.aside)
        await self._feed.close()

    async def _send(self, sending: _Sending) -> None:
        """Send all of a planned chunk, depth first where it has to be cut."""
        bisection = sending.bisection
        while not self._stopping() and (step := bisection.next()) is not None:
            if self._feed.is_skipped(step.part):
                bisection.ended(step, End.OTHER)
            elif not step.ask or (self._limit or step.part.serials) < step.part.serials:
                await self._cut_unasked(sending, step)
            elif step.part.doubt and self._how.policy == "hold" and not _looked_up(step.part):
                await self._ledger.settle(self._run, step.part.id, Settlement(ChunkState.SETTLED, HELD))
                bisection.ended(step, End.OTHER)
            else:
                await self._ask(sending, step)
            if sending.aside:
                return
            await self._look_at(sending)
        if not bisection.rest() and not self._was_retried(sending.planned):
            self._judge(sending)

    async def _cut_unasked(self, sending: _Sending, step: Step[StoredChunk]) -> None:
        """To the size that the API takes, or since it is known to hold a bad serial."""
        part = step.part
        limit = -(-part.serials // 2) if not step.ask else self._limit or part.serials
        cut = cut_into(slices(part.serials, limit))
        parts = self._stored(await self._ledger.settle(self._run, part.id, cut))
        sending.bisection.cut(step, parts, How.SIZE if step.ask else How.SOME)

    async def _ask(self, sending: _Sending, step: Step[StoredChunk]) -> None:
        chunk = self._view.load(step.part.id, self._batches)
        if sending.planned.alone:
            chunk = replace(chunk, alone=True)
        answer = await self._commissioner.commission(chunk)
        await self._feed.learn(sending.planned, answer)
        if answer.undecided and not sending.planned.others_answered:
            sending.aside = Planned((step.part, *sending.bisection.rest()))
            return
        settled = answer.settled or Settlement(ChunkState.PENDING)
        if answer.verdict is Verdict.DOUBT:
            settled = Settlement(ChunkState.SETTLED, LOST, doubt=Doubt.THIS_RUN)
            await self._ledger.settle(self._run, chunk.id, settled)
        if answer.verdict is Verdict.TOO_LARGE:
            self._limit = self._view.run_by_num(self._run).chunk_limit
        parts = self._stored(answer.parts)
        end = _end(answer, settled, (step.part, *parts))
        self._count_refusals(sending, step.part, answer, end)
        if answer.verdict is not Verdict.PRODUCT:
            sending.failed += _failed(settled, step.part.serials)
        if any(part.fate is None for part in settled.parts):
            await self._note_cut(sending, step, parts, answer, end)
        else:
            sending.bisection.ended(step, end)

    def _count_refusals(self, sending: _Sending, part: StoredChunk, answer: Answer, end: End) -> None:
        if answer.assigned:
            self._refused_parts = 0
        elif end is End.REFUSED and part not in sending.planned.parts:
            self._refused_parts += 1
            sending.refusal = answer

    async def _note_cut(
        self, sending: _Sending, step: Step[StoredChunk], parts: Sequence[StoredChunk], answer: Answer, end: End
    ) -> None:
        """Until a part of a refused chunk was accepted, only one chunk is bisected at a time: where all of them are
        refused whole, one of them is enough to see it.
        """
        if answer.verdict is Verdict.TOO_LARGE:
            how = How.SIZE
        elif end is End.EXISTING:
            how = How.DOUBT
        else:
            how = How.NAMED if answer.named else How.SOME
        sending.refusal = answer
        sending.bisection.cut(step, parts, how)
        if how in {How.SOME, How.NAMED} and not sending.bisects and not self._part_accepted:
            await self._bisecting.acquire()
            sending.bisects = True

    async def _look_at(self, sending: _Sending) -> None:
        """What the answers until now mean together."""
        bisection = sending.bisection
        if sending.bisects and (bisection.accepted or self._part_accepted):
            self._part_accepted = True
            self._bisecting.release()
            sending.bisects = False
        if (bisection.hopeless or self._refused_parts >= MOST_REFUSED) and sending.refusal:
            values = {"n": MOST_REFUSED, "said": said(sending.refusal)}
            self._stopping.stop(Message("refused_whole", "", values), Exit.STOPPED)
        if bisection.in_vain and self._how.exists_means == "unknown":
            for part in bisection.take_rest():
                await self._ledger.settle(self._run, part.id, Settlement(ChunkState.SETTLED, LOST))

    def _was_retried(self, planned: Planned) -> bool:
        return self._retried and any(part.attempts for part in planned.parts)

    def _judge(self, sending: _Sending) -> None:
        self._breaker.note(sending.planned.serials, sending.failed)
        if self._breaker.tripped:
            figures = {
                "percent": round(self._breaker.share),
                "n": self._breaker.chunks,
                "most": self._how.max_failure_percent,
            }
            self._stopping.stop(Message("failures", "", figures), Exit.STOPPED)

    def _stored(self, chunks: Iterable[int]) -> list[StoredChunk]:
        return [chunk for chunk in map(self._view.stored, chunks) if chunk.state == ChunkState.PENDING]


def _end(answer: Answer, settled: Settlement, chunks: Iterable[StoredChunk]) -> End:
    """What an answer shows; `chunks` are the one that was sent and its parts, one of which has the doubt where an
    answer was lost, also just before this one.
    """
    if answer.assigned:
        return End.ACCEPTED
    ours = settled.fate is not None and (settled.fate.code in IN_DOUBT or settled.fate.outcome in GOOD)
    if answer.exists and (ours or any(chunk.doubt for chunk in chunks)):
        return End.EXISTING
    return End.REFUSED if answer.verdict is Verdict.REFUSED else End.OTHER


def _failed(settled: Settlement, serials: int) -> int:
    """Serials that were refused or are unknown; but for what exists in doubt: that may be this importer's own work."""
    if settled.fate:
        return serials if _is_failure(settled.fate) else 0
    return sum(len(part.places) for part in settled.parts if part.fate and _is_failure(part.fate))


def _is_failure(fate: Fate) -> bool:
    return fate.outcome in {Outcome.REFUSED, Outcome.UNKNOWN} and fate.code not in IN_DOUBT


def _looked_up(chunk: StoredChunk) -> bool:
    """Whether a person has found that its serials are not there: then the lost answer keeps them from nothing."""
    return chunk.fate is not None and chunk.fate.code == RESOLVED_NOT_ASSIGNED
