"""How long a server that is away is waited for: it is being restarted, or another one takes its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from importer.errors import LedgerBusy

T = TypeVar("T")
SECONDS = 300.0
_FIRST, _MOST = 0.05, 2.0


class Patience:
    """One wait. What it waits for raises LedgerBusy for as long as it can't be done."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._until = time.monotonic() + seconds
        self._delay = _FIRST

    def until_done(self, wanted: Callable[[], T]) -> T:
        """Raises LedgerBusy when the time is up, or it is not the server that is away."""
        while True:
            try:
                return wanted()
            except LedgerBusy as error:
                if error.message.code != "ledger_unreachable" or time.monotonic() + self._delay > self._until:
                    raise
            time.sleep(self._delay)
            self._delay = min(self._delay * 2, _MOST)
