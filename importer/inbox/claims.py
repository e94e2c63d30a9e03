"""Takes a list out of an inbox: into a room of its own below `working/`, which no other watch enters while the lock in
it is held. The lock ends with its process; what a killed one has left in its room is taken over.

    working/<claim>/list.csv                 being imported, or to go on
    working/<claim>/.done/<run>/             its end on the way: moved to done/<run>/ in one step
    working/<claim>/.claim.json, .lock       whose it is
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from importer.inbox import moving
from importer.inbox.arrivals import marker_of
from importer.inbox.moving import TakenElsewhere

WORKING, DONE, PROBLEMS, FAILED = "working", "done", "problems", "failed"
ENDS = (DONE, PROBLEMS, FAILED)
ROOMS = frozenset({WORKING, *ENDS})
"""Directories that a watch makes in an inbox: no lists are taken from them."""
_FACTS, _LOCK, _LIST, _MARKER = ".claim.json", ".lock", ".list", ".marker"
_ONE_AT_A_TIME = ".copying.lock"
_EMPTY_FOR = 3600.0
"""Seconds after which a room in which nothing was ever put is removed."""


@dataclass(slots=True)
class Claim:
    """A list that is this process's alone, until it is let go. `room` is its directory, `box` the one it came from."""

    room: Path
    box: Path
    name: str
    _lock: FileLock = field(repr=False)

    @property
    def path(self) -> Path:
        return self.room / self.name

    def draft(self, end: str) -> Path:
        """Where its end is put together."""
        return self.room / f".{end}"

    def let_go(self) -> None:
        """Leave it as it is: it goes on later, perhaps by another process."""
        self._lock.release()

    def close(self) -> None:
        """Remove the room, which is empty by now but for what is ours."""
        for name in (_FACTS, _LOCK):
            with suppress(PermissionError):  # Windows keeps the lock's file until it is released
                (self.room / name).unlink(missing_ok=True)
        self._lock.release()
        (self.room / _LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            self.room.rmdir()


@dataclass(slots=True)
class Box:
    """One directory of an inbox. `ledger` names the ledger that its lists go to: only who uses the same one takes over
    what was left half-way.
    """

    directory: Path
    ledger: str
    foreign: dict[Path, str] = field(default_factory=dict)
    """Lists that were left half-way by a watch with another ledger, and which."""

    def claim(self, path: Path) -> Claim | None:
        """Take a list; None: another watch has it. Raises OSError where it can't be moved."""
        marker = marker_of(path)
        claim = self._new_room(path, marker)
        try:
            if marker:
                moving.take(marker, claim.room / _MARKER, claim.room / marker.name, self._one_at_a_time)
            moving.take(path, claim.room / _LIST, claim.path, self._one_at_a_time)
        except TakenElsewhere:
            self._undo(claim)
            return None
        except OSError:
            self._undo(claim)
            raise
        return claim

    def left_behind(self) -> Iterator[Claim]:
        """The lists that are claimed and that no process works on, oldest first. What was on its way to its end is
        brought there, and not among them.
        """
        self.foreign.clear()
        for room in sorted(self._directories()):
            claim = self._taken_over(room)
            if claim and not self._finished(claim):
                yield claim

    def give_back(self, claim: Claim) -> Path:
        """Put a list into the inbox again, with its marker; returns where it is."""
        place = moving.into(claim.path, self.directory)
        self._undo(claim)
        return place

    def end(self, claim: Claim, end: str, folder: str, report: Path | None, texts: Mapping[str, str]) -> Path:
        """Bring a list to its end, with the files of its report and `texts` by name; returns its place, which has a
        number where the name is taken. `folder` is the run; empty: right below.
        """
        draft = claim.draft(end)
        if draft.exists():
            shutil.rmtree(draft)  # copies of a report that were not finished
        inner = draft / folder
        inner.mkdir(parents=True)
        for file in _files_of(report):
            shutil.copy2(file, inner / file.name)
        name = self._free_name(claim.name, inner, end, folder)
        for suffix, text in texts.items():
            (inner / f"{name}{suffix}").write_text(text, "utf-8")
        moving.into(claim.path, inner, name)
        place = self.directory / end / folder / name
        self._finished(claim)
        return place

    def _free_name(self, name: str, inner: Path, end: str, folder: str) -> str:
        """The list's name, or one with a number where its report, or another list, has that name."""
        path, number, there = Path(name), 1, self.directory / end / folder
        found = name
        while (inner / found).exists() or (there / found).exists():
            number += 1
            found = f"{path.stem}-{number}{path.suffix}"
        return found

    def _finished(self, claim: Claim) -> bool:
        """Bring a list to its end that was on its way there; False: it is not, it has to be imported."""
        if claim.path.exists():
            return False
        known = _read(claim.room)
        _made_whole(claim, _MARKER, known["marker"], known["marker_stamp"])
        if _made_whole(claim, _LIST, claim.name, known["stamp"]):
            return False
        for end in ENDS:
            draft = claim.draft(end)
            if draft.is_dir():
                inner = next((item for item in draft.iterdir() if item.is_dir()), draft)
                for marker in claim.room.glob("[!.]*"):
                    moving.into(marker, inner)
                for item in sorted(draft.iterdir()):
                    if item.is_dir():
                        moving.pour(item, self.directory / end / item.name)
                    else:
                        moving.into(item, self.directory / end)
                draft.rmdir()
        self._undo(claim)
        return True

    def _undo(self, claim: Claim) -> None:
        """Remove a room; what is in it beside the list goes back to the inbox."""
        for left in claim.room.glob("[!.]*"):
            moving.into(left, self.directory)
        claim.close()

    @property
    def _one_at_a_time(self) -> Path:
        return self.directory / WORKING / _ONE_AT_A_TIME

    def rooms(self) -> Iterator[Path]:
        """Of lists that are claimed, by whichever watch."""
        return (room for room in self._directories() if (room / _FACTS).exists())

    def _directories(self) -> Iterator[Path]:
        working = self.directory / WORKING
        return (room for room in (working.iterdir() if working.is_dir() else ()) if room.is_dir())

    def _new_room(self, path: Path, marker: Path | None) -> Claim:
        room = self.directory / WORKING / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        room.mkdir(parents=True)
        lock = _lock_of(room)
        lock.acquire()
        facts = {"name": path.name, "ledger": self.ledger, "host": socket.gethostname(), "stamp": _stamp(path)}
        facts |= {"marker": marker.name if marker else "", "marker_stamp": _stamp(marker) if marker else [0, 0]}
        draft = room / f"{_FACTS}{moving.PART}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(facts, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(room / _FACTS)
        return Claim(room, path.parent, path.name, lock)

    def _taken_over(self, room: Path) -> Claim | None:
        """A room that no process holds; None: one does, or it is not ours."""
        if not (room / _FACTS).exists():
            if time.time() - room.stat().st_mtime > _EMPTY_FOR:
                with suppress(OSError):
                    (room / _LOCK).unlink(missing_ok=True)
                    (room / f"{_FACTS}{moving.PART}").unlink(missing_ok=True)
                    room.rmdir()
            return None
        lock = _lock_of(room)
        try:
            lock.acquire()
            known = _read(room)
        except (Timeout, FileNotFoundError):
            lock.release()
            return None
        except ValueError:  # a disk that lost what was written: nothing tells whose it is
            known = {"name": _FACTS, "ledger": "?"}
        if known["ledger"] != self.ledger:
            self.foreign[room / known["name"]] = known["ledger"]
            lock.release()
            return None
        return Claim(room, self.directory, known["name"], lock)


def _made_whole(claim: Claim, draft_name: str, name: str, stamp: list[int]) -> bool:
    """Where renaming was refused: whether the copy is the file by now, since its original is gone."""
    draft, original = claim.room / draft_name, claim.box / name
    if not draft.exists():
        return False
    if (original.exists() and _stamp(original) == stamp) or draft.stat().st_size != stamp[0]:
        draft.unlink()  # half a copy, or one whose original is still there
        return False
    draft.rename(claim.room / name)
    return True


def _lock_of(room: Path) -> FileLock:
    return FileLock(room / _LOCK, timeout=0, mode=0o600, fallback_to_soft=False)


def _read(room: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((room / _FACTS).read_text("utf-8"))
    return facts


def _stamp(path: Path) -> list[int]:
    try:
        status = os.stat(path)  # noqa: PTH116  one of many
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def _files_of(report: Path | None) -> Iterator[Path]:
    for file in report.iterdir() if report and report.is_dir() else ():
        if file.is_file() and not file.name.startswith("."):
            yield file
