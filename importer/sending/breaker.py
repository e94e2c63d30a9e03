"""The circuit breaker: whether too much of the last planned chunks was not assigned. Pure.

A chunk is judged once, as it was planned, when all of it is settled: the single serials into which it was cut on the
way would count a hundred times as much as the chunks beside it.
"""

from __future__ import annotations

from collections import deque

_LOOKS_AT = 50
_WANTS = 20
"""Chunks of the window, and those before which it says nothing."""


class Breaker:
    """Of the serials in the last 50 planned chunks more than the given percentage failed; 0 percent = never."""

    def __init__(self, max_failure_percent: float) -> None:
        self._percent = max_failure_percent
        self._last: deque[tuple[int, int]] = deque()
        self._serials = self._failed = 0
        """Sums of `_last`."""

    def note(self, serials: int, failed: int) -> None:
        """A planned chunk is settled whole: so many serials of it, so many of them refused or unknown."""
        self._add(serials, failed, 1)
        self._last.append((serials, failed))
        if len(self._last) > _LOOKS_AT:
            self._add(*self._last.popleft(), -1)

    @property
    def tripped(self) -> bool:
        return bool(self._percent) and len(self._last) >= _WANTS and self.share > self._percent

    @property
    def share(self) -> float:
        """Percent of the serials in the window that failed."""
        return 100 * self._failed / self._serials if self._serials else 0.0

    @property
    def chunks(self) -> int:
        """How many chunks the share is of."""
        return len(self._last)

    def _add(self, serials: int, failed: int, sign: int) -> None:
        self._serials += sign * serials
        self._failed += sign * failed
