"""watch: takes complete lists from an inbox directory, for cron or for ever. What is done there says `inbox`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import structlog
from structlog.contextvars import bind_contextvars

from importer import wiring
from importer.cli import hours
from importer.cli.bounds import Bounds, bounded, measured_pass
from importer.cli.options import Given, Limits
from importer.cli.progress import Lines
from importer.cli.service import as_service
from importer.cli.setup import Setup
from importer.concurrency import Stopping
from importer.config.settings import Settings, without_password
from importer.config.windows import EVERY_DAY, Schedule, Window
from importer.errors import ConfigError, ImporterError, SourceError
from importer.flow.importing import Import
from importer.flow.report import must_have_room
from importer.inbox.arrivals import Arrivals
from importer.inbox.claims import ROOMS, Box
from importer.inbox.clock import Clock
from importer.inbox.doors import Door, Session
from importer.inbox.handled import Handled
from importer.inbox.rounds import Inbox
from importer.inbox.waking import Waking
from importer.inbox.watching import Watching
from importer.ledger.opening import viewed
from importer.ledger.ports import Ledger, Place
from importer.ledger.records import Run
from importer.model import is_sandbox
from importer.notify.channels import channels
from importer.notify.outbox import Outbox
from importer.notify.telling import Telling
from importer.words.language import Language, language


def watch_inbox(
    setup: Setup, inbox: Path, given: Given, limits: Limits, *, once: bool, create: bool, clock: Clock | None = None
) -> int:
    """Take the lists of an inbox, oldest first. For ever, unless `once`. What goes wrong is a line of the log."""
    try:
        return asyncio.run(_watch(setup, inbox, given, limits, clock or Clock(), once=once, create=create))
    except ImporterError as error:
        message = setup.language.say(error.message)
        log = structlog.get_logger()
        log.log(logging.ERROR, "ended", file=str(inbox), run=None, exit_code=error.exit_code, message=message)
        return error.exit_code


async def _watch(
    setup: Setup, inbox: Path, given: Given, limits: Limits, clock: Clock, *, once: bool, create: bool
) -> int:
    bind_contextvars(file=None, run=None)
    telling = _telling(setup, clock)
    try:
        async with bounded(setup, limits) as bounds:
            if wiring.needs_release(bounds.settings, bounds.target):
                raise ConfigError("four_eyes_page")
            doors = list(_doors(setup, bounds, inbox, given, clock, create=create))
            return await _watched(setup, bounds, limits, doors, telling, clock, once=once)
    except ImporterError as error:
        telling.keep(_of_watch(inbox, error))
        raise
    finally:
        await telling.close(patiently=once)


async def _watched(
    setup: Setup, bounds: Bounds, limits: Limits, doors: Sequence[Door], telling: Telling, clock: Clock, *, once: bool
) -> int:
    how = setup.settings.watch
    wiring.warn_of_open_files(bounds.settings)
    for door in doors:
        must_have_room(door.report_dir)
    hold = _Holder(setup, bounds, limits, doors).hold
    engine = Inbox(doors, setup.language, telling.keep, partial(_runs, setup.ledger), clock)
    places = [door.box.directory for door in doors]
    events = how.notice == "events" and not once
    async with Waking(places, bounds.stopping, events=events) as waking, as_service():
        watching = Watching(
            engine,
            hold,
            bounds.stopping,
            clock.idle or waking.wait,
            setup.language,
            measured_pass(bounds.settings, places, telling.after_pass),
            hours.schedule_of(bounds.settings, limits),
            clock,
            look_seconds=how.look_seconds,
            once=once,
        )
        try:
            return await watching.go()
        except asyncio.CancelledError:
            # A second signal came while it waited.
            if not bounds.stopping():
                raise
            return bounds.stopping.exit_code


def _telling(setup: Setup, clock: Clock) -> Telling:
    """Who is told. Raises ConfigError for an address that is none."""
    how = setup.settings.notify
    urls = how.addresses
    outbox = Outbox((how.outbox or setup.settings.ledger.directory / "notify").absolute())
    outbox.forget_old()
    return Telling(
        outbox,
        channels(urls, how.webhook_url.get_secret_value(), how.webhook_secret.get_secret_value()),
        {"failure": how.on_failure, "rejects": how.on_rejects, "success": how.on_success},
        language(setup.settings.report.language),
        _each_day_at(how.digest_at, setup.settings.schedule.schedule.zone) if how.digest_at else None,
        how.ping_url.get_secret_value(),
        clock,
    )


def _each_day_at(time_of_day: str, zone: tzinfo | None) -> Callable[[datetime], datetime]:
    """The next moment at which clocks of the schedule's time zone show this time."""
    hour, minute = map(int, time_of_day.split(":"))
    begin = hour * 60 + minute
    daily = Schedule((Window(EVERY_DAY, begin, begin + 1),), zone)
    return lambda now: daily.next_opening(now) or now + timedelta(days=1)


