"""How long an owner may believe that a lease is its own: by its own clock, always shorter than the server. Pure."""

from __future__ import annotations

import threading

DRIFT = 0.01
"""Of its life: by how much the owner's clock may run slower than the server's. Quartz is a hundred times better; a
virtual machine's clock that is being corrected (500 parts in a million) twenty times."""
GAP = 0.4
"""Seconds kept back for what lies between the look at the clock and the first byte on the wire."""


class Tenure:
    """The clock must go on while the machine sleeps (`CLOCK_BOOTTIME`); `life` in seconds, as the server was asked for.

    From any thread: one renews, another asks right before each request.
    """

    def __init__(self, life: float) -> None:
        self.life = life
        self._counts = life * (1 - DRIFT) - GAP
        if self._counts <= 0:
            raise ValueError(f"a lease of {life} seconds is too short")
        self._mutex = threading.Lock()
        self._token: int | None = None
        self._until = float("-inf")

    def granted(self, token: int, asked_at: float) -> None:
        """The server has given the lease, asked for at that moment: from there it counts, since the answer may have
        been under way for long.
        """
        with self._mutex:
            self._token, self._until = token, asked_at + self._counts

    def renewed(self, token: int, asked_at: float) -> None:
        """The same, of a renewal. One of an older token says nothing."""
        with self._mutex:
            if token == self._token:
                self._until = max(self._until, asked_at + self._counts)

    def over(self) -> None:
        """It was given free, or another has it: no request begins from here on."""
        with self._mutex:
            self._token, self._until = None, float("-inf")

    def holds(self, now: float) -> bool:
        """Whether a request may begin."""
        with self._mutex:
            return self._token is not None and now < self._until

    @property
    def token(self) -> int | None:
        """What every write carries; None: there is no lease."""
        with self._mutex:
            return self._token
