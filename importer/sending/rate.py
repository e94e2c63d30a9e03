"""How fast serials go out, and how long the rest takes: one way for terminal and page."""

from __future__ import annotations

from collections import deque

_WINDOW = 60.0
"""Seconds that a rate looks back."""
_MOST = 20_000
"""Moments kept: of more than 300 requests a second, a shorter time is looked at."""


class Rate:
    """Serials per second over the last minute or so. Moments are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_MOST)

    def add(self, moment: float, done: int) -> None:
        """So many serials, all together, are done by now."""
        self._seen.append((moment, done))
        self._forget(moment)

    def per_second(self, now: float) -> float:
        """0 before anything is known; less and less while nothing more is done."""
        self._forget(now)
        if not self._seen:
            return 0.0
        (first, before), (_, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now - first) if now > first else 0.0

    def left(self, serials: int, now: float) -> float | None:
        """Seconds that so many serials take; None: it can't be told."""
        rate = self.per_second(now)
        return max(serials, 0) / rate if rate else None

    def _forget(self, now: float) -> None:
        """What is older than the window, but for two moments: a rate needs them."""
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW:  # noqa: PLR2004
            self._seen.popleft()
