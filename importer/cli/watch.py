"""watch: takes files from an inbox directory, for cron or for ever. A file ends in `done/` or `failed/` of the inbox,
or stays there for the next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from importer import wiring
from importer.cli.options import Given
from importer.cli.run import Ends, Limits, importing
from importer.cli.setup import Setup
from importer.concurrency import Stopping
from importer.errors import BY_SIGNAL, Exit, LedgerBusy, SourceError, worst
from importer.flow.importing import Import
from importer.ledger.ledger import Ledger

_TAKEN = frozenset({".csv", ".txt", ".tsv", ".gz", ".zip", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
_QUIET = 2.0
"""Seconds that a file must have been left alone: one that is still being copied is not taken."""
_ROUND = 5.0
_GOES_ON = frozenset({Exit.FAULT, Exit.STOPPED, Exit.TRY_AGAIN})
_UNREADABLE = SourceError.exit_code


def watch_inbox(setup: Setup, inbox: Path, given: Given, limits: Limits, box: list[str] | None, *, once: bool) -> int:
    """Take the files of an inbox, oldest first. For ever, unless `once`. Raises SourceError where there is no inbox."""
    if not inbox.is_dir():
        raise SourceError(f"{inbox} is no directory: name the inbox whose files are to be imported")
    while True:
        code = _round(setup, ready(inbox, time.time()), given, limits, box, once=once)
        if once or code in BY_SIGNAL:
            return code
        time.sleep(_ROUND)


def ready(inbox: Path, now: float) -> list[Path]:
    """The lists in an inbox that are complete, oldest first. Hidden files and those of unknown kinds are let be."""
    found = [
        (path.stat().st_mtime, path)
        for path in inbox.iterdir()
        if path.is_file() and path.suffix.lower() in _TAKEN and not path.name.startswith((".", "~"))
    ]
    return [path for changed, path in sorted(found) if now - changed >= _QUIET]


def _round(
    setup: Setup, files: Sequence[Path], given: Given, limits: Limits, box: list[str] | None, *, once: bool
) -> int:
    if not files:
        return 0
    options = wiring.source_options(setup.settings, given.values())

    async def work(ends: Ends, imports: Import, ledger: Ledger, target: str, stopping: Stopping) -> None:
        _ = ledger, target
        for file in files:
            code = await ends.of(str(file), imports.run(file, options, wiring.identity_of(options)))
            if stopping() or code in _GOES_ON:
                break
            _put_away(file, "failed" if code == _UNREADABLE else "done")

    try:
        return asyncio.run(importing(setup, limits, box, work))
    except LedgerBusy as busy:
        if once:
            raise
        structlog.get_logger().warning("ledger busy", message=str(busy))
        return worst([busy.exit_code])


def _put_away(file: Path, name: str) -> None:
    """Move a file that has been dealt with; one of the same name that is there already is kept beside it."""
    directory = file.parent / name
    directory.mkdir(exist_ok=True)
    place, number = directory / file.name, 1
    while place.exists():
        number += 1
        place = directory / f"{file.stem}-{number}{file.suffix}"
    file.rename(place)
