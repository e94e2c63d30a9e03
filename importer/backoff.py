"""How long to wait before the next attempt. Pure: it neither sleeps nor throws its own dice."""

from __future__ import annotations

from collections.abc import Callable

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
