"""Trying again: what is known not to have been taken, what is in doubt (by policy), and refused tokens.

Knows verdicts only, neither the wire nor the pace. A Retry-After is the pace's business: it holds all workers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from importer.api.pace import STOPPED
from importer.api.tokens import Tokens
from importer.concurrency import HasStopped, Sleep, never
from importer.errors import AccessDenied, Unavailable
from importer.model import Answer, Chunk, Commissioner, Verdict

Policy = Literal["replay", "hold"]

_MOST_REFUSED_TOKENS = 2


@dataclass(slots=True)
class _AttemptHistory:
    """What the attempts at one chunk have come to so far."""

    doubt: bool
    attempts: int = 0
    reached: bool = False
    refused_tokens: int = 0
    last: Answer = STOPPED

    def add(self, answer: Answer) -> None:
        self.last = answer
        self.reached = self.reached or answer.reached
        self.doubt = self.doubt or answer.verdict is Verdict.DOUBT
        if answer.verdict is Verdict.TOKEN:
            self.refused_tokens += answer.http_status is not None
        else:
            self.attempts += 1
            self.refused_tokens = 0

    def end(self) -> Answer:
        """The last answer. Doubt is sticky: that the last attempt was not taken says nothing of those before."""
        return replace(self.last, verdict=Verdict.DOUBT if self.doubt else Verdict.NOT_TAKEN)


class Retrying:
    """A `Commissioner` that gives a chunk up to `max_attempts` attempts of the inner one.

    The answer's verdict is SETTLED, REFUSED, PRODUCT, TOO_LARGE, NOT_TAKEN or DOUBT. It is DOUBT where an attempt
    here or before (`chunk.doubt`) was in doubt and nothing better came after. Raises AccessDenied for what no
    repetition mends, and Unavailable where no attempt could connect.
    """

    def __init__(
        self,
        inner: Commissioner,
        tokens: Tokens,
        *,
        max_attempts: int,
        policy: Policy,
        delay: Callable[[int], float],
        sleep: Sleep = asyncio.sleep,
        stopping: HasStopped = never,
    ) -> None:
        """`delay` gives the seconds to wait after the attempt with that number, from 1.

        After `stopping` no attempt starts; `sleep` should end when it comes (see waiting.py).
        """
        self._inner = inner
        self._tokens = tokens
        self._max_attempts = max_attempts
        self._repeats = {Verdict.NOT_TAKEN, Verdict.TOKEN} | ({Verdict.DOUBT} if policy == "replay" else set())
        self._delay = delay
        self._sleep = sleep
        self._stopping = stopping

    async def commission(self, chunk: Chunk) -> Answer:
        story = _AttemptHistory(doubt=chunk.doubt)
        while not self._stopping():
            await self._tokens.get()
            if chunk.doubt != story.doubt:
                chunk = replace(chunk, doubt=story.doubt)
            answer = await self._inner.commission(chunk)
            if answer is STOPPED:
                break
            story.add(answer)
            _must_not_be_denied(story)
            if answer.verdict not in self._repeats:
                return answer
            if story.attempts >= self._max_attempts:
                break
            if answer.verdict is not Verdict.TOKEN and answer.retry_after is None:
                await self._sleep(self._delay(story.attempts))
        if not story.reached and not self._stopping():
            raise Unavailable(
                f"The API can't be reached ({story.attempts} attempts): {_sentence(story.last)} "
                "Check base_url, proxy and network, or try again later."
            )
        return story.end()


def _must_not_be_denied(story: _AttemptHistory) -> None:
    answer = story.last
    if answer.verdict is Verdict.DENIED:
        raise AccessDenied(f"The API takes no request: {_sentence(answer)}")
    if answer.verdict is Verdict.TOKEN and story.refused_tokens > _MOST_REFUSED_TOKENS:
        raise AccessDenied(
            f"The API refused {story.refused_tokens} tokens in a row, the last with: {_sentence(answer)} "
            "Check the channel key, and key and secret or token."
        )


def _sentence(answer: Answer) -> str:
    return answer.message.rstrip(".") + "."


# How long to wait before the next attempt. Pure: it neither sleeps nor throws its own dice.
BASE_SECONDS = 0.5
CAP_SPANS = 60
CAP_SECONDS = BASE_SECONDS * CAP_SPANS

_ENOUGH = 64
"""Doublings after which any cap is reached; more would overflow a float."""


def delay(failures: int, dice: Callable[[], float], *, base: float = BASE_SECONDS, cap: float = CAP_SECONDS) -> float:
    """Give the seconds to wait after this many failed attempts in a row, the first of which is 1.

    The span doubles from `base` up to `cap`; the wait is between its half and the whole ("equal jitter"), so that
    workers that failed together don't come back together, and none comes back at once. `dice` gives 0 ≤ x < 1.
    """
    if failures < 1:
        raise ValueError(f"failures is {failures}, expected 1 or more")
    span = min(cap, base * 2.0 ** min(failures - 1, _ENOUGH))
    return span / 2 + span / 2 * dice()
