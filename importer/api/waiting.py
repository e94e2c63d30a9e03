"""Sleeping that a stop cuts short. Whoever sleeps in a loop asks `stopping` as well: after a stop no sleep lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from importer.model import Answer, Verdict

STOPPED = Answer(Verdict.NOT_TAKEN, error="stopped", message="The run was stopped before this request went out.")
"""What stands for the answer to a request that a stop has prevented."""

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]
Stopping = Callable[[], bool]


def never() -> bool:
    return False


def until(stopped: Callable[[], Awaitable[object]]) -> Sleep:
    """A sleep that ends at once when `stopped()` returns, such as the `wait` of an event."""

    async def sleep(seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopped()

    return sleep