def _of_watch(inbox: Path, error: ImporterError) -> Handled:
    """What ended a whole watch is told once a day, however often cron starts it again."""
    key = f"{inbox.absolute()} {error.message.code} {hours.utc():%Y-%m-%d}"
    return Handled(key, f"{inbox}/", "", error.exit_code, message=error.message)


def _runs(ledger: Place) -> Sequence[Run]:
    with viewed(ledger) as view:
        return view.runs() if view else ()


def _doors(setup: Setup, bounds: Bounds, inbox: Path, given: Given, clock: Clock, *, create: bool) -> Iterator[Door]:
    """The inbox itself, and a directory for each profile. Raises SourceError for what is no inbox."""
    profiles = bounds.settings.profiles
    if create:
        _create([inbox, *(inbox / name for name in profiles), *(inbox / room for room in sorted(ROOMS))])
    if not inbox.is_dir():
        raise SourceError("inbox_missing", path=str(inbox))
    yield _door(setup, bounds, bounds.settings, inbox, given, clock)
    for name in profiles:
        if (inbox / name).is_dir():
            yield _door(setup, bounds, _settings(bounds, name), inbox / name, given, clock, name)
        else:
            text = setup.language.told("profile_without_directory", path=str(inbox / name), name=name)
            structlog.get_logger().warning("skipped", file=str(inbox / name), run=None, message=text)


def _create(directories: Sequence[Path]) -> None:
    for directory in directories:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError("directory_unmakable", path=str(directory), reason=error.strerror) from error


def _settings(bounds: Bounds, profile: str) -> Settings:
    return bounds.settings.of_profile(profile, with_api=not is_sandbox(bounds.target)) if profile else bounds.settings


def _door(
    setup: Setup, bounds: Bounds, settings: Settings, directory: Path, given: Given, clock: Clock, profile: str = ""
) -> Door:
    wiring.must_have_credentials(settings)
    options = wiring.source_options(settings, given.values())
    checks = {**settings.public()["input"], "accept": list(options.accept)}
    own = {*ROOMS, *(bounds.settings.profiles if not profile else ())}
    return Door(
        profile=profile,
        arrivals=Arrivals(
            directory, settings.watch.complete, settings.watch.quiet_seconds, clock.wall, clock.steady, own
        ),
        box=Box(directory, _name_of(setup.settings)),
        options=options,
        identity=wiring.identity_of(options),
        target=bounds.target if is_sandbox(bounds.target) else settings.api.target,
        report_dir=settings.report.dir,
        checks=checks,
    )


def _name_of(settings: Settings) -> str:
    """What tells its ledger from others, and holds no password."""
    return without_password(settings.ledger.url) or str(settings.ledger.path.absolute())


@dataclass(slots=True)
class _Held:
    """The ledger, held, and an import for each door: they share what is sent at the same time with their own quota."""

    holder: _Holder
    ledger: Ledger
    stopping: Stopping
    watching: Lines
    said: Callable[[Run, Language], str]
    _imports: dict[str, Import] = field(default_factory=dict)

    def estimate(self, run: Run) -> str:
        return self.said(run, self.holder.setup.language)

    def imports(self, door: Door) -> Import:
        if door.profile not in self._imports:
            self._imports[door.profile] = self.holder.imports(self, door)
        return self._imports[door.profile]


@dataclass(frozen=True, slots=True)
class _Holder:
    setup: Setup
    bounds: Bounds
    limits: Limits
    doors: Sequence[Door]

    @asynccontextmanager
    async def hold(self, stopping: Stopping) -> AsyncIterator[Session]:
        with self.setup.ledger.open() as ledger, Lines(self._estimate(ledger)) as watching:
            try:
                yield _Held(self, ledger, stopping, watching, self._estimate(ledger))
            except asyncio.CancelledError:
                # Signals came one after another, the last while a list was read or a report written.
                if not self.bounds.stopping():
                    raise

    def _estimate(self, ledger: Ledger) -> Callable[[Run, Language], str]:
        schedule = hours.schedule_of(self.bounds.settings, self.limits)
        return hours.Estimating(ledger, self.bounds.settings, schedule).said

    def imports(self, held: _Held, door: Door) -> Import:
        settings, urgent = _settings(self.bounds, door.profile), self.limits.priority
        again = f"{self.setup.again} --profile {door.profile}" if door.profile else self.setup.again
        parts = wiring.parts(
            settings,
            held.ledger,
            held.stopping,
            held.watching,
            self.setup.redactor,
            door.target,
            urgent=urgent,
            again=again,
        )
        return Import(parts)
