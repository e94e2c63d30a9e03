"""run, resume, retry: imports under the lock, with signals and time limits that stop them cleanly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from importer import wiring
from importer.cli import hours
from importer.cli.bounds import Bounds, bounded
from importer.cli.named import named_run
from importer.cli.options import Given, Limits
from importer.cli.output import Shown
from importer.cli.progress import watcher
from importer.cli.screen import tell_wrapped
from importer.cli.setup import Setup
from importer.cli.stdin import with_stdin
from importer.cli.times import Deadline
from importer.concurrency import Stopped, Stopping, until
from importer.config.windows import Schedule
from importer.errors import ConfigError, Exit, ImporterError, LedgerBusy, worst
from importer.flow.importing import Finished, Import
from importer.flow.report import is_reported, must_have_room
from importer.ledger.opening import accept_loss
from importer.ledger.ports import Ledger
from importer.ledger.records import Run
from importer.model import RunState, is_sandbox, same_target
from importer.sources.files import kind_of
from importer.words.language import Language

FORGETFUL = ("never_taken=done",)
"""A sandbox inside the process has forgotten what earlier ones took; it takes them back nevertheless."""
_LEDGER_AGAIN = 5.0
"""Seconds until a command that has waited for its time asks again for a ledger that another process holds."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of a command ended: its exit code, and what went wrong where it did not come to an end."""

    code: int
    fault: ImporterError | None = None


class Ends:
    """How the runs of one command ended."""

    def __init__(self, setup: Setup, stopping: Stopping) -> None:
        self._shown = Shown(setup)
        self._stopping = stopping
        self._codes: list[int] = [Exit.DONE]

    async def of(self, name: str, work: Awaitable[Finished | None]) -> Ended:
        """Await a run; show how it ended, or what went wrong with it: the next one has its turn."""
        fault = None
        try:
            finished = await work
        except ImporterError as error:
            fault, code = error, error.exit_code
            self._shown.failed(name, error)
            if isinstance(error, Stopped):
                self._shown.not_begun()
        else:
            code = finished.facts.exit_code if finished else Exit.DONE
            if finished:
                self._shown.finished(finished)
        self._codes.append(code)
        return Ended(code, fault)

    async def staged(self, name: str, staging: Awaitable[Run]) -> Run | None:
        """Await a run that can't be sent yet; None: its list can't be read, which is shown."""
        try:
            run = await staging
        except ImporterError as error:
            self._codes.append(error.exit_code)
            self._shown.failed(name, error)
            return None
        return run

    def left_out(self) -> None:
        """What is left has not had its turn, since the command was told to stop."""
        self._codes.append(self._stopping.exit_code)
        self._shown.not_begun()

    def nothing_to_do(self, why: str) -> None:
        self._shown.nothing(why)

    def exit_code(self) -> int:
        """That of the run that went worst. A signal that came too late to stop anything counts for nothing."""
        self._shown.close()
        return worst(self._codes)


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with while it holds the ledger. `estimate` says whether a run will fit into its time."""

    ends: Ends
    imports: Import
    ledger: Ledger
    target: str
    stopping: Stopping
    estimate: Callable[[Run, Language], str]


Work = Callable[[Session], Awaitable[None]]


def run_files(setup: Setup, files: Sequence[Path], given: Given, limits: Limits, released_by: str = "") -> int:
    """`released_by`: who has released the lists, as the caller says: refused where four eyes are demanded."""
    if released_by and setup.settings.web.four_eyes:
        raise ConfigError("four_eyes_page", case="release_by")
    options = wiring.source_options(setup.settings, given.values())

    identity = wiring.identity_of(options)
    staged: list[Run] | None = None

    async def stage(session: Session) -> None:
        nonlocal staged
        staged = []
        with with_stdin(files, setup.settings.ledger.directory) as paths:
            for path in paths:
                staging = session.imports.staged(path, options, identity, released_by)
                if run := await session.ends.staged(str(path), staging):
                    staged.append(run)
                    if said := session.estimate(run, setup.language):
                        say_waiting(f"{run.source_name}: {said}")

    async def work(session: Session) -> None:
        with with_stdin(files if staged is None else [], setup.settings.ledger.directory) as paths:
            imports = session.imports
            names: list[tuple[str, Callable[[], Awaitable[Finished]]]]
            names = [(run.source_name, partial(imports.submit, run)) for run in staged or ()]
            names += [(str(path), partial(imports.run, path, options, identity, released_by)) for path in paths]
            for name, begin in names:
                if session.stopping():
                    session.ends.left_out()
                    break
                await session.ends.of(name, begin())

    _complain_of(setup, limits, lambda: _must_be_there(files))
    return asyncio.run(importing(setup, limits, work, stage=stage))


def resume_runs(setup: Setup, run_id: str | None, limits: Limits) -> int:
    async def work(session: Session) -> None:
        runs = _to_resume(session, run_id, setup.settings.report.dir)
        if not runs:
            session.ends.nothing_to_do(setup.language.told("nothing_stopped", target=session.target))
        for run in runs:
            if session.stopping():
                session.ends.left_out()
                break
            await session.ends.of(run.id, session.imports.submit(run))

    if run_id:
        _complain_of(setup, limits, lambda: _must_be_known(setup, run_id))
    return asyncio.run(importing(setup, limits, work, FORGETFUL))


def accept_the_loss(setup: Setup) -> None:
    """Put in doubt what a ledger that lost its latest state may not know, and say what that is."""
    loss = accept_loss(setup.settings.ledger.path, setup.settings.ledger.url)
    told = setup.language.told
    lines = [told("loss_accepted", n=loss.doubted)]
    lines += [told("loss_of_run", run=run, name=name) for run, name in loss.lost]
    lines += [] if loss.all_known else [told("loss_of_any")]
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201  what a command tells


def retry_run(setup: Setup, run_id: str, limits: Limits) -> int:
    async def work(session: Session) -> None:
        run = _named(session, run_id)
        await session.ends.of(run.id, session.imports.retry(run))

    _complain_of(setup, limits, lambda: _must_be_known(setup, run_id))
    return asyncio.run(importing(setup, limits, work, FORGETFUL))


def _complain_of(setup: Setup, limits: Limits, look: Callable[[], object]) -> None:
    """Without credentials nothing can be sent; but what is wrong with the command itself is said first."""
    Deadline.of(limits.max_duration, limits.stop_at)
    if setup.knobs is not None:
        return
    try:
        wiring.must_have_credentials(setup.settings)
    except ConfigError:
        look()
        raise


def _must_be_there(files: Sequence[Path]) -> None:
    """Raise SourceError for the first list that can't be read for reasons that its path alone tells."""
    for path in files:
        if str(path) != "-":
            kind_of(path)


