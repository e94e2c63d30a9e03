"""Tells those who wait for a commit, threads and tasks, what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import repeat
from typing import Any


class Awaited:
    """A future of an event loop, resolved from the writer's thread together with all others of its commit."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


def tell(
    group: Sequence[Future[Any] | Awaited], fault: BaseException | None, results: Iterable[Any] = repeat(None)
) -> None:
    """Resolve the futures of a group; an event loop is woken once for all of its own."""
    awaited: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for future, result in zip(group, results, strict=False):
        if isinstance(future, Awaited):
            awaited.setdefault(future.loop, []).append((future.future, result))
        else:
            _resolve([(future, result)], fault)
    for loop, futures in awaited.items():
        with suppress(RuntimeError):  # the loop was closed: nothing waits there any more
            loop.call_soon_threadsafe(_resolve, futures, fault)


def _resolve(futures: Sequence[tuple[Future[Any] | asyncio.Future[Any], Any]], fault: BaseException | None) -> None:
    for future, result in futures:
        if future.cancelled():
            continue
        if fault:
            future.set_exception(fault)
        else:
            future.set_result(result)
