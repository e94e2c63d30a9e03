"""Events of processes that don't hold the ledger, such as the page beside a running import: each a small durable file
beside it, which the next writer takes into the ledger. Readers see them at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from importer.errors import LedgerError
from importer.events import Event
from importer.ledger import recorded_events
from importer.ledger.records import now


@dataclass(frozen=True, slots=True)
class Left:
    """An event that no writer has taken yet, and its file."""

    path: Path
    event: Event


def directory(ledger: Path) -> Path:
    """Where the events of a ledger are left, whether or not there are any."""
    real = ledger.resolve()
    return real.with_name(f"{real.name}-events")


def leave_event(ledger: Path, event: Event) -> None:
    """Record an event without the ledger's lock; it survives a power cut when this returns. Raises LedgerError."""
    event = replace(event, at=event.at or now())
    room = directory(ledger)
    try:
        room.mkdir(mode=0o700, exist_ok=True)
        name = f"{event.at.replace(':', '')}-{event.id}.json"
        draft = room / f".{name}"
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(recorded_events.columns(event), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(room / name)
        for flushed in (room, room.parent):
            _sync(flushed)
    except OSError as error:
        raise LedgerError("event_not_left", path=str(room), reason=error.strerror or str(error)) from error


def left(ledger: Path) -> list[Left]:
    """What waits to be taken, oldest first. Raises LedgerError for a file that makes no sense."""
    return [Left(path, event) for path in _files(ledger) if (event := _read(path))]


def left_whole(ledger: Path) -> list[Left]:
    """The same for a writer, which lets lie what makes no sense: it keeps no import waiting, and readers complain."""
    found = []
    for path in _files(ledger):
        with suppress(LedgerError):
            if event := _read(path):
                found.append(Left(path, event))
    return found


def _files(ledger: Path) -> list[Path]:
    return sorted(directory(ledger).glob("[!.]*.json"))


def _read(path: Path) -> Event | None:
    """None where a writer has taken it meanwhile."""
    try:
        return recorded_events.event_of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise LedgerError("event_unreadable", path=str(path), reason=reason)


def forget(taken: Sequence[Left]) -> None:
    """They are durable in the ledger now."""
    for one in taken:
        with suppress(OSError):  # it is recorded once, however often it is taken
            one.path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Make what was renamed in a directory survive a power cut; not every system has directories that can be opened."""
    with suppress(PermissionError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
