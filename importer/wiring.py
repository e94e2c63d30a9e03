"""The only place that knows the configuration and puts the parts together."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from importer.api import retry
from importer.api.client import Client
from importer.api.gate import Gate, Paced
from importer.api.handing import Right
from importer.api.health import TOKEN, Health
from importer.api.pace import Pace
from importer.api.retry import Retrying
from importer.api.session import Broken, Reply, Session
from importer.api.tokens import Credentials, DynamicTokens, StaticTokens, TokenEndpoint, Tokens
from importer.api.turnstile import OwnTurnstile, Turnstile, shared_by
from importer.concurrency import HasRight, Stopping, always, until
from importer.config.secret_paths import open_to_others
from importer.config.settings import Input, Settings
from importer.errors import ConfigError
from importer.events import Actor, this_process
from importer.flow.holding import by_itself
from importer.flow.importing import Connect, MaySend, Parts, Watcher
from importer.flow.preview import Looking
from importer.flow.serving import Serving
from importer.flow.verify import Inputs
from importer.gs1.suspect import Suspect
from importer.ledger import opening
from importer.ledger.opening import place_of
from importer.ledger.ports import Channel, Jobs, Ledger, Place
from importer.ledger.records import Run
from importer.model import Commissioner, Outcome, Parsed, Reject, is_sandbox
from importer.readers.opening import open_source
from importer.redaction import Redactor
from importer.sending.submit import Submitting
from importer.sources.options import SourceOptions
from importer.staging.checks import CheckSettings, parsers
from importer.staging.stage import Staging
from importer.version import VERSION
from importer.words.language import language


def new_run_id() -> str:
    """Sorts by time, is safe in a file name: 20261122T071500Z-7f3a9c."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def source_options(settings: Settings, given: Mapping[str, Any]) -> SourceOptions:
    """How to read a list: the configuration, and what the command line says (None: nothing).

    Raises ConfigError for a GTIN, batch or expiry that no row could have.
    """
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    options["accept"] = _accepted({*settings.input.accept, *options.get("accept", ())})
    for name, found in _parsed(settings, options).items():
        if isinstance(found, Reject):
            raise ConfigError("given_wrong", option=name, reason=found.part())
    columns = {**settings.input.columns, **options.pop("columns", {})}
    return SourceOptions(columns=columns, date_order=settings.input.date_order, **options)


def _parsed(settings: Settings, options: Mapping[str, Any]) -> dict[str, Parsed | Reject]:
    """The values that are given once for all rows, by the rules for every row."""
    today = datetime.now().astimezone().date()
    by_role = parsers(check_settings(settings).accepting(options["accept"]), today)
    return {role: parse(options[role]) for role, parse in by_role.items() if role in options}


def _accepted(codes: Collection[str]) -> tuple[str, ...]:
    """Codes of suspect values that are right in a list, in an order of their own: they tell one import from another."""
    known = [code.value for code in Suspect]
    for code in sorted(codes):
        if code not in known:
            raise ConfigError("accept_unknown", found=code, known=known)
    return tuple(sorted(map(str, codes)))


def identity_of(options: SourceOptions) -> dict[str, Any]:
    """What of the options tells one import of a file from another; kept with the run."""
    given = {one.name: getattr(options, one.name) for one in fields(options)}
    return {name: value for name, value in given.items() if value}


def check_settings(settings: Settings) -> CheckSettings:
    wanted = settings.input
    return CheckSettings(wanted.gtin_check_digit, wanted.expired, wanted.date_order, wanted.day_00)


def unchecked(settings: Settings) -> Settings:
    """For rows that are compared with what a run has assigned: they were checked when it read them."""
    own = settings.input.model_copy(update={"gtin_check_digit": "off", "expired": "off", "accept": tuple(Suspect)})
    return settings.model_copy(update={"input": own})


def staging(settings: Settings, spill: Path | None) -> Staging:
    today = datetime.now().astimezone().date()
    return Staging(check_settings(settings), today, settings.limits.chunk_size, spill)


def verify_inputs(settings: Settings, run: Run) -> Inputs:
    """What a run is verified with: its own settings of checks and its own day, not those of now."""
    options = SourceOptions(**run.options)
    its_own = settings.model_copy(update={"input": Input.model_validate(run.settings["input"])})
    staged_on = date.fromisoformat(run.reading["today"])
    return Inputs(
        directory=settings.report.dir / run.id,
        reopen=lambda path: open_source(path, options),
        staging=replace(staging(its_own, None), today=staged_on).accepting(options.accept),
        language=language(run.settings["report"]["language"]),
    )


def ledger_of(settings: Settings) -> Place:
    """Where the ledger of a configuration is kept."""
    return place_of(settings.ledger.path, settings.ledger.url)


def looking(settings: Settings, target: str, spill_in: Path | None = None) -> Looking:
    """What a list is looked at with, before anything of it is imported."""
    return Looking(open_source, staging(settings, None), ledger_of(settings), target, spill_in)


