"""What the imports of a command send to, and what stops them cleanly: signals, and limits of time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from importer.cli import sandbox
from importer.cli.options import Limits
from importer.cli.setup import Setup
from importer.cli.times import Deadline
from importer.concurrency import Stopping, in_thread, until
from importer.config.settings import Settings
from importer.errors import Exit
from importer.model import Message
from importer.wiring import is_measured

_SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HANGUP}
_LOOKS_AT_THE_CLOCK = 20.0
"""Seconds: the time of day may be set, and a machine may sleep."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the imports of a command go, and what stops them."""

    settings: Settings
    target: str
    stopping: Stopping


@asynccontextmanager
async def bounded(setup: Setup, limits: Limits, presumed: Sequence[str] = ()) -> AsyncIterator[Bounds]:
    """What a command sends to, until it is stopped by a signal or by its time. `presumed`: knobs of a sandbox. Raises
    ConfigError.
    """
    deadline = Deadline.of(limits.max_duration, limits.stop_at)
    stopping = Stopping()
    async with (
        sandbox.inside(setup.settings, setup.knobs, presumed) as (settings, target),
        _stopped_by_signals(stopping),
    ):
        clock = asyncio.create_task(_stopped_in_time(stopping, deadline)) if deadline else None
        try:
            with exposing(settings):
                yield Bounds(settings, target, stopping)
        finally:
            if clock:
                clock.cancel()
                with suppress(asyncio.CancelledError):
                    await clock


def measured_pass(
    settings: Settings, inboxes: Sequence[Path], after: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """What is awaited at the end of each pass over inboxes: `after`, and where metrics are wanted, what still waits."""
    if not is_measured(settings):
        return after

    async def measured() -> None:
        from importer.telemetry.exposing import pass_ended  # noqa: PLC0415  only for those who want it

        await after()
        await in_thread(pass_ended, settings, inboxes)

    return measured


def exposing(settings: Settings) -> AbstractContextManager[None]:
    """While this lasts, `/metrics` answers where the configuration says."""
    if not settings.metrics.port:
        return nullcontext()
    from importer.telemetry.exposing import exposed  # noqa: PLC0415  only for those who want it

    return exposed(settings)


async def _stopped_in_time(stopping: Stopping, deadline: Deadline) -> None:
    asleep = until(stopping.heard)
    while not stopping() and (left := deadline.left()) > 0:
        await asleep(min(left, _LOOKS_AT_THE_CLOCK))
    stopping.stop(Message("time_up"), Exit.STOPPED)


@asynccontextmanager
async def _stopped_by_signals(stopping: Stopping) -> AsyncIterator[None]:
    """SIGINT, SIGTERM or SIGHUP once: stop at the next good moment; twice: cancel what is on its way, too."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def on_signal(number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            _silence(terminals)
        if stopping():
            if task:
                task.cancel()
            return
        stopping.stop(Message("interrupted_by", "", {"signal": number.name}), _SIGNALS[number])

    # What is started with nohup ignores SIGHUP, and is to go on doing so.
    numbers = [n for n in _SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _silence(descriptors: Sequence[int]) -> None:
    """Write no more to a terminal that has hung up: each write would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
