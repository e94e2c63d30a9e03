"""check, run, resume, retry, decommission, runs: what the commands do, for programs. The ledger's lock is held for as
long as one that sends runs; an error is one of `importer.errors`, which has the exit code of the command.

A coroutine that is cancelled cuts off its requests in flight: their serials are in doubt, the ledger is true, and
`resume` goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from importer import wiring
from importer.cli import sandbox as boxes
from importer.cli.named import named_run
from importer.cli.run import FORGETFUL, must_be_of
from importer.cli.undo import chosen
from importer.concurrency import Stopping, in_thread
from importer.config import loading
from importer.config.settings import Settings
from importer.flow.importing import Finished, Import
from importer.flow.preview import ListFile, preview
from importer.flow.report import must_have_room
from importer.ledger.ports import Place
from importer.ledger.records import Run
from importer.library.progress import OnProgress, Telling
from importer.library.results import Checked, Result, RunLine
from importer.readers.limits import ReaderLimits, use
from importer.redaction import Redactor
from importer.results.totals import count
from importer.sources.files import file_facts


class Given(TypedDict, total=False):
    """How a list is to be read, as the options of the same names of the command."""

    gtin: str
    batch: str
    expiry: str
    sheet: str
    columns: Mapping[str, str]
    """Header to role: serial, gtin, batch or expiry."""
    fill_down: bool
    encoding: str
    accept: Sequence[str]


Config = str | Path | None
"""A configuration file; None: config.toml of the working directory, if it is there."""
Single = Mapping[str, Mapping[str, Any]]
"""Single settings by section and name, which win over file and environment: {"ledger": {"path": "pool.db"}}."""
Sandbox = bool | Sequence[str]
"""Whether a simulated API inside the process is meant, which forgets all in the end; or its knobs, as NAME=VALUE."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Which configuration, ledger and API are meant."""

    settings: Settings
    knobs: list[str] | None

    @classmethod
    def of(cls, config: Config, settings: Single | None, sandbox: Sandbox = False) -> _Door:
        """Raises ConfigError."""
        path = Path(config) if config is not None else None
        loaded = loading.load(path, os.environ, settings or {})
        use(ReaderLimits(**loaded.readers.model_dump()))
        return cls(loaded, None if sandbox is False else [] if sandbox is True else list(sandbox))

    @property
    def place(self) -> Place:
        return wiring.ledger_of(self.settings)

    async def result(self, work: Callable[[Import, str], Awaitable[Finished]], progress: OnProgress | None) -> Result:
        """Do some work under the ledger's lock. It is given the target, too."""
        async with self._opened(progress) as (imports, target):
            finished = await work(imports, target)
        return await in_thread(Result.of, self.place, finished.run, finished.directory)

    @asynccontextmanager
    async def _opened(self, progress: OnProgress | None) -> AsyncIterator[tuple[Import, str]]:
        async with boxes.inside(self.settings, self.knobs, FORGETFUL) as (settings, target):
            wiring.must_have_credentials(settings)
            must_have_room(settings.report.dir)
            redactor = Redactor(settings.secrets())
            with self.place.open() as ledger:
                parts = wiring.parts(settings, ledger, Stopping(), Telling(progress), redactor, target)
                yield Import(parts), target

    def named(self, run: str, target: str) -> Run:
        """Raises ConfigError for a run that is not there, or of another target."""
        with self.place.view() as view:
            return must_be_of(named_run(view, run), target)


async def check(
    path: str | Path, *, config: Config = None, settings: Single | None = None, **given: Unpack[Given]
) -> Checked:
    """Look at a list: what a run would do. Sends nothing, keeps nothing. Raises SourceError, ConfigError."""
    door = _Door.of(config, settings)
    options = wiring.source_options(door.settings, given)
    looking = wiring.looking(door.settings, door.settings.api.known_target)
    file, stopping = Path(path), Stopping()
    facts = await file_facts(file)
    identity = json.dumps(wiring.identity_of(options), sort_keys=True)
    listed = ListFile(file, file.name, facts.sha256, options, identity)
    return Checked(await in_thread(lambda: preview(listed, looking, stopping=stopping, progress=lambda _: None)))


async def run(
    path: str | Path,
    *,
    config: Config = None,
    settings: Single | None = None,
    sandbox: Sandbox = False,
    progress: OnProgress | None = None,
    **given: Unpack[Given],
) -> Result:
    """Stage, submit, report: import a list. One whose run stopped early goes on.

    Raises SourceError and ConfigError before anything is sent, LedgerBusy where another process holds the ledger,
    ApiError where the API stops the run: `resume` goes on then.
    """
    door = _Door.of(config, settings, sandbox)
    options = wiring.source_options(door.settings, given)
    identity = wiring.identity_of(options)
    return await door.result(lambda imports, _: imports.run(Path(path), options, identity), progress)


async def resume(
    run: str,
    *,
    config: Config = None,
    settings: Single | None = None,
    sandbox: Sandbox = False,
    progress: OnProgress | None = None,
) -> Result:
    """Go on with a run that stopped early: its id, the beginning or end of it, or "last"."""
    door = _Door.of(config, settings, sandbox)
    return await door.result(lambda imports, target: imports.submit(door.named(run, target)), progress)


async def retry(
    run: str,
    *,
    config: Config = None,
    settings: Single | None = None,
    sandbox: Sandbox = False,
    progress: OnProgress | None = None,
) -> Result:
    """The same run again, for its refused, unknown and unsent rows."""
    door = _Door.of(config, settings, sandbox)
    return await door.result(lambda imports, target: imports.retry(door.named(run, target)), progress)


async def decommission(
    run: str,
    *,
    expected: int,
    only: Sequence[str] = (),
    config: Config = None,
    settings: Single | None = None,
    sandbox: Sandbox = False,
    progress: OnProgress | None = None,
) -> Result:
    """Take back what a run has commissioned by mistake: it can't be undone. `expected` is the number of serials that
    this must be (-1: whatever it is): with any other one nothing is sent, and ConfigError is raised. `only`: a list, a
    batch or serials, as the option.
    """
    door = _Door.of(config, settings, sandbox)
    door = _Door(wiring.unchecked(door.settings), door.knobs)

    async def work(imports: Import, target: str) -> Finished:
        with door.place.view() as view:
            undo = chosen(view, must_be_of(named_run(view, run), target), only, door.settings, {})
        return await imports.undo(replace(undo, expected=None if expected < 0 else expected))

    return await door.result(work, progress)


def result(run: str, *, config: Config = None, settings: Single | None = None) -> Result:
    """What became of a run, also while it goes on."""
    door = _Door.of(config, settings)
    with door.place.view() as view:
        found = named_run(view, run)
    directory = door.settings.report.dir / found.id
    return Result.of(door.place, found, directory if directory.exists() else None)


def runs(*, config: Config = None, settings: Single | None = None) -> list[RunLine]:
    """All runs of the ledger, oldest first; none where there is no ledger yet."""
    place = _Door.of(config, settings).place
    if not place.exists():
        return []
    with place.view() as view:
        return [RunLine.of(run, count(view, run)) for run in view.runs()]