def parts(
    settings: Settings,
    ledger: Ledger,
    stopping: Stopping,
    watcher: Watcher,
    redactor: Redactor,
    target: str = "",
    *,
    urgent: bool = False,
    again: str = "",
    actor: Actor | None = None,
    right: Right | None = None,
) -> Parts:
    """Everything that an import needs. `again`: options that commands for later need to get to the same ledger and
    configuration. `actor`: who asks for it, if that is not who runs the process. Raises ConfigError where credentials
    are missing. `right`: see `connect`.
    """
    must_have_credentials(settings)
    actor = actor or this_process()
    around: Callable[[Commissioner], Commissioner] = _unmeasured
    ended: Callable[[Run, int, Mapping[Outcome, int]], None] = _untold
    if is_measured(settings, actor.door):
        from importer.telemetry.exposing import Measuring  # noqa: PLC0415  100 ms that others do without

        measuring = Measuring(settings)
        watcher, around, ended = measuring.watching(watcher), measuring.request, measuring.ended
    connected = partial(connect, settings, stopping, watcher, redactor, around, alone=is_sandbox(target), urgent=urgent)
    return Parts(
        ledger=ledger,
        ended=ended,
        open_source=open_source,
        connect=connected(right=right),
        **_may_send(settings, connected, right),
        staging=staging(settings, settings.ledger.directory),
        submitting=Submitting(
            settings.limits.max_in_flight,
            settings.unknown.policy,
            settings.unknown.exists_means,
            settings.limits.max_failure_percent,
        ),
        report_dir=settings.report.dir,
        formats=settings.report.formats,
        language=language(settings.report.language),
        stopping=stopping,
        watcher=watcher,
        new_run_id=new_run_id,
        again=again,
        facts={
            "settings": settings.public(),
            "target": target or settings.api.target,
            "version": VERSION,
        },
        actor=actor,
        released_only=needs_release(settings, target) and actor.door != "page",
    )


def _may_send(settings: Settings, connected: Callable[..., Connect], right: Right | None) -> dict[str, MaySend]:
    """How a run gets the right to be sent: with a ledger that several hosts share, unless it has one."""
    if right or not settings.ledger.url:
        return {}

    def made(right: Right) -> Connect:
        return connected(right=right)

    return {"may_send": by_itself(channel_of(settings), made, settings.api.timeout_seconds)}


def is_measured(settings: Settings, door: str = "") -> bool:
    """Whether metrics or spans of imports are wanted. Those of the page are: it shows them under /metrics."""
    wanted = settings.metrics
    return bool(wanted.textfile or wanted.port or wanted.traces) or door == "page"


def _unmeasured(client: Commissioner) -> Commissioner:
    return client


def _untold(*_: object) -> None:
    """Nobody asks for metrics."""


def channel_of(settings: Settings) -> Channel:
    """The runs that wait for the channel of a configuration. Raises ConfigError where its ledger is one process's."""
    return opening.channel_of(settings.ledger.url, settings.api.channel, settings.worker.lease_seconds)


def jobs_of(settings: Settings) -> Jobs:
    """What hands the work of that channel to workers; raises as `channel_of`."""
    return opening.jobs_of(settings.ledger.url, settings.api.channel)


def serving(
    settings: Settings,
    stopping: Stopping,
    watcher: Watcher,
    redactor: Redactor,
    again: str = "",
    is_open: HasRight = always,
) -> Serving:
    """How the channel of a configuration is served. Raises ConfigError."""
    must_have_credentials(settings)
    worker = settings.worker

    def made(ledger: Ledger, turn: Stopping, right: Right) -> Parts:
        return parts(settings, ledger, turn, watcher, redactor, again=again, right=right)

    return Serving(
        channel=channel_of(settings),
        place=ledger_of(settings),
        parts=made,
        turn_seconds=worker.turn_seconds,
        retry_seconds=worker.retry_seconds,
        request_seconds=settings.api.timeout_seconds,
        stopping=stopping,
        is_open=is_open,
    )


def needs_release(settings: Settings, target: str) -> bool:
    """Whether a list goes nowhere unless a second person releases it on the page."""
    return settings.web.four_eyes and not is_sandbox(target)


def must_have_credentials(settings: Settings) -> None:
    api = settings.api
    key = bool(api.channel_key.get_secret_value())
    token = bool(api.token.get_secret_value() or api.key.get_secret_value())
    missing = "" if key and token else "token" if key else "channel_key" if token else "both"
    if missing:
        raise ConfigError("credentials_missing", case=missing, address=api.base_url)


def warn_of_open_files(settings: Settings) -> None:
    """Log which files of secrets other users of the machine can read or change."""
    for setting, path, mode in open_to_others(settings):
        structlog.get_logger().warning(
            "secret_file_open", setting=setting, path=str(path), mode=mode, advice="chmod 600"
        )


