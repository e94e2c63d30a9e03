"""Watches an inbox: looks, takes what is complete, waits. Outside the times in which it may send it only stages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from importer.concurrency import Stopping
from importer.config.windows import ALWAYS, Schedule
from importer.errors import BY_SIGNAL, Exit, LedgerBusy, worst
from importer.inbox.clock import Clock
from importer.inbox.doors import Session
from importer.inbox.rounds import Inbox
from importer.model import Message
from importer.words.language import Language

_LOOKS_AT_THE_CLOCK = 20.0
"""Seconds: the time of day may be set, and a machine may sleep."""

Hold = Callable[[Stopping], AbstractAsyncContextManager[Session]]
"""Holds the ledger. Raises LedgerBusy while another process has it."""


@dataclass(slots=True)
class Watching:
    """`wait` sleeps for so many seconds, or less where something happens in the inbox or the command is to stop.
    `after` is awaited at the end of each pass.
    """

    inbox: Inbox
    hold: Hold
    stopping: Stopping
    wait: Callable[[float], Awaitable[None]]
    language: Language
    after: Callable[[], Awaitable[None]]
    schedule: Schedule = field(default_factory=Schedule)
    clock: Clock = field(default_factory=Clock)
    look_seconds: float = 5.0
    once: bool = False
    _log: Any = field(default_factory=structlog.get_logger)

    async def go(self) -> int:
        """The exit code: that of the list that went worst, or of the signal that ended it."""
        code: int = Exit.DONE
        while not self.stopping():
            opened = self.schedule.open_until(self.clock.now())
            if await self._look(sending=opened is not None):
                await self._pass(opened)
            codes, self.inbox.codes = self.inbox.codes, []
            code = worst([code, *codes])
            await self.after()
            if self.once and (opened or not self.inbox.has_more()):
                break
            await self.wait(self._until_next(opened))
        if self.stopping.exit_code in BY_SIGNAL:
            code = worst([code, self.stopping.exit_code])
        return code

    async def _look(self, *, sending: bool) -> bool:
        """Whether there is something to do. With `once`, a second look follows where it may find more."""
        found = self.inbox.look(sending=sending)
        if self.once and self.inbox.look_again_in is not None:
            await self.wait(self.inbox.look_again_in)
            found = self.inbox.look(sending=sending)
        return found

    async def _pass(self, opened: datetime | None) -> None:
        async with self._until(opened) as stopping:
            try:
                async with self.hold(stopping) as session:
                    await self.inbox.go_through(session, sending=opened is not None)
            except LedgerBusy as busy:
                if self.once:
                    raise
                self._log.warning("ledger busy", message=self.language.say(busy.message))
            if stopping() and stopping.exit_code not in BY_SIGNAL and self.inbox.has_more():
                self.inbox.codes.append(stopping.exit_code)

    @asynccontextmanager
    async def _until(self, closes: datetime | None) -> AsyncIterator[Stopping]:
        """What stops a pass: the end of the window, or what stops the command."""
        if closes in (None, ALWAYS):
            yield self.stopping
            return
        stopping = Stopping()
        tasks = [asyncio.ensure_future(self._closing(stopping, closes)), asyncio.ensure_future(self._stopped(stopping))]
        try:
            yield stopping
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _closing(self, stopping: Stopping, closes: datetime) -> None:
        while (left := (closes - self.clock.now()).total_seconds()) > 0:
            await self.clock.sleep(min(left, _LOOKS_AT_THE_CLOCK))
        stopping.stop(Message("window_over"), Exit.STOPPED)

    async def _stopped(self, stopping: Stopping) -> None:
        await self.stopping.heard()
        if self.stopping.why:
            stopping.stop(self.stopping.why, self.stopping.exit_code)

    def _until_next(self, opened: datetime | None) -> float:
        """Seconds until there may be something to do."""
        waits = [self.look_seconds, self.inbox.look_again_in or self.look_seconds]
        now = self.clock.now()
        if opened is None and (opens := self.schedule.next_opening(now)):
            waits.append((opens - now).total_seconds())
        return max(min(waits), 0.05)
