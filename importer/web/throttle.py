"""Makes guessing passwords slow: after some failures a name, or an address, has to wait, twice as long each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_FREE = 5
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 900.0
_FORGET_AFTER = 3600.0
_MOST_KEPT = 10_000


class Throttle:
    """Counts failures by key. `free` says how many a key of each kind (its first part) has without a wait."""

    def __init__(self, free: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def wait(self, *keys: tuple[str, str]) -> float:
        """Seconds until the next attempt is heard; 0: now."""
        return max((self._wait(key) for key in keys), default=0.0)

    def _wait(self, key: tuple[str, str]) -> float:
        failures, last = self._failures.get(key, (0, 0.0))
        over = failures - self._free.get(key[0], _FREE)
        if over < 0:
            return 0.0
        return max(0.0, last + min(_FIRST_WAIT * 2.0 ** min(over, 20), _LONGEST_WAIT) - self._clock())

    def failed(self, *keys: tuple[str, str]) -> None:
        now = self._clock()
        if len(self._failures) > _MOST_KEPT:
            self._failures = {k: v for k, v in self._failures.items() if now - v[1] < _FORGET_AFTER}
        for key in keys:
            failures, last = self._failures.get(key, (0, now))
            self._failures[key] = (failures + 1 if now - last < _FORGET_AFTER else 1, now)

    def succeeded(self, *keys: tuple[str, str]) -> None:
        for key in keys:
            self._failures.pop(key, None)
