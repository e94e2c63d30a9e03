"""watch: takes complete lists from an inbox directory, for cron or for ever. A list ends in `done/` or `failed/` of the
inbox, or stays there for the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from importer import wiring
from importer.cli.arrivals import Arrivals, Stamp, Waiting
from importer.cli.options import Given, Limits
from importer.cli.put_away import DONE, FAILED, PutAway
from importer.cli.run import Bounds, Ended, Session, bounded, under_lock
from importer.cli.setup import Setup
from importer.concurrency import in_thread, until
from importer.errors import BY_SIGNAL, Exit, LedgerBusy, SourceError, worst
from importer.flow.importing import Finished, Import
from importer.ledger.opening import viewed
from importer.ledger.records import Run
from importer.readers.opening import open_source
from importer.sources.last_line import cut_short
from importer.sources.options import SourceOptions

_SHOWN = 60
"""Characters of a line that are shown."""
_ROUND = 5.0
"""Seconds between two looks."""
_GOES_ON = frozenset({Exit.FAULT, Exit.STOPPED, Exit.TRY_AGAIN, *BY_SIGNAL})
"""What a run ends with that goes on later."""
_NOT_ITS_OWN = frozenset(
    {"column_named_missing", "encoding_unknown", "given_twice", "given_contradicts", "sheet_in_text", "sheet_missing"}
    | {"last_line_cut", "list_changed", "list_missing", "list_unreadable", "reader_killed", "reader_not_started"}
)
"""Faults of a flag, a setting, the system, or of a list that is not whole: it stays, and the next has its turn."""


class CutShort(SourceError):  # noqa: N818  what it is
    """A list whose last line is cut: its sender has not finished, or never will. It stays where it is."""

    exit_code = Exit.TRY_AGAIN


def watch_inbox(setup: Setup, inbox: Path, given: Given, limits: Limits, *, once: bool) -> int:
    """Take the lists of an inbox, oldest first. For ever, unless `once`. Raises SourceError for what is no inbox."""
    if not inbox.is_dir():
        raise SourceError("inbox_missing", path=str(inbox))
    options = wiring.source_options(setup.settings, given.values())
    return asyncio.run(_Watch(setup, inbox, options, limits, once=once).go())


class _Watch:
    def __init__(self, setup: Setup, inbox: Path, options: SourceOptions, limits: Limits, *, once: bool) -> None:
        how = setup.settings.watch
        self._setup = setup
        self._options = options
        self._limits = limits
        self._once = once
        self._arrivals = Arrivals(inbox, how.complete, how.quiet_seconds)
        self._put_away = PutAway(inbox, self._imported)
        self._told = dict[Path, str]()
        self._held = dict[Path, Stamp]()
        """Lists that were left as they are, and how they were then: they are looked at again once they change."""
        self._log = structlog.get_logger()

    async def go(self) -> int:
        code: int = Exit.DONE
        async with bounded(self._setup, self._limits) as bounds:
            while not bounds.stopping():
                for path in self._put_away.take_back():
                    self._log.warning("grew", source=str(path), message=self._setup.language.told("grew"))
                lists = await self._complete(bounds)
                if lists:
                    code = worst([code, await self._round(bounds, lists)])
                if self._once:
                    break
                await _asleep(bounds, min(_ROUND, self._arrivals.look_again_in or _ROUND))
            if bounds.stopping.exit_code in BY_SIGNAL:
                code = worst([code, bounds.stopping.exit_code])
        return code

    async def _complete(self, bounds: Bounds) -> list[Path]:
        """The lists whose turn it is. With `once`, a second look follows where it may find more."""
        try:
            found = self._arrivals.look()
        except OSError as error:
            self._log.warning("inbox away", message=self._setup.language.told("inbox_away", reason=error.strerror))
            return []
        if self._once and self._arrivals.look_again_in is not None:
            await _asleep(bounds, self._arrivals.look_again_in)
            found = self._arrivals.look()
        self._tell(self._arrivals.waiting)
        self._held = {path: stamp for path, stamp in self._held.items() if Stamp.of(path) == stamp}
        return [path for path in found if path not in self._held]

    def _tell(self, waiting: Sequence[Waiting]) -> None:
        """Say of each list once why it is not taken."""
        said = self._setup.language.label
        told = {one.path: said("waits", one.why, by=str(one.by), name=one.path.name) for one in waiting}
        for path, why in told.items():
            if self._told.get(path) != why:
                self._log.info("waits", source=str(path), message=why)
        self._told = told

    async def _round(self, bounds: Bounds, lists: Sequence[Path]) -> int:
        async def work(session: Session) -> None:
            for path in lists:
                if session.stopping():
                    session.ends.left_out()
                    break
                if path.exists() and not await self._take(session, path):
                    break

        try:
            return await under_lock(self._setup, bounds, work, urgent=self._limits.priority)
        except LedgerBusy as busy:
            if self._once:
                raise
            self._log.warning("ledger busy", message=str(busy))
            return Exit.DONE

    async def _take(self, session: Session, path: Path) -> bool:
        """Import a list and put it away; False where the next one would fare no better."""
        before = Stamp.of(path)
        ended = await session.ends.of(str(path), self._import(session.imports, path))
        if Stamp.of(path) != before:
            return True  # it grew, or has gone: the next look tells
        if isinstance(ended.fault, SourceError) and ended.fault.message.code in _NOT_ITS_OWN and before:
            self._held[path] = before
            return True
        place = _place(ended)
        if place:
            self._put_away.put(path, place)
        return place is not None

    async def _import(self, imports: Import, path: Path) -> Finished:
        await in_thread(self._must_be_whole, path)
        return await imports.run(path, self._options, wiring.identity_of(self._options))

    def _must_be_whole(self, path: Path) -> None:
        reading = open_source(path, self._options).reading
        cut = cut_short(path, reading.encoding, reading.delimiter) if reading.format == "csv" else None
        if cut:
            line = cut.line[:_SHOWN]
            raise CutShort("last_line_cut", path=str(path), fields=cut.fields, expected=cut.expected, line=line)

    def _imported(self) -> Sequence[Run]:
        with viewed(wiring.ledger_of(self._setup.settings)) as view:
            return view.runs() if view else ()


def _place(ended: Ended) -> str | None:
    """Where a list belongs after its run: None where it stays, since the fault is not its own."""
    if isinstance(ended.fault, SourceError):
        return FAILED
    if ended.fault or ended.code in _GOES_ON:
        return None
    return DONE


async def _asleep(bounds: Bounds, seconds: float) -> None:
    """Sleep, unless the command is to stop."""
    await until(bounds.stopping.heard)(seconds)
