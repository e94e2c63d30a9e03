"""run, resume, retry: imports under the lock, with signals and time limits that stop them cleanly."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from importer import wiring
from importer.cli import sandbox
from importer.cli.options import Given
from importer.cli.output import Shown
from importer.cli.progress import watcher
from importer.cli.setup import Setup
from importer.cli.times import seconds_until
from importer.concurrency import Stopped, Stopping
from importer.errors import BY_SIGNAL, ConfigError, Exit, ImporterError, worst
from importer.flow.importing import Finished, Import
from importer.flow.report import is_reported, must_have_room
from importer.ledger.ledger import Ledger
from importer.ledger.view import Run
from importer.model import SANDBOX, RunState, same_target

_SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HANGUP}

Limits = tuple[str | None, str | None, bool]
"""--max-duration, --stop-at, --priority."""


class Ends:
    """How the runs of one command ended."""

    def __init__(self, setup: Setup, stopping: Stopping) -> None:
        self._shown = Shown(setup)
        self._stopping = stopping
        self._codes: list[int] = [Exit.DONE]

    async def of(self, name: str, work: Awaitable[Finished]) -> int:
        """Await a run and return its exit code; what goes wrong with it is told, and the next one has its turn."""
        try:
            finished = await work
        except ImporterError as error:
            self._codes.append(error.exit_code)
            self._shown.failed(name, error)
            if isinstance(error, Stopped):
                self._shown.not_begun()
        else:
            self._codes.append(finished.facts.exit_code)
            self._shown.finished(finished)
        return self._codes[-1]

    def left_out(self) -> None:
        """What is left has not had its turn, since the command was told to stop."""
        self._codes.append(self._stopping.exit_code)
        self._shown.not_begun()

    def nothing_to_do(self, why: str) -> None:
        self._shown.nothing(why)

    def exit_code(self) -> int:
        self._shown.close()
        if self._stopping.exit_code in BY_SIGNAL:
            return self._stopping.exit_code
        return worst(self._codes)


def run_files(setup: Setup, files: Sequence[Path], given: Given, limits: Limits, box: list[str] | None) -> int:
    options = wiring.source_options(setup.settings, given.values())

    async def work(ends: Ends, imports: Import, ledger: Ledger, target: str, stopping: Stopping) -> None:
        _ = ledger, target
        for file in files:
            if stopping():
                ends.left_out()
                break
            await ends.of(str(file), imports.run(file, options, wiring.identity_of(options)))

    return asyncio.run(importing(setup, limits, box, work))


def resume_runs(setup: Setup, run_id: str | None, limits: Limits, box: list[str] | None) -> int:
    async def work(ends: Ends, imports: Import, ledger: Ledger, target: str, stopping: Stopping) -> None:
        runs = _to_resume(ledger, run_id, target, setup.settings.report.dir)
        if not runs:
            to = "a sandbox" if target.startswith(SANDBOX) else target
            ends.nothing_to_do(f"No run into {to} stopped early: nothing to go on with.")
        for run in runs:
            if stopping():
                ends.left_out()
                break
            await ends.of(run.id, imports.submit(run))

    return asyncio.run(importing(setup, limits, box, work))


def retry_run(setup: Setup, run_id: str, limits: Limits, box: list[str] | None) -> int:
    async def work(ends: Ends, imports: Import, ledger: Ledger, target: str, stopping: Stopping) -> None:
        _ = stopping
        (run,) = _named(ledger, run_id, target)
        await ends.of(run.id, imports.retry(run))

    return asyncio.run(importing(setup, limits, box, work))


def _to_resume(ledger: Ledger, run_id: str | None, target: str, report_dir: Path) -> list[Run]:
    """The run that is named, or all that stopped early, and one that was killed while it wrote its report."""
    if run_id:
        return _named(ledger, run_id, target)
    view = ledger.view()
    try:
        runs = [run for run in view.runs() if same_target(run.target, target)]
    finally:
        view.close()
    last = max((run for run in runs if run.ended_at), key=lambda run: run.ended_at or "", default=None)
    return [
        run
        for run in runs
        if run.state != RunState.FINISHED or (run is last and not is_reported(run, report_dir / run.id))
    ]


def _named(ledger: Ledger, run_id: str, target: str) -> list[Run]:
    view = ledger.view()
    try:
        run = view.run(run_id)
    finally:
        view.close()
    if not same_target(run.target, target):
        goes = "the sandbox: add --sandbox" if run.target.startswith(SANDBOX) else run.target
        raise ConfigError(
            f"run {run_id} was sent to {goes}, but this configuration sends to {target}: nothing was sent"
        )
    return [run]


async def importing(
    setup: Setup,
    limits: Limits,
    box: list[str] | None,
    work: Callable[[Ends, Import, Ledger, str, Stopping], Awaitable[None]],
) -> int:
    stopping = Stopping()
    seconds = seconds_until(*limits[:2], datetime.now().astimezone())
    async with sandbox.inside(setup.settings, box) as (settings, target), _stopped_by_signals(stopping):
        wiring.must_have_credentials(settings)
        must_have_room(settings.report.dir)
        with Ledger(settings.ledger.path) as ledger, watcher() as watching:
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, stopping.stop, "the time is up", Exit.STOPPED)
            imports = Import(wiring.parts(settings, ledger, stopping, watching, target, urgent=limits[2]))
            ends = Ends(setup, stopping)
            try:
                await work(ends, imports, ledger, target, stopping)
            except asyncio.CancelledError:
                # Signals came one after another, the last while a list was read or a report written.
                ends.left_out()
    return ends.exit_code()


@asynccontextmanager
async def _stopped_by_signals(stopping: Stopping) -> AsyncIterator[None]:
    """SIGINT, SIGTERM or SIGHUP once: stop at the next good moment; twice: cancel what is on its way, too."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def hear(number: signal.Signals) -> None:
        if stopping():
            if task:
                task.cancel()
            return
        stopping.stop(f"interrupted by {number.name}", _SIGNALS[number])

    for number in _SIGNALS:
        loop.add_signal_handler(number, hear, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
