"""Waits until something happens in an inbox. The file system tells of what happens on this machine only: on a network
share the inbox is looked at again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from importer.concurrency import Stopping

_DEBOUNCE = 200
"""Milliseconds in which several changes are one."""


class Waking:
    """Woken by the file system for what happens in some directories, if `events`; not in those below them."""

    def __init__(self, directories: Sequence[Path], stopping: Stopping, *, events: bool) -> None:
        self._directories, self._stopping, self._events = directories, stopping, events
        self._happened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._events:
            self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def wait(self, seconds: float) -> None:
        """For so long, or until something happens, or the command is to stop."""
        tasks = [asyncio.ensure_future(self._stopping.heard()), asyncio.ensure_future(self._happened.wait())]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        self._happened.clear()

    async def _listen(self) -> None:
        from watchfiles import awatch  # noqa: PLC0415  `--once` and shares do without

        try:
            async for _ in awatch(*self._directories, recursive=False, debounce=_DEBOUNCE, watch_filter=None):
                self._happened.set()
        except (OSError, RuntimeError) as error:
            # Too many watches on this system, or a directory that has gone: it is looked at all the same.
            structlog.get_logger().info("no_events", reason=str(error))
