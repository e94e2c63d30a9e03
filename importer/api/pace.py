"""How fast requests may leave: the configured rate, slowed down by 429 and 503, recovering with each answer. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_SHARE = 0.98
"""Servers count in windows of their own; latency moves requests between two of them."""
_TOLERANCE = 0.01
"""Seconds that a late request may catch up, at most. The server's margin is 20 ms: (1 s + margin) * 0.98 * n stays
below n; what is not used up here is left for what is late on the way."""
_TOLERANCE_OF = 3e-4
"""The same, times the interval in seconds: where requests are rare, a little lateness costs next to no rate."""
_SLOWDOWN = 0.5
_RECOVERY = 0.02
_RECOVERY_OF = 0.1
"""Of the limit, and of the rate itself, whichever is less: at a sixteenth of the limit the first alone would double the
rate within three answers, and every fourth request would be a 429."""
_SLOWEST = 0.5
"""Requests per second that pressure alone never goes below: an API that wants longer waits says so by Retry-After. With
429s that come whatever the pace (one in five, at random), the rate fell to one request in 25 s, and stayed there."""
_FREE_AGAIN = 2.0
_LEAST_SEEN = 10.0


class Pace:
    """GCRA with room for one: requests leave one after the other, each at least an interval after the one before.

    `requests_per_second` 0 means no pace, until the API presses; then the rate seen so far is what the pace slows down
    from, or 10 a second where that is more: the first requests come one by one, while products are proven, and tell
    little.
    """

    def __init__(self, requests_per_second: float) -> None:
        self._limit = requests_per_second * _SHARE
        self._base = self._limit
        self._factor = 1.0
        self._slowed_at = float("-inf")
        self._left: deque[float] = deque(maxlen=64)

    @property
    def rate(self) -> float:
        """Requests per second at this moment; 0 = no limit."""
        return self._base * self._factor

    @property
    def slowed(self) -> bool:
        """Whether the API has pressed, and not been eased yet."""
        return bool(self._base) and (not self._limit or self._factor < 1)

    @property
    def interval(self) -> float:
        """Seconds between two requests."""
        return 1 / self.rate if self._base else 0.0

    @property
    def tolerance(self) -> float:
        """Seconds that a late request may catch up."""
        return min(_TOLERANCE, _TOLERANCE_OF / self.interval) if self.interval else 0.0

    def left(self, moment: float) -> None:
        """A request left."""
        self._left.append(moment)

    def press(self, left_at: float, now: float) -> None:
        """Half the rate. An answer to a request that left before the last slowing down changes nothing."""
        if left_at <= self._slowed_at:
            return
        self._slowed_at = now
        self._base = self._base or self._seen_rate()
        self._factor = max(min(self._factor, _SLOWEST / self._base), self._factor * _SLOWDOWN)

    def ease(self) -> None:
        """A little faster, up to the limit; without one, up to twice what was seen before, then without pace again."""
        if not self._base:
            return
        step = min(_RECOVERY, _RECOVERY_OF * self._factor)
        self._factor = min(1.0 if self._limit else _FREE_AGAIN, self._factor + step)
        if not self._limit and self._factor >= _FREE_AGAIN:
            self._base, self._factor = 0.0, 1.0

    def told(self) -> dict[str, float]:
        """How far the API has slowed it down, for another process that goes on in its place."""
        return {"base": self._base, "factor": self._factor}

    def take_up(self, told: Mapping[str, float]) -> None:
        """Go on as fast as another process that was as slow as this; the limit itself is this one's own."""
        self._base = self._limit or float(told.get("base", 0.0))
        self._factor = min(1.0 if self._limit else _FREE_AGAIN, max(_SLOWEST, float(told.get("factor", 1.0))))

    def _seen_rate(self) -> float:
        span = self._left[-1] - self._left[0] if self._left else 0.0
        seen = (len(self._left) - 1) / span if span > 0 else 0.0
        return max(seen, _LEAST_SEEN)
