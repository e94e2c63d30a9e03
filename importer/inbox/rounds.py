"""One pass through an inbox: takes what is complete, imports it, and brings each list to its end. One bad list never
holds up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from importer.concurrency import Stopped, in_thread
from importer.errors import BY_SIGNAL, ApiError, ConfigError, Exit, ImporterError, LedgerError, SourceError, Unavailable
from importer.flow.importing import Finished
from importer.inbox.arrivals import LISTS, Stamp
from importer.inbox.claims import DONE, FAILED, PROBLEMS, Claim
from importer.inbox.clock import Clock
from importer.inbox.doors import Door, Session
from importer.inbox.handled import Handled
from importer.inbox.known import Known, grown
from importer.ledger.records import Run
from importer.model import Message
from importer.readers.opening import open_source
from importer.sources.files import file_facts
from importer.sources.last_line import cut_short
from importer.words.language import Language

_SHOWN = 60
"""Characters of a line that are shown."""
_FIRST_WAIT, _LONGEST_WAIT = 60.0, 3600.0
"""Seconds until a list whose run stopped by itself goes on: doubling."""
_REPORT = ".report.txt"
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


@dataclass(slots=True)
class Inbox:
    """Looks at its doors again and again. `tell` gets what became of each list before it is moved to its end, so that
    it is kept by then; the same again after a kill.
    """

    doors: Sequence[Door]
    language: Language
    tell: Callable[[Handled], None]
    runs: Callable[[], Sequence[Run]]
    """All of the ledger, oldest first."""
    clock: Clock = field(default_factory=Clock)
    codes: list[int] = field(default_factory=list)
    """What the lists of this pass ended with."""
    _said: dict[Path, str] = field(default_factory=dict)
    _held: dict[Path, Stamp] = field(default_factory=dict)
    """Lists that were left in the inbox, and how they were then: they are looked at again once they change."""
    _later: dict[Path, tuple[float, float]] = field(default_factory=dict)
    """Rooms of lists that stay: not before when, and after how long then."""
    _staged: set[Path] = field(default_factory=set)
    _api_is_away: bool = False
    _log: Any = field(default_factory=structlog.get_logger)

    def look(self, *, sending: bool) -> bool:
        """Whether there is something to do; without `sending`, only what can be staged is."""
        found = False
        if sending:
            self._staged.clear()
        for door in self.doors:
            try:
                for place in grown(door.box.directory, self.runs):
                    self._warn("grew", place)
                arrived = door.arrivals.look()
                self._say_why_not(door)
                found = any(path not in self._held for path in arrived) or found
                found = any(self._is_due(room) for room in door.box.rooms()) or found
            except OSError as error:
                self._warn("inbox_away", door.box.directory, reason=error.strerror or str(error))
        self._held = {path: stamp for path, stamp in self._held.items() if Stamp.of(path) == stamp}
        return found

    def has_more(self) -> bool:
        """Whether something was left that has its turn later."""
        arrived = (path for door in self.doors for path in door.arrivals.complete_ones if path not in self._held)
        return any(map(Path.exists, arrived)) or any(any(door.box.rooms()) for door in self.doors)

    @property
    def look_again_in(self) -> float | None:
        """Seconds after which another look may find more; None: nothing is about to be complete."""
        waits = [wait for door in self.doors if (wait := door.arrivals.look_again_in) is not None]
        return max(waits, default=None)

    async def go_through(self, session: Session, *, sending: bool) -> None:
        """Take all that is complete; without `sending` lists are only staged."""
        self._later = {room: when for room, when in self._later.items() if room.exists()}
        self._api_is_away = False
        for door in self.doors:
            for claim in self._claims(door, session):
                try:
                    if not await self._go_on(session, door, claim, sending=sending):
                        break
                finally:
                    claim.let_go()
                if session.stopping():
                    return
            if session.stopping() or self._api_is_away:
                return

    def _claims(self, door: Door, session: Session) -> Iterator[Claim]:
        """Those that were left half-way first, then what has arrived."""
        for claim in door.box.left_behind():
            if claim.room in self._staged or not self._is_due(claim.room):
                claim.let_go()
                continue
            yield claim
        for path, ledger in door.box.foreign.items():
            self._warn("claimed_elsewhere", path, ledger=ledger)
        for path in door.arrivals.complete_ones:
            if session.stopping():
                return
            if path not in self._held and self._is_whole_list(door, path):
                with self._minding(path):
                    taken = door.box.claim(path)
                    if taken:
                        yield taken

    @contextmanager
    def _minding(self, path: Path) -> Iterator[None]:
        """What the file system refuses for one list is said, and the next has its turn."""
        try:
            yield
        except OSError as error:
            self.codes.append(Exit.TRY_AGAIN if path.is_dir() else Exit.USAGE)
            self._warn("list_stuck", path, reason=error.strerror or str(error))

    def _is_whole_list(self, door: Door, path: Path) -> bool:
        """Whether it can be taken; else it stays, and is looked at again once it changes."""
        stamp = Stamp.of(path)
        try:
            reading = open_source(path, door.options).reading
            cut = cut_short(path, reading.encoding, reading.delimiter) if reading.format == "csv" else None
            if cut:
                line = cut.line[:_SHOWN]
                raise CutShort("last_line_cut", path=str(path), fields=cut.fields, expected=cut.expected, line=line)
        except SourceError as error:
            its_own = error.message.code not in _NOT_ITS_OWN
            if its_own and path.suffix.lower() in LISTS:
                return True  # its end is in `failed`
            if stamp:
                self._held[path] = stamp
            if its_own:
                self._say(path, "skipped", "kind", reason=error.message.part())
            else:
                self._held_back(door, path, error)
            return False
        except OSError:
            return False  # it has gone: the next look tells
        return True

    def _held_back(self, door: Door, path: Path, error: ImporterError) -> None:
        self.codes.append(error.exit_code)
        stamp = Stamp.of(path)
        key = f"held {path} {stamp.changed_ns if stamp else 0} {error.message.code}"
        self._told(Handled(key, door.shown(path), door.profile, error.exit_code, message=error.message), path)

    async def _go_on(self, session: Session, door: Door, claim: Claim, *, sending: bool) -> bool:
        """Import a list and bring it to its end; False where the next of this door would fare no better."""
        before = Stamp.of(claim.path)
        with bound_contextvars(file=str(door.box.directory / claim.name), run=None), self._minding(claim.path):
            try:
                if sending:
                    await self._import(session, door, claim, before)
                else:
                    await self._stage(session, door, claim)
            except Stopped:
                return False
            except SourceError as error:
                await in_thread(self._wrong_list, door, claim, error)
            except ImporterError as error:
                return self._stays(door, claim, error.exit_code, error.message, fault=error, runs=self.runs())
            except Exception as error:  # noqa: BLE001  a fault of ours holds up no other list
                self._log.exception("internal fault")
                message = Message("internal_fault_with", "", {"reason": f"{type(error).__name__}: {error}"})
                self._stays(door, claim, Exit.FAULT, message, runs=self.runs())
        return True

    async def _stage(self, session: Session, door: Door, claim: Claim) -> None:
        known = Known.of(await file_facts(claim.path), door.identity, door.target, door.checks, self.runs())
        self._staged.add(claim.room)
        if known.finished:
            return  # it is said, and put away, when its turn comes
        run = await session.imports(door).staged(claim.path, door.options, door.identity)
        said = await in_thread(session.estimate, run)
        self._log.info("staged", run=run.id, rows=run.rows, message=said or None)

    async def _import(self, session: Session, door: Door, claim: Claim, before: Stamp | None) -> None:
        imports = session.imports(door)
        known = Known.of(await file_facts(claim.path), door.identity, door.target, door.checks, self.runs())
        of_this = known.finished_from(claim.path)
        if known.finished and not of_this:
            await in_thread(self._seen_before, door, claim, known.finished)
            return
        work = imports.submit(of_this) if of_this else imports.run(claim.path, door.options, door.identity)
        finished = await work
        await in_thread(self._ended, door, claim, finished, before)

    def _ended(self, door: Door, claim: Claim, finished: Finished, before: Stamp | None) -> None:
        facts = finished.facts
        code = facts.exit_code
        if code in _GOES_ON:
            why = Message.of(finished.run.stopped_by) if finished.run.stopped_by else None
            self._stays(door, claim, code, why, finished=finished)
            return
        end = DONE if code == Exit.DONE else PROBLEMS
        grew = Stamp.of(claim.path) != before
        handled = self._of_run(door, claim, finished, end="" if grew else end)
        self.codes.append(code)
        self._told(handled, door.box.directory / claim.name)
        if grew:
            self._warn("grew", door.box.give_back(claim))
        else:
            door.box.end(claim, end, facts.run, finished.directory, {})

    def _of_run(self, door: Door, claim: Claim, finished: Finished, *, end: str, why: Message | None = None) -> Handled:
        facts = finished.facts
        return Handled(
            key=f"{claim.room.name} {facts.run} {facts.exit_code}",
            file=door.shown(Path(claim.name)),
            profile=door.profile,
            exit_code=facts.exit_code,
            end=end,
            run=facts.run,
            rows=facts.source.rows,
            outcomes=facts.outcomes,
            message=why,
            report=door.box.directory / end / facts.run if end else finished.directory,
            next_command=facts.next_command,
        )

    def _seen_before(self, door: Door, claim: Claim, run: Run) -> None:
        """Nothing is sent again of a list that was imported before as it is: it joins the run that it repeats."""
        end = DONE if run.exit_code == Exit.DONE else PROBLEMS
        place = door.box.directory / end / run.id
        message = Message("list_seen_before", "", {"run": run.id, "at": run.ended_at or run.started_at})
        name = door.shown(Path(claim.name))
        self._told(
            Handled(claim.room.name, name, door.profile, Exit.DONE, end, run.id, message=message, report=place),
            door.box.directory / claim.name,
        )
        self.codes.append(Exit.DONE)
        report = door.report_dir / run.id
        door.box.end(claim, end, run.id, report if not place.exists() else None, {})

    def _wrong_list(self, door: Door, claim: Claim, error: SourceError) -> None:
        self.codes.append(error.exit_code)
        if error.message.code in _NOT_ITS_OWN:
            place = door.box.give_back(claim)
            stamp = Stamp.of(place)
            if stamp and error.message.code != "list_changed":
                self._held[place] = stamp
            self._held_back(door, place, error)
            return
        code, message = error.exit_code, error.message
        report = door.box.directory / FAILED
        name = door.shown(Path(claim.name))
        handled = Handled(claim.room.name, name, door.profile, code, FAILED, message=message, report=report)
        self._told(handled, door.box.directory / claim.name)
        text = f"{claim.name}\n{self.language.sentence(message)}\n{self.language.tip(message)}\n"
        door.box.end(claim, FAILED, "", None, {_REPORT: text})

    def _stays(
        self,
        door: Door,
        claim: Claim,
        code: int,
        why: Message | None,
        *,
        fault: ImporterError | None = None,
        finished: Finished | None = None,
        runs: Sequence[Run] = (),
    ) -> bool:
        """A run that stopped early goes on later; False where the next list would fare no better."""
        self.codes.append(code)
        if code not in BY_SIGNAL:
            wait = min(self._later.get(claim.room, (0.0, _FIRST_WAIT / 2))[1] * 2, _LONGEST_WAIT)
            self._later[claim.room] = self.clock.steady() + wait, wait
        if finished:
            handled = self._of_run(door, claim, finished, end="", why=why)
        else:
            key = f"{claim.room.name} {why.code if why else code}"
            run = next((run for run in reversed(runs) if run.source_path == str(claim.path.absolute())), None)
            report = door.report_dir / run.id if run else None
            name = door.shown(Path(claim.name))
            handled = Handled(key, name, door.profile, code, run=run.id if run else "", message=why, report=report)
        self._told(handled, door.box.directory / claim.name)
        self._api_is_away = isinstance(fault, Unavailable)
        return not isinstance(fault, ApiError | ConfigError | LedgerError)

    def _told(self, handled: Handled, path: Path) -> None:
        """Log what became of a list, and have it kept for who is to be told."""
        say = self._log.info if handled.exit_code == Exit.DONE else self._log.warning
        message = self.language.part(handled.message.part()) if handled.message else None
        facts: dict[str, Any] = {"exit_code": handled.exit_code, **handled.outcomes}
        correct = self.language.label("notify", "correct") if handled.exit_code == Exit.WRONG_ROWS else None
        facts |= {"end": handled.end or None, "message": message, "next": handled.next_command or correct}
        report = str(handled.report) if handled.report else None
        event = "run" if handled.outcomes else "seen" if handled.exit_code == Exit.DONE else "failed"
        if not handled.end and handled.exit_code in _GOES_ON and not handled.outcomes:
            event = "stays"
        say(event, file=str(path), run=handled.run or None, report=report, **facts)
        self.tell(handled)

    def _is_due(self, room: Path) -> bool:
        return room not in self._staged and self._later.get(room, (0.0, 0.0))[0] <= self.clock.steady()

    def _say_why_not(self, door: Door) -> None:
        """Say of each file once why it is not taken."""
        for waits in door.arrivals.waiting:
            self._say(waits.path, "waits", waits.why, by=str(waits.by), name=waits.path.name)
        for skipped in door.arrivals.skipped:
            self._say(skipped.path, "skipped", skipped.why, name=skipped.path.name)
        there = {path for path in self._said if path.exists()}
        self._said = {path: said for path, said in self._said.items() if path in there}

    def _say(self, path: Path, event: str, why: str, **values: Any) -> None:
        text = self.language.label(event, why, **values)
        if self._said.get(path) != text:
            self._said[path] = text
            self._log.info(event, file=str(path), source=str(path), message=text)

    def _warn(self, code: str, path: Path, **values: Any) -> None:
        text = self.language.told(code, path=str(path), **values)
        if self._said.get(path) != text:
            self._said[path] = text
            self._log.warning(code.replace("_", " "), file=str(path), source=str(path), message=text)
