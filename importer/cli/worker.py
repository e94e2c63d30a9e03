"""worker, and run --queue: several machines share a ledger. One of them sends for a channel, any of them stages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
import typer

from importer import wiring
from importer.cli import hours
from importer.cli.bounds import bounded
from importer.cli.options import Given, Limits
from importer.cli.progress import watcher
from importer.cli.run import Ends, Session, under_lock
from importer.cli.setup import Setup
from importer.cli.stdin import with_stdin
from importer.concurrency import Stopped, Stopping, in_thread, until
from importer.config.windows import Schedule
from importer.errors import ConfigError, LedgerBusy
from importer.flow.importing import Finished
from importer.flow.report import must_have_room
from importer.ledger.ports import Channel
from importer.ledger.records import Run
from importer.model import Message

_LOOKS = 1.0
"""Seconds between two looks at a run that workers send."""


def work(setup: Setup, *, once: bool) -> int:
    """Serve the channel of the configuration until it is told to stop. Raises ConfigError."""
    return asyncio.run(_work(setup, once=once))


async def _work(setup: Setup, *, once: bool) -> int:
    settings = setup.settings
    must_have_room(settings.report.dir)
    jobs = wiring.jobs_of(settings)
    wiring.ledger_of(settings).open().close()  # makes one where there is none
    async with bounded(setup, Limits()) as bounds:
        with watcher() as watching:
            schedule = settings.schedule.schedule
            serving = wiring.serving(
                settings,
                bounds.stopping,
                watching,
                setup.redactor,
                setup.again,
                lambda: schedule.open_until(hours.utc()) is not None,
            )
            if once:
                await serving.serve()
            else:
                structlog.get_logger().info("worker_ready", channel=settings.api.channel)
                await jobs.work(serving.serve, bounds.stopping)
        return bounds.stopping.exit_code


def queue_files(setup: Setup, files: Sequence[Path], given: Given, limits: Limits, *, wait: bool) -> int:
    """Stage each file here, and hand it to the workers; wait until they have sent it, and write its report, unless it
    is not to be waited for. Raises ConfigError where no worker could get at it.
    """
    if setup.knobs is not None:
        raise ConfigError("queue_not_sandbox")
    options = wiring.source_options(setup.settings, given.values())
    channel, jobs = wiring.channel_of(setup.settings), wiring.jobs_of(setup.settings)

    async def work(session: Session) -> None:
        with with_stdin(files, setup.settings.ledger.directory) as paths:
            for path in paths:
                if session.stopping():
                    session.ends.left_out()
                    break
                await session.ends.of(str(path), one(session, path))

    async def one(session: Session, path: Path) -> Finished | None:
        run = await session.imports.staged(path, options, wiring.identity_of(options))
        await in_thread(lambda: channel.queue(run.num, urgent=limits.priority))
        await jobs.hand_over()
        typer.echo(setup.language.told("handed_over", run=run.id), err=True)
        if not wait:
            return None
        return await session.imports.conclude(await _sent(session, channel, run, setup))

    async def go() -> int:
        async with bounded(setup, limits) as bounds:
            ends = Ends(setup, bounds.stopping)
            await under_lock(setup, bounds, work, ends, Schedule(), urgent=limits.priority)
            return ends.exit_code()

    return asyncio.run(go())


async def _sent(session: Session, channel: Channel, run: Run, setup: Setup) -> Run:
    """The run, when the workers have done with it. Raises Stopped where this process is told to stop before."""
    asleep = until(session.stopping.heard)
    while await in_thread(_waits, channel, run.num):
        if session.stopping():
            raise StillQueued(session.stopping, run.id, setup.again)
        await asleep(_LOOKS)
    with session.ledger.view() as view:
        return view.run_by_num(run.num)


def _waits(channel: Channel, run: int) -> bool:
    try:
        found = channel.stands(run)
    except LedgerBusy:
        return True  # the server is away, and comes back
    return found is not None and found.waits


class StillQueued(Stopped):
    """This process waits no longer; workers go on sending the run."""

    def __init__(self, stopping: Stopping, run: str, again: str) -> None:
        super().__init__(stopping.why or Message("time_up"), stopping.exit_code)
        self.message = Message("still_queued", "", {"run": run, "command": f"importer status {run}{again}"})
