"""decommission: take back what a run has commissioned by mistake. Asks first: it can't be undone either."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from importer import wiring
from importer.cli.named import named_run
from importer.cli.options import Given, Limits
from importer.cli.run import FORGETFUL, Session, importing, must_be_of
from importer.cli.screen import tell
from importer.cli.setup import Setup
from importer.config.settings import Settings
from importer.errors import ConfigError, Exit
from importer.flow.undoing import Only, Preview, Undo, must_be_there, preview
from importer.gs1.scans import is_scan, read_scan
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import SANDBOX, Action, Reject, is_sandbox
from importer.readers.opening import open_source

_MOST_BATCHES = 12
_KINDS = ("file", "batch", "serial")


def decommission_run(
    setup: Setup, run_id: str, only: Sequence[str], given: Given, limits: Limits, *, sure: bool
) -> int:
    """Show what would be taken back, have it confirmed unless `sure`, and take it back in a run of its own.

    Raises ConfigError for a run of another target, for something in `only` that the run has not assigned, and where
    nothing can be asked.
    """
    with setup.ledger.view() as view:
        run = named_run(view, run_id)
        setup = replace(setup, settings=wiring.unchecked(setup.settings))
        undo = chosen(view, run, only, setup.settings, given.values())
        if setup.knobs is None and not is_sandbox(run.target):
            wiring.must_have_credentials(setup.settings)
        must_be_of(run, setup.settings.api.target if setup.knobs is None else SANDBOX)
        found = preview(view, undo, open_source, wiring.staging(setup.settings, None))
    if not found.serials:
        tell(setup.language.told("nothing_to_take_back", run=run.id, already=found.already), err=setup.as_json)
        return Exit.WRONG_ROWS if found.rejected else Exit.DONE
    _show(setup, run, found)
    if not sure and not _confirmed(setup, run, found):
        tell(setup.language.told("not_confirmed"), err=True)
        return Exit.USAGE

    async def work(session: Session) -> None:
        with session.ledger.view() as view:
            ours = must_be_of(view.run(run.id), session.target)
        agreed = Undo(ours, undo.only, undo.file, undo.options, None if sure else found.serials)
        await session.ends.of(run.id, session.imports.undo(agreed))

    return asyncio.run(importing(setup, limits, work, FORGETFUL))


def _must_have_commissioned(run: Run) -> None:
    if run.action is Action.DECOMMISSION:
        raise ConfigError("undo_of_undo", run=run.id, undoes=run.undoes)


def chosen(view: View, run: Run, texts: Sequence[str], settings: Settings, given: Mapping[str, Any]) -> Undo:
    """What `--only` chooses of what a run has assigned; nothing: all of it. Raises ConfigError."""
    _must_have_commissioned(run)
    values = [_kind_of(view, run, text) for text in texts]
    files = [value for kind, value in values if kind == "file"]
    if files and len(values) > 1:
        raise ConfigError("only_mixed", file=files[0])
    if files:
        return Undo(run, file=Path(files[0]), options=wiring.source_options(settings, given))
    named: dict[str, tuple[str, ...]] = {
        kind: tuple(value for one, value in values if one == kind) for kind in ("batch", "serial")
    }
    only = Only(named["batch"], named["serial"])
    must_be_there(view, run, only)
    return Undo(run, only)


def _kind_of(view: View, run: Run, text: str) -> tuple[str, str]:
    """What a value of --only names: a file, a batch, or a serial. Raises ConfigError where it may be several things."""
    kind, colon, value = text.partition(":")
    if colon and kind in _KINDS:
        return kind, value
    with suppress(OSError):
        if Path(text).is_file():
            return "file", text
    serial = _serial(text)
    batches = {batch.batch for batch in view.batches(run.num).values()}
    if text in batches and _is_there(view, run, serial):
        raise ConfigError("only_ambiguous", value=text)
    return ("batch", text) if text in batches else ("serial", serial)


def _serial(text: str) -> str:
    if not is_scan(text):
        return text
    scan = read_scan(text)
    if isinstance(scan, Reject):
        raise ConfigError(scan.code, scan.role, **scan.values)
    return scan.serial


def _is_there(view: View, run: Run, serial: str) -> bool:
    try:
        must_be_there(view, run, Only(serials=(serial,)))
    except ConfigError:
        return False
    return True


def _show(setup: Setup, run: Run, found: Preview) -> None:
    language, told = setup.language, setup.language.told
    lines = [told("undo_would", run=run.id, name=run.source_name, serials=language.counted("serial", found.serials))]
    lines.append(f"  {language.target(run.target)}")
    for batch, n in list(found.batches.items())[:_MOST_BATCHES]:
        lines.append(f"  {batch.gtin} {batch.batch} {batch.expiry}: {language.counted('serial', n)}")
    if len(found.batches) > _MOST_BATCHES:
        lines.append(f"  {told('and_more', n=len(found.batches) - _MOST_BATCHES)}")
    for key, n in (("undo_already", found.already), ("undo_left_out", found.rejected)):
        if n:
            lines.append(f"  {told(key, rows=language.counted('row', n))}")
    if not is_sandbox(run.target):
        lines.append(told("undo_for_good"))
    tell("\n".join(lines), err=True)


def _confirmed(setup: Setup, run: Run, found: Preview) -> bool:
    """A number that has to be typed on a live target, a yes in a sandbox."""
    if not sys.stdin.isatty():
        raise ConfigError("undo_unasked", run=run.id)
    told = setup.language.told
    live = not is_sandbox(run.target)
    tell(told("undo_type_number" if live else "undo_type_yes", n=str(found.serials)), err=True, nl=False)
    answer: Any = sys.stdin.readline().strip().casefold()
    return answer == str(found.serials) if live else answer in {"y", "yes", "j", "ja"}
