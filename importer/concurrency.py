"""Tasks and threads that end with the call that started them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar

from importer.errors import ImporterError
from importer.model import Message

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
    """Do work in a thread. A caller that is cancelled meanwhile still waits for its end, however often it is cancelled:
    what the work uses may be closed then.
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


# Sleeping that a stop cuts short. Whoever sleeps in a loop asks `stopping` as well: after a stop no sleep lasts.
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]
HasStopped = Callable[[], bool]
HasRight = Callable[[], bool]


def never() -> bool:
    return False


def always() -> bool:
    return True


def until(stopped: Callable[[], Awaitable[object]]) -> Sleep:
    """A sleep that ends at once when `stopped()` returns, such as the `wait` of an event."""

    async def sleep(seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopped()

    return sleep


# How an import is told to stop: once is gently, at the next good moment.
class Stopped(ImporterError):  # noqa: N818  it is no error
    """The work was told to stop before it came to anything; `exit_code` says by what."""

    def __init__(self, why: Message, exit_code: int) -> None:
        super().__init__("stopped_before_it_began", reason=why.part())
        self.exit_code = exit_code


class Stopping:
    """Set at most once, from any thread. `why` is for people, `exit_code` for the command that ends with it."""

    def __init__(self) -> None:
        self.why: Message | None = None
        self.exit_code = 0
        self._set = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: asyncio.Event | None = None

    def __call__(self) -> bool:
        return self._set.is_set()

    def stop(self, why: Message, exit_code: int) -> None:
        """Tell it; only the first reason counts."""
        if self._set.is_set():
            return
        self.why, self.exit_code = why, exit_code
        self._set.set()
        if self._loop and self._heard:
            self._loop.call_soon_threadsafe(self._heard.set)

    def check(self) -> None:
        """Raise Stopped if it was told."""
        if self.why and self():
            raise Stopped(self.why, self.exit_code)

    async def heard(self) -> None:
        """Return when it was told. From one event loop only."""
        if self._heard is None:
            self._loop, self._heard = asyncio.get_running_loop(), asyncio.Event()
            if self():
                self._heard.set()
        await self._heard.wait()
