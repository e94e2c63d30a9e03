"""."""

from __future__ import annotations

from collections import deque

_WINDOW = 60.0
"""Seconds that a rate looks back."""


class Rate:
    """Serials per second, over the last minute or so, and what follows for the time left."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=600)

    def add(self, moment: float, done: int) -> None:
        self._seen.append((moment, done))
        while len(self._seen) > 2 and moment - self._seen[0][0] > _WINDOW:  # noqa: PLR2004  a rate needs two
            self._seen.popleft()

    def per_second(self) -> float:
        if len(self._seen) < 2:  # noqa: PLR2004
            return 0.0
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def left(self, serials: int) -> float | None:
        """Seconds."""
        rate = self.per_second()
        return serials / rate if rate else None