def connect(
    settings: Settings,
    stopping: Stopping,
    watcher: Watcher,
    redactor: Redactor,
    around: Callable[[Commissioner], Commissioner] = _unmeasured,
    *,
    alone: bool = False,
    urgent: bool = False,
    right: Right | None = None,
) -> Connect:
    """How a connection to the API is opened: all runs of the process share its pace, and unless it is `alone` with its
    API, all processes of this host that use the same quota do; of them the urgent ones come first. `around` measures
    each request. `right`: what a ledger that several hosts share says of who may send; None: this one alone.
    """
    api, limits = settings.api, settings.limits
    redactor.learn(*settings.secrets())
    pace = Pace(limits.requests_per_second)

    @asynccontextmanager
    async def opened(record: Callable[[Commissioner], Commissioner], known: bool) -> AsyncIterator[Commissioner]:
        async with AsyncExitStack() as stack:
            gate = Gate(
                pace,
                _health(settings, known=known),
                patience=_patience(settings),
                turnstile=None if alone else stack.enter_context(_turnstile(settings)),
                yields=not alone and not urgent,
                say=watcher.waiting,
                sleep=until(stopping.heard),
                stopping=stopping,
                may_begin=right.may_begin if right else always,
                on_hold=right.on_hold if right else lambda: None,
            )
            if right:
                stack.enter_context(right.handed_on.through(gate))
            session = await stack.enter_async_context(_session(settings, gate))
            tokens = _tokens(settings, session, redactor, gate)
            client = Client(
                session,
                api.address,
                channel_key=api.channel_key.get_secret_value(),
                tokens=tokens,
                take_back_url=api.decommission_address,
                decommissioned=api.decommissioned_status,
                redact=redactor,
            )
            yield Retrying(
                Paced(record(around(client)), gate),
                tokens,
                gate,
                max_attempts=limits.max_attempts,
                policy=settings.unknown.policy,
                delay=_delay(settings),
                stopping=stopping,
            )

    return opened


async def ask_for_token(settings: Settings) -> Reply | Broken:
    """One request to the token endpoint, within the quota: with key and secret if there are any, else without."""
    api = settings.api
    async with AsyncExitStack() as stack:
        turnstile = stack.enter_context(_turnstile(settings))
        pace = Pace(settings.limits.requests_per_second)
        gate = Gate(pace, _health(settings), patience=_patience(settings), turnstile=turnstile)
        session = await stack.enter_async_context(_session(settings, gate))
        await gate.set_out(TOKEN)
        asked = {"api_key": api.key.get_secret_value(), "api_secret": api.secret.get_secret_value()}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return await session.post(api.base_url + api.auth_path, json.dumps(asked).encode(), headers, asker=TOKEN)


def _patience(settings: Settings) -> float:
    return settings.limits.patience_minutes * 60


def _health(settings: Settings, *, known: bool = False) -> Health:
    return Health(
        patience=_patience(settings),
        attempts=settings.limits.max_attempts,
        delay=_delay(settings),
        replays=settings.unknown.policy == "replay",
        known=known,
    )


def _session(settings: Settings, gate: Gate) -> Session:
    return Session(
        timeout_seconds=settings.api.timeout_seconds,
        max_in_flight=settings.limits.max_in_flight,
        ca_file=settings.api.ca_file,
        proxy=settings.api.proxy.get_secret_value() or None,
        leave=gate.leave,
    )


def _delay(settings: Settings) -> Callable[[int], float]:
    base = settings.limits.backoff_seconds
    dice = random.Random().random  # noqa: S311  jitter needs no secrecy
    return partial(retry.delay, dice=dice, base=base, cap=base * retry.CAP_SPANS)


def _tokens(settings: Settings, session: Session, redactor: Redactor, gate: Gate) -> Tokens:
    """A static token where there is one, else dynamic ones, whose requests pass the gate like all others."""
    api = settings.api
    if api.token.get_secret_value():
        return StaticTokens(api.token.get_secret_value())
    endpoint = TokenEndpoint(
        session,
        api.base_url + api.auth_path,
        Credentials(api.key.get_secret_value(), api.secret.get_secret_value()),
        gate,
        delay=_delay(settings),
        redact=redactor,
    )
    return DynamicTokens(endpoint, learn=redactor.learn)


def _turnstile(settings: Settings) -> AbstractContextManager[Turnstile]:
    """Shared by all who use the same quota: that of a channel at an address. Where no file can be shared, the log says
    so.
    """
    api, directory = settings.api, settings.limits.quota_dir
    try:
        return shared_by(api.origin, api.channel_key.get_secret_value(), directory=directory)
    except OSError as error:
        structlog.get_logger().warning(
            "quota_not_shared", reason=str(error), setting="limits.quota_dir", effect="other imports are not counted"
        )
        return nullcontext(OwnTurnstile(time.monotonic()))
