"""doctor: is all there that an import needs? A line for each thing that was looked at. It commissions nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from importer import wiring
from importer.api.judge import cleaned
from importer.api.session import Broken, Reply
from importer.api.tokens import token_in
from importer.cli.libraries import known_faults, versions
from importer.cli.output import show_document
from importer.cli.screen import tell
from importer.cli.setup import Setup
from importer.config.secret_paths import open_to_others
from importer.errors import ConfigError, Exit, ImporterError, worst
from importer.ledger.ports import Place
from importer.model import Message, RunState
from importer.readers.opening import holds

_LITTLE = 2_000_000_000
"""Bytes: a list of 10 million rows needs as much for its ledger, report and what is sorted beside them."""
_OFF = 60.0
"""Seconds that the clock may differ from the API's: a token's expiry is reckoned by it."""

State = Literal["right", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing. `code` is what a command that needs it would end with."""

    state: State
    message: Message
    code: int = Exit.DONE


def _right(code: str, **values: object) -> Finding:
    return Finding("right", Message(code, "", values))


def _look(code: str, **values: object) -> Finding:
    return Finding("look", Message(code, "", values))


def _wrong(exit_code: int, code: str, **values: object) -> Finding:
    return Finding("wrong", Message(code, "", values), exit_code)


def examine(setup: Setup) -> int:
    """Tell what was found; return the code that an import would end with, as far as that can be known beforehand."""
    findings = list(_findings(setup))
    if setup.as_json:
        lines = [
            {"state": one.state, "code": one.message.code, "message": setup.language.say(one.message)}
            for one in findings
        ]
        show_document({"findings": lines})
    else:
        for one in findings:
            tell(f"{setup.language.told(f'doctor_{one.state}'):<6} {setup.language.say(one.message)}")
    return worst([Exit.DONE, *(one.code for one in findings)])


def _findings(setup: Setup) -> Iterator[Finding]:
    settings = setup.settings
    yield _right("doctor_target", target=settings.api.target)
    try:
        wiring.must_have_credentials(settings)
    except ConfigError as error:
        yield Finding("wrong", error.message, error.exit_code)
    for setting, path, mode in open_to_others(settings):
        yield _look("secret_file_open", setting=setting, path=str(path), mode=mode)
    yield from _api(setup)
    for path in dict.fromkeys((settings.ledger.directory, settings.report.dir.absolute())):
        yield from _place(path)
    yield _ledger(wiring.ledger_of(settings))
    yield from _readers()
    yield Finding("right", versions())
    yield from (Finding("look", fault) for fault in known_faults())


def _api(setup: Setup) -> Iterator[Finding]:
    """One request to the token endpoint, with the key and secret if there are any."""
    api = setup.settings.api
    try:
        answer = asyncio.run(wiring.ask_for_token(setup.settings))
    except ImporterError as error:
        yield Finding("wrong", error.message, error.exit_code)
        return
    if isinstance(answer, Broken):
        reason = cleaned(answer.message, setup.redactor)
        yield _wrong(Exit.TRY_AGAIN, "doctor_unreachable", address=api.base_url, reason=reason)
        return
    yield _right("doctor_reached", address=api.base_url, seconds=answer.seconds)
    if api.token.get_secret_value():
        yield _look("doctor_token_static")
    elif api.key.get_secret_value() and token_in(answer.body):
        yield _right("doctor_token")
    elif api.key.get_secret_value():
        yield _wrong(Exit.STOPPED, "doctor_no_token", status=str(answer.status))
    yield from _clock(answer)


def _clock(answer: Reply) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (LookupError, ValueError):
        return
    off = abs(time.time() - there)
    yield _right("doctor_clock", seconds=off) if off < _OFF else _look("doctor_clock_off", seconds=off)


def _readers() -> Iterator[Finding]:
    """What keeps the process that reads a list to that list, tried by one."""
    try:
        held = holds()
    except ImporterError as error:
        yield Finding("wrong", error.message, error.exit_code)
        return
    if held.whole:
        yield _right("doctor_readers")
    for what in held.missing:
        yield _look("doctor_readers_may", case=what)


def _place(path: Path) -> Iterator[Finding]:
    """A directory, which need not be there yet, and the room on its disk."""
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield _wrong(Exit.USAGE, "doctor_no_right", path=str(there))
        return
    yield _right("doctor_right", path=str(path))
    free = shutil.disk_usage(there).free
    found = _right if free >= _LITTLE else _look
    yield found("doctor_disk" if free >= _LITTLE else "doctor_disk_low", path=str(there), free=free)


def _ledger(place: Place) -> Finding:
    if not place.exists():
        return _right("doctor_no_ledger", path=str(place))
    try:
        with closing(place.view()) as view:
            view.check()
            runs = view.runs()
    except ImporterError as error:
        return Finding("wrong", error.message, error.exit_code)
    stopped = sum(run.state != RunState.FINISHED for run in runs)
    if stopped:
        return _look("doctor_ledger_open", path=str(place), runs=len(runs), n=stopped)
    return _right("doctor_ledger", path=str(place), n=len(runs))
