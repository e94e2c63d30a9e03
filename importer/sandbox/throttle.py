"""The rate limit on the server's side: a sliding window over the requests that were let in."""

import math
from collections import deque
from collections.abc import Callable


class Throttle:
    """At most `burst` requests (default: `rate`, at least 1) in any `burst`/`rate` seconds. `tick` is monotonic."""

    def __init__(self, rate: float | None, burst: int | None, tick: Callable[[], float]) -> None:
        self._burst = burst or max(1, math.floor(rate or 1))
        self._window = self._burst / rate if rate else 0.0
        self._tick = tick
        self._admitted: deque[float] = deque()

    def wait(self) -> float:
        """0.0 lets the request in; else it is refused, and one would be let in after so many seconds."""
        if not self._window:
            return 0.0
        now = self._tick()
        while self._admitted and self._admitted[0] <= now - self._window:
            self._admitted.popleft()
        if len(self._admitted) < self._burst:
            self._admitted.append(now)
            return 0.0
        return self._admitted[0] + self._window - now
