"""The time that a watch goes by: of the day, one that never jumps, and waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """All in seconds. A test gives another one, in which a night takes a moment."""

    wall: Callable[[], float] = time.time
    """Since 1970."""
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    idle: Callable[[float], Awaitable[None]] | None = None
    """Waits while there is nothing to do; None: until something happens in the inbox."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)
