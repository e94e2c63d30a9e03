"""Trying again: what is known not to have been taken, what is in doubt (by policy), and refused tokens.

Knows verdicts only, neither the wire nor the pace. How long the API is waited for is the gate's business: what it did
not take is tried until that has no more patience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from importer.api.gate import STOPPED
from importer.api.tokens import Tokens
from importer.concurrency import HasStopped, never
from importer.errors import AccessDenied
from importer.model import Answer, Chunk, Commissioner, Verdict

Policy = Literal["replay", "hold"]

BASE_SECONDS = 0.5
CAP_SPANS = 60
CAP_SECONDS = BASE_SECONDS * CAP_SPANS

_ENOUGH = 64
"""Doublings after which any cap is reached; more would overflow a float."""
_MOST_REFUSED_TOKENS = 2


def delay(failures: int, dice: Callable[[], float], *, base: float = BASE_SECONDS, cap: float = CAP_SECONDS) -> float:
    """Give the seconds to wait after this many failed attempts in a row, the first of which is 1.

    The span doubles from `base` up to `cap`; the wait is between its half and the whole ("equal jitter"), so that
    workers that failed together don't come back together, and none comes back at once. `dice` gives 0 ≤ x < 1.
    """
    if failures < 1:
        raise ValueError(f"failures is {failures}, expected 1 or more")
    span = min(cap, base * 2.0 ** min(failures - 1, _ENOUGH))
    return span / 2 + span / 2 * dice()


class Surroundings(Protocol):
    """What a retry asks of the gate (gate.py)."""

    @property
    def away(self) -> bool: ...

    @property
    def known(self) -> bool: ...

    @property
    def outages(self) -> int: ...

    def is_alone(self, asker: object) -> bool: ...

    def presume_away(self) -> None: ...

    async def pause(self, seconds: float, answer: Answer) -> None: ...

    def forget(self, asker: object) -> None: ...


@dataclass(slots=True)
class _History:
    """What the attempts at one chunk came to so far."""

    chunk: Chunk
    failures: int = 0
    """In a row, for the wait before the next attempt."""
    lost: int = 0
    """Answers lost while the API was there for others: those that count."""
    outages: int = 0
    refused_tokens: int = 0

    def add(self, answer: Answer, gate: Surroundings) -> None:
        self.failures += 1
        if answer.verdict is Verdict.DOUBT:
            self.chunk = replace(self.chunk, doubt=True)
            self.lost += 1
        if gate.away or gate.outages != self.outages:
            self.lost, self.outages = 0, gate.outages
        if answer.verdict is not Verdict.TOKEN:
            self.refused_tokens = 0
        elif answer.http_status is not None:
            self.refused_tokens += 1


class Retrying:
    """A `Commissioner` that gives a chunk attempts of the inner one until an answer says what became of it.

    The answer's verdict is SETTLED, REFUSED, PRODUCT or TOO_LARGE; DOUBT where the chunk is given up: `max_attempts`
    answers were lost while the API answered others, or one where the policy is to hold; DOUBT, and `undecided`, where
    no other chunk was tried meanwhile; NOT_TAKEN where the run was stopped. Raises AccessDenied for what no repetition
    mends, and Unavailable when patience with the API is over.
    """

    def __init__(
        self,
        inner: Commissioner,
        tokens: Tokens,
        gate: Surroundings,
        *,
        max_attempts: int,
        policy: Policy,
        delay: Callable[[int], float],
        stopping: HasStopped = never,
    ) -> None:
        """`delay` gives the seconds to wait after the attempt with that number, from 1. After `stopping` no attempt
        starts.
        """
        self._inner = inner
        self._tokens = tokens
        self._gate = gate
        self._max_attempts = max_attempts
        self._replays = policy == "replay"
        self._delay = delay
        self._stopping = stopping

    async def commission(self, chunk: Chunk) -> Answer:
        history = _History(chunk, outages=self._gate.outages)
        try:
            while not self._stopping():
                await self._tokens.get()
                answer = await self._inner.commission(history.chunk)
                if answer is STOPPED:
                    break
                history.add(answer, self._gate)
                self._must_not_be_denied(answer, history)
                if answer.verdict is Verdict.DOUBT and self._is_undecided(history):
                    return replace(answer, undecided=True)
                if self._is_final(answer, history):
                    return answer
                if self._must_wait(answer):
                    await self._gate.pause(self._delay(history.failures), answer)
            return STOPPED
        finally:
            self._gate.forget(chunk.id)

    def _is_undecided(self, history: _History) -> bool:
        """Whether another chunk must be tried first, to see if it is the API that is away."""
        if not self._replays or not self._is_used_up(history) or not self._gate.is_alone(history.chunk.id):
            return False
        if history.chunk.alone:
            self._gate.presume_away()
        return not history.chunk.alone

    def _is_used_up(self, history: _History) -> bool:
        return history.lost >= self._max_attempts and not self._gate.away

    def _is_final(self, answer: Answer, history: _History) -> bool:
        match answer.verdict:
            case Verdict.NOT_TAKEN | Verdict.TOKEN | Verdict.DENIED:
                return False
            case Verdict.DOUBT:
                return not self._replays or self._is_used_up(history)
            case _:
                return True

    def _must_wait(self, answer: Answer) -> bool:
        """A hold that the API has told is the gate's, and so are the waits while the API is away; what a dead kept
        connection lost goes out on a fresh one at once.
        """
        told = answer.verdict is Verdict.TOKEN or answer.retry_after is not None
        return not (told or answer.stale or answer.held_back or self._gate.away)

    def _must_not_be_denied(self, answer: Answer, history: _History) -> None:
        if answer.redirected or (answer.verdict is Verdict.DENIED and not (answer.page and self._gate.known)):
            raise AccessDenied("access_denied", reason=answer.message)
        if answer.verdict is Verdict.TOKEN and history.refused_tokens > _MOST_REFUSED_TOKENS:
            raise AccessDenied("tokens_refused", n=history.refused_tokens, reason=answer.message)
