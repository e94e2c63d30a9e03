"""The only place that starts tasks for work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_workers(count: int, worker: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `count` workers to their end. If one raises, the others are cancelled, and the first exception is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def beside(companion: Callable[[], Coroutine[Any, Any, None]], work: Awaitable[T]) -> T:
    """Await `work`; `companion` runs until then."""
    task = asyncio.create_task(companion())
    try:
        return await work
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
