"""Step 2: every unsettled chunk of the ledger goes out. A durable mark before the wire, a durable outcome after it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from importer.concurrency import Stopping, run_workers
from importer.errors import ApiError, Exit
from importer.ledger.ledger import Ledger
from importer.ledger.view import Run, StoredChunk, View
from importer.model import Answer, Chunk, ChunkState, Commissioner, Doubt, Message, Outcome, Settlement, Verdict
from importer.reconcile import HELD, LOST, ExistsMeans, cut_into, settle, slices
from importer.sending.feed import Feed

_BREAKER_LOOKS_AT = 50
_BREAKER_WANTS = 20


@dataclass(frozen=True, slots=True)
class Submitting:
    """How chunks are sent. `max_failure_percent` of the serials in the last 50 chunks; 0 = never."""

    max_in_flight: int
    policy: Literal["replay", "hold"]
    exists_means: ExistsMeans
    max_failure_percent: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What an attempt came to, for the log and the progress bar."""

    chunk: Chunk
    attempt: int
    answer: Answer
    settled: Settlement
    parts: int


class Recorded:
    """A `Commissioner` around a single attempt: marks it durably before, and records answer and outcome after.

    Killed in between, the mark stays: the chunk is in doubt when the ledger is opened again.
    """

    def __init__(
        self,
        inner: Commissioner,
        ledger: Ledger,
        run: int,
        exists_means: ExistsMeans,
        heard: Callable[[Heard], None],
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._run = run
        self._exists_means = exists_means
        self._heard = heard
        self.cut_into: dict[int, list[int]] = {}
        """Ids of the chunks that a chunk was cut into, until somebody takes them."""

    async def commission(self, chunk: Chunk) -> Answer:
        n = await self._ledger.mark(self._run, chunk)
        try:
            answer = await self._inner.commission(chunk)
        except ApiError as error:
            unsent = Answer(Verdict.NOT_TAKEN, error="not_sent", message=str(error)[:500], reached=False)
            await self._ledger.record(self._run, chunk, n, unsent, Settlement(ChunkState.PENDING))
            raise
        settled = settle(chunk, answer, self._exists_means)
        parts = await self._ledger.record(self._run, chunk, n, answer, settled)
        if parts:
            self.cut_into[chunk.id] = parts
        self._heard(Heard(chunk, n, answer, settled, len(parts)))
        return answer


class Breaker:
    """Stops a run of which too much fails: of the serials in the last chunks more than the given percentage."""

    def __init__(self, max_failure_percent: float, stopping: Stopping) -> None:
        self._percent = max_failure_percent
        self._stopping = stopping
        self._last: deque[tuple[int, int]] = deque()
        self._serials = self._failed = 0
        """Sums of `_last`."""

    def note(self, serials: int, failed: int) -> None:
        self._add(serials, failed, 1)
        self._last.append((serials, failed))
        if len(self._last) > _BREAKER_LOOKS_AT:
            self._add(*self._last.popleft(), -1)
        if not self._percent or len(self._last) < _BREAKER_WANTS:
            return
        share = 100 * self._failed / self._serials
        if share > self._percent:
            figures = {"percent": round(share), "n": len(self._last), "most": self._percent}
            self._stopping.stop(Message("failures", "", figures), Exit.STOPPED)

    def _add(self, serials: int, failed: int, sign: int) -> None:
        self._serials += sign * serials
        self._failed += sign * failed

    def heard(self, event: Heard) -> None:
        count = len(event.chunk.serials)
        outcomes = event.settled.outcomes(count)
        if outcomes.total() == count and event.answer.verdict is not Verdict.PRODUCT:
            self.note(count, count - outcomes[Outcome.ASSIGNED])


class Submission:
    """One session of sending: `commissioner` wraps `recorded`, and everything of it reports to `breaker` on the way."""

    def __init__(
        self,
        ledger: Ledger,
        view: View,
        run: Run,
        commissioner: Commissioner,
        recorded: Recorded,
        breaker: Breaker,
        how: Submitting,
        stopping: Stopping,
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._run = run.num
        self._limit = run.chunk_limit
        self._commissioner = commissioner
        self._recorded = recorded
        self._breaker = breaker
        self._how = how
        self._stopping = stopping
        self._batches = view.batches(run.num)
        self._feed = Feed(view, run.num, self._batches, view.last_seq(run.num))

    async def go(self) -> float:
        """Send until nothing is left or the run is stopped; return the seconds it took."""
        started = time.monotonic()
        await run_workers(self._how.max_in_flight, self._work)
        return time.monotonic() - started

    async def _work(self) -> None:
        while not self._stopping() and (kept := await self._feed.next()) is not None:
            answer, parts = None, list[StoredChunk]()
            try:
                answer, parts = await self._send(kept)
            except ApiError as error:
                self._stopping.stop(error.message, error.exit_code)
            finally:
                await self._feed.done(kept, answer, parts)
        await self._feed.close()

    async def _send(self, kept: StoredChunk) -> tuple[Answer | None, list[StoredChunk]]:
        if kept.doubt and self._how.policy == "hold":
            await self._ledger.settle(self._run, kept.id, Settlement(ChunkState.SETTLED, HELD))
            return None, []
        if self._limit and kept.serials > self._limit:
            cut = cut_into(slices(kept.serials, self._limit))
            return None, self._kept(await self._ledger.settle(self._run, kept.id, cut))
        chunk = self._view.load(kept.id, self._batches)
        answer = await self._commissioner.commission(chunk)
        await self._conclude(chunk, answer)
        return answer, self._kept(self._recorded.cut_into.pop(chunk.id, ()))

    async def _conclude(self, chunk: Chunk, answer: Answer) -> None:
        """What no single attempt could decide: a size to remember, a chunk to give up."""
        if answer.verdict is Verdict.TOO_LARGE:
            self._limit = self._view.run_by_num(self._run).chunk_limit
        given_up = answer.verdict in {Verdict.DOUBT, Verdict.NOT_TAKEN} and not self._stopping()
        if not given_up:
            return
        self._breaker.note(len(chunk.serials), len(chunk.serials))
        if answer.verdict is Verdict.DOUBT:
            lost = Settlement(ChunkState.SETTLED, LOST, doubt=Doubt.THIS_RUN)
            await self._ledger.settle(self._run, chunk.id, lost)

    def _kept(self, chunks: Iterable[int]) -> list[StoredChunk]:
        return [self._view.stored(chunk) for chunk in chunks]
