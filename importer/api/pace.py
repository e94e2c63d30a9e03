"""The pace of requests, one for all workers: evenly spaced, held by a Retry-After, slowed by 429 and 503.

Knows the clock only by its arguments, and of an answer no more than whether it presses or eases.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from importer.api.turnstile import OwnTurnstile, Turnstile
from importer.concurrency import Clock, HasStopped, Sleep, never
from importer.model import Answer, Chunk, Commissioner, Verdict

_SHARE = 0.98
"""Servers count in windows of their own; latency moves requests between two of them."""
_TOLERANCE = 0.01
"""Seconds that a late request may catch up, at most. The server's margin is 20 ms: (1 s + margin) * 0.98 * n stays
below n; what is not used up here is left for what is late on the way."""
_TOLERANCE_OF = 3e-4
"""The same, times the interval in seconds: where requests are rare, a little lateness costs next to no rate."""
_LONGEST_APART = 1.0
_SLOWDOWN = 0.5
_RECOVERY = 0.02
_SLOWEST = 1 / 64
_FREE_AGAIN = 2.0
_LEAST_SEEN = 10.0
LONGEST_HOLD = 600.0
_PRESSING = frozenset({429, 503})
_EASING = frozenset({Verdict.SETTLED, Verdict.REFUSED, Verdict.PRODUCT, Verdict.TOO_LARGE})


STOPPED = Answer(Verdict.NOT_TAKEN, error="stopped", message="The run was stopped before this request went out.")
"""What stands for the answer to a request that a stop has prevented."""


class Pace:
    """GCRA with room for one: requests leave one after the other, each at least an interval after the one before.

    Whoever waits does so in turn, and the next slot is reckoned from when a request really left: after a pause of the
    whole process no burst follows. `requests_per_second` 0 means no pace, until the API presses; then the rate seen so
    far is what the pace slows down from, or 10 a second where that is more: the first requests come one by one, while
    products are proven, and tell little.
    """

    def __init__(
        self,
        requests_per_second: float,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        stopping: HasStopped = never,
        longest_hold: float = LONGEST_HOLD,
        turnstile: Turnstile | None = None,
        yields: bool = False,
    ) -> None:
        """`turnstile` may be shared with others who use the same quota; whoever yields comes a little later than the
        moment, so that those who don't come first. It costs no rate.
        """
        self._limit = requests_per_second * _SHARE
        self._clock = clock
        self._sleep = sleep
        self._stopping = stopping
        self._longest_hold = longest_hold
        self._base = self._limit
        self._factor = 1.0
        self._turnstile = turnstile or OwnTurnstile(clock())
        self._yields = yields
        self._slowed_at = float("-inf")
        self._left: deque[float] = deque(maxlen=64)
        self._turn = asyncio.Lock()
        self._apart = OwnTurnstile(clock())

    @property
    def rate(self) -> float:
        """Requests per second at this moment; 0 = no limit."""
        return self._base * self._factor

    def _interval(self) -> tuple[float, float]:
        """Seconds between two requests, and how many of them a late one may catch up."""
        interval = 1 / self.rate if self._base else 0.0
        return interval, min(_TOLERANCE, _TOLERANCE_OF / interval) if interval else 0.0

    async def slot(self) -> float | None:
        """Waits for a turn; the moment it came, or None where the run was stopped before."""
        async with self._turn:
            while True:
                moment = self._clock()
                interval, tolerance = self._interval()
                again = self._turnstile.take(moment, interval, tolerance)
                if again is None:
                    self._left.append(moment)
                    return moment
                if self._stopping():
                    return None
                await self._sleep(again - moment + (tolerance / 2 if self._yields else 0.0))

    async def apart(self) -> float:
        """Draw requests apart again that have come together between their slots and the wire, where a commit or a
        connection takes now more, now less time. Right before the first byte, cut short by a stop. It holds a
        connection: who would wait for longer than a second does not, and all after it are reckoned from there.

        Returns the seconds for which it has waited.
        """
        began = self._clock()
        while self._base and not self._stopping():
            moment = self._clock()
            again = self._apart.take(moment, *self._interval())
            if again is None:
                break
            if again - moment > _LONGEST_APART:
                self._apart = OwnTurnstile(moment)
            else:
                await self._sleep(again - moment)
        return self._clock() - began

    def hold(self, seconds: float) -> None:
        """No request leaves before `seconds` are over, nor more than the longest hold."""
        self._turnstile.hold(self._clock() + min(seconds, self._longest_hold))

    def press(self, left_at: float) -> None:
        """Half the rate. An answer to a request that left before the last slowing down changes nothing."""
        if left_at <= self._slowed_at:
            return
        self._slowed_at = self._clock()
        self._base = self._base or self._seen_rate()
        self._factor = max(_SLOWEST, self._factor * _SLOWDOWN)

    def ease(self) -> None:
        """A little faster, up to the limit; without one, up to twice what was seen before, then without pace again."""
        if not self._base:
            return
        self._factor = min(1.0 if self._limit else _FREE_AGAIN, self._factor + _RECOVERY)
        if not self._limit and self._factor >= _FREE_AGAIN:
            self._base, self._factor = 0.0, 1.0

    def _seen_rate(self) -> float:
        span = self._left[-1] - self._left[0] if self._left else 0.0
        seen = (len(self._left) - 1) / span if span > 0 else 0.0
        return max(seen, _LEAST_SEEN)


class Paced:
    """A `Commissioner` that lets each attempt of the inner one wait for its slot, and feeds answers back."""

    def __init__(self, inner: Commissioner, pace: Pace) -> None:
        self._inner = inner
        self._pace = pace

    async def commission(self, chunk: Chunk) -> Answer:
        left_at = await self._pace.slot()
        if left_at is None:
            return STOPPED
        answer = await self._inner.commission(chunk)
        self._learn(answer, left_at)
        return answer

    def _learn(self, answer: Answer, left_at: float) -> None:
        if answer.retry_after is not None and answer.verdict in {Verdict.NOT_TAKEN, Verdict.DOUBT}:
            self._pace.hold(answer.retry_after)
        elif answer.http_status in _PRESSING or answer.error == "rate_limited":
            self._pace.press(left_at)
        elif answer.verdict in _EASING:
            self._pace.ease()