def _must_be_known(setup: Setup, run_id: str) -> None:
    with setup.ledger.view() as view:
        named_run(view, run_id)


def _to_resume(session: Session, run_id: str | None, report_dir: Path) -> list[Run]:
    """The run that is named, or all that stopped early, and one that was killed while it wrote its report."""
    if run_id:
        return [_named(session, run_id)]
    with session.ledger.view() as view:
        every = view.runs()
    runs = [run for run in every if same_target(run.target, session.target)]
    _must_not_be_elsewhere(every, runs, session.target)
    last = max((run for run in runs if run.ended_turn), key=lambda run: run.ended_turn or 0, default=None)
    return [
        run
        for run in runs
        if run.state != RunState.FINISHED or (run is last and not is_reported(run, report_dir / run.id))
    ]


def _named(session: Session, run_id: str) -> Run:
    with session.ledger.view() as view:
        return must_be_of(named_run(view, run_id), session.target)


def must_be_of(run: Run, target: str) -> Run:
    """Raise ConfigError for a run that went to another target."""
    if not same_target(run.target, target):
        raise _elsewhere(run, target)
    return run


def _must_not_be_elsewhere(every: Sequence[Run], here: Sequence[Run], target: str) -> None:
    """Raise ConfigError where all that stopped early went to other targets: the credentials are hardly those meant."""
    if is_sandbox(target) or any(run.state != RunState.FINISHED for run in here):
        return
    for run in every:
        if run not in here and run.state != RunState.FINISHED and not is_sandbox(run.target):
            raise _elsewhere(run, target)


def _elsewhere(run: Run, target: str) -> ConfigError:
    return ConfigError("run_of_other_target", run=run.id, sent_to=run.target, sends_to=target)


async def importing(
    setup: Setup, limits: Limits, work: Work, presumed: Sequence[str] = (), *, stage: Work | None = None
) -> int:
    """Do the work of a command under the ledger's lock, within its bounds and the times in which it may send; before
    those it stages. Return the exit code.
    """
    async with bounded(setup, limits, presumed) as bounds:
        schedule, stopping = hours.schedule_of(bounds.settings, limits), bounds.stopping
        ends = Ends(setup, stopping)
        waits = schedule.open_until(hours.utc()) is None
        if waits and stage:
            await under_lock(setup, bounds, stage, ends, schedule, urgent=limits.priority)
        await hours.opening(schedule, stopping, setup.language, say_waiting)
        async with hours.closing(schedule, stopping):
            while True:
                try:
                    await under_lock(setup, bounds, work, ends, schedule, urgent=limits.priority)
                except LedgerBusy:
                    if not waits or stopping():
                        raise
                    await until(stopping.heard)(_LEDGER_AGAIN)
                else:
                    return ends.exit_code()


def say_waiting(text: str) -> None:
    if sys.stderr.isatty():
        tell_wrapped(text, err=True)
    else:
        structlog.get_logger().info("schedule", message=text)


async def under_lock(setup: Setup, bounds: Bounds, work: Work, ends: Ends, schedule: Schedule, *, urgent: bool) -> None:
    settings = bounds.settings
    wiring.must_have_credentials(settings)
    wiring.warn_of_open_files(settings)
    must_have_room(settings.report.dir)
    with wiring.ledger_of(settings).open() as ledger:
        estimate = hours.Estimating(ledger, settings, schedule).said
        await _watched(setup, bounds, work, ends, ledger, estimate, urgent=urgent)


async def _watched(
    setup: Setup,
    bounds: Bounds,
    work: Work,
    ends: Ends,
    ledger: Ledger,
    estimate: Callable[[Run, Language], str],
    *,
    urgent: bool,
) -> None:
    settings, target, stopping = bounds.settings, bounds.target, bounds.stopping
    with watcher(estimate) as watching:
        parts = wiring.parts(
            settings, ledger, stopping, watching, setup.redactor, target, urgent=urgent, again=setup.again
        )
        imports = Import(parts)
        try:
            await work(Session(ends, imports, ledger, target, stopping, estimate))
        except asyncio.CancelledError:
            # Signals came one after another, the last while a list was read or a report written.
            ends.left_out()
