"""The times in which a command may send: it waits for them, stops at their end, and says whether a run will fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from importer.cli.options import Limits
from importer.concurrency import Stopping, until
from importer.config.settings import Settings
from importer.config.windows import ALWAYS, Schedule
from importer.errors import Exit
from importer.ledger.ports import Ledger
from importer.ledger.records import Run
from importer.model import Message
from importer.results.totals import count
from importer.words.language import Language

_LOOKS_AT_THE_CLOCK = 20.0
"""Seconds: the time of day may be set, and a machine may sleep."""

Say = Callable[[str], None]


def utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a run will take at the rate that is set, and when the window closes in which it is sent."""

    seconds: float
    closes: datetime

    def fits(self, begins: datetime) -> bool:
        return (self.closes - begins).total_seconds() >= self.seconds


@dataclass(frozen=True, slots=True)
class Estimating:
    """Of runs of one ledger."""

    ledger: Ledger
    settings: Settings
    schedule: Schedule

    def said(self, run: Run, language: Language) -> str:
        """Whether what is left of a run will fit into its window; empty where none ends, or no rate is set."""
        now, rate = utc(), self.settings.limits.requests_per_second
        begins = now if self.schedule.open_until(now) else self.schedule.next_opening(now)
        closes = self.schedule.open_until(begins) if begins else None
        if not begins or not closes or closes == ALWAYS or not rate:
            return ""
        with self.ledger.view() as view:
            requests = count(view, view.run_by_num(run.num)).pending
        estimate = Estimate(requests / rate, closes)
        key = "window_fits" if estimate.fits(begins) else "window_too_short"
        return language.told(key, seconds=estimate.seconds, begins=begins.isoformat(), closes=closes.isoformat())


async def opening(schedule: Schedule, stopping: Stopping, language: Language, say: Say) -> None:
    """Return once it may send, or the command is to stop. What it waits for is said."""
    said = ""
    while not stopping() and schedule.open_until(utc()) is None:
        opens = schedule.next_opening(utc())
        told = language.told("window_waits", opens=opens.isoformat()) if opens else language.told("window_never")
        if told != said:
            said = told
            say(told)
        left = (opens - utc()).total_seconds() if opens else _LOOKS_AT_THE_CLOCK
        await until(stopping.heard)(min(max(left, 0.01), _LOOKS_AT_THE_CLOCK))


@asynccontextmanager
async def closing(schedule: Schedule, stopping: Stopping) -> AsyncIterator[None]:
    """Stop at the end of the window that is open now."""
    closes = schedule.open_until(utc())
    task = asyncio.create_task(_closed(stopping, closes)) if closes and closes != ALWAYS else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _closed(stopping: Stopping, closes: datetime) -> None:
    while not stopping() and (left := (closes - utc()).total_seconds()) > 0:
        await until(stopping.heard)(min(left, _LOOKS_AT_THE_CLOCK))
    stopping.stop(Message("window_over"), Exit.STOPPED)


def schedule_of(settings: Settings, limits: Limits) -> Schedule:
    return Schedule() if limits.now else settings.schedule.schedule
