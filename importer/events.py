"""Who changed what, when and from where: an event of the record. The ledger keeps them as they are; one that was begun
is closed once, with what it came to.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

try:
    import pwd
except ImportError:  # Windows has no such file of users
    pwd = None  # type: ignore[assignment]


class EventKind(StrEnum):
    """What was done. Its words: `event` in the catalogue."""

    RUN = "run"
    RESUME = "resume"
    RETRY = "retry"
    RESOLVE = "resolve"
    DECOMMISSION = "decommission"
    PRUNE = "prune"
    ACCEPT_LOSS = "accept_loss"
    """The ledger had lost commits: what they may have been is in doubt."""
    UPLOAD = "upload"
    READ = "read"
    """An upload is to be read in another way: other sheet, columns, encoding."""
    CORRECT = "correct"
    UNDO = "undo"
    """Corrections are taken back."""
    ACCEPT = "accept"
    CONFIRM = "confirm"
    RELEASE = "release"
    CORRECTIONS = "corrections"
    """What was corrected and accepted in a list when it was released: `after` holds each cell. No deed of its own."""
    PAUSE = "pause"
    GO_ON = "go_on"
    STOP = "stop"
    DISCARD = "discard"
    RESTORE = "restore"
    """A discard is taken back."""
    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    ADD_USER = "add_user"
    REMOVE_USER = "remove_user"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    user: str
    """As the system says, by the process's uid; on the page the one who logged in."""
    claimed: str = ""
    """As the environment claims (SUDO_USER, LOGNAME, USER, USERNAME): anyone can set it. Empty on the page."""
    door: str = "terminal"
    """"terminal" or "page"."""
    host: str = ""
    tty: str = ""
    """Empty where the process has none, as under cron."""
    address: str = ""
    """On the page: of the browser."""

    @property
    def place(self) -> dict[str, str]:
        """From where, as JSON keeps it."""
        return {name: value for name, value in asdict(self).items() if name not in ("user", "claimed") and value}


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `before` and `after` hold what JSON can hold; what they hold, the kind says."""

    kind: EventKind
    actor: Actor
    run: str = ""
    """The id of the run that it concerns, where it concerns one."""
    upload: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] | None = None
    """None: begun, and never closed: the process was killed, or is still at work."""
    comment: str = ""
    """What the person wrote, as it was written. Never part of what the importer says."""
    at: str = ""
    """UTC, ISO 8601; the ledger sets it where it is empty."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Recorded once, however often it is handed in."""

    def document(self) -> dict[str, Any]:
        """As summary.json and `status --json` show it."""
        return {
            "at": self.at,
            "event": self.kind.value,
            "user": self.actor.user,
            "user_claimed": self.actor.claimed,
            "place": self.actor.place,
            "run": self.run,
            "upload": self.upload,
            "before": dict(self.before),
            "after": None if self.after is None else dict(self.after),
            "comment": self.comment,
        }


def comments(events: list[Event]) -> list[dict[str, str]]:
    """What people wrote, with who and when."""
    return [
        {"at": event.at, "user": event.actor.user, "event": event.kind.value, "text": event.comment}
        for event in events
        if event.comment
    ]


def deeds(events: Iterable[Event]) -> list[Event]:
    """What people did, without what only holds the corrections."""
    return [event for event in events if event.kind is not EventKind.CORRECTIONS]


def corrections_of(events: Iterable[Event], sheet_names: Sequence[str]) -> list[dict[str, Any]]:
    """The corrections with which a list was released last, as corrections.csv has them. `sheet_names`: those that its
    rows come from.
    """
    held = [event.after or {} for event in events if event.kind is EventKind.CORRECTIONS]
    return [
        {
            "row": "" if key is None else str(int(key) & 0xFFFFFFFF),
            "column": column,
            "old": old,
            "new": new,
            "by": by,
            "at": at,
            "sheet": sheet_names[int(key) >> 32] if key is not None and sheet_names else "",
        }
        for key, column, old, new, by, at in (held[-1]["cells"] if held else ())
    ]


_HANDS = frozenset({EventKind.READ, EventKind.CORRECT, EventKind.UNDO, EventKind.ACCEPT})


def release_of(events: list[Event]) -> dict[str, Any]:
    """Who uploaded a list, who changed it, and who released it, when, and what that person saw: the checksum of the
    preview, or of the file where there was none. Empty for a run that nobody released.
    """
    released = [event for event in events if event.kind in (EventKind.CONFIRM, EventKind.RELEASE)]
    if not released:
        return {}
    last, after = released[-1], released[-1].after or {}
    uploaded = next((event for event in events if event.kind is EventKind.UPLOAD), None)
    return {
        "uploaded_by": uploaded.actor.user if uploaded else last.actor.user,
        "uploaded_at": uploaded.at if uploaded else "",
        "corrected_by": sorted({event.actor.user for event in events if event.kind in _HANDS}),
        "released_by": after.get("released_by", last.actor.user),
        "released_at": last.at,
        "seen": after.get("seen") or after.get("source_sha256", ""),
    }


_CLAIMS = ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME")


def this_process(environ: Mapping[str, str] = os.environ) -> Actor:
    """Who runs this process, whatever its environment says."""
    claimed = next((environ[name] for name in _CLAIMS if environ.get(name)), "")
    return Actor(_system_user(), claimed, host=socket.gethostname(), tty=_tty())


def _system_user() -> str:
    if pwd is None:
        with suppress(OSError, KeyError, ImportError):
            return os.getlogin() or getpass.getuser()
        return "unknown"
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _tty() -> str:
    for stream in (0, 1, 2):
        with suppress(OSError, AttributeError):  # none, or a system without terminals
            return os.ttyname(stream)
    return ""
