"""Tasks and threads that end with the call that started them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


class _End(Enum):
    END = 0


async def run_workers(count: int, worker: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `count` workers to their end. If one raises, the others are cancelled, and the first exception is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def in_thread(work: Callable[..., T], *given: Any) -> T:
    """Do work in a thread. Whoever is cancelled meanwhile waits for its end all the same, however often: what the work
    uses may be closed then.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # heard, but being cancelled comes first
        raise


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in their order, each made by a thread of its own while the one before it is used.

    What making them raises is raised here. Whoever stops asking waits for the one that is being made.
    """
    each = iter(items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, each, _End.END)
        while (item := coming.result()) is not _End.END:
            coming = thread.submit(next, each, _End.END)
            yield item
