"""The anchor: a small file beside the ledger that says which commit was the last, so that a ledger that has lost some
(its -wal file is gone or cut, an old copy was put back) is not taken for the latest state.

Each commit counts one up in the ledger, within its transaction, and then here. So after a kill the anchor may be a
commit behind, after a power cut up to a second of them, and never ahead: SQLite syncs each commit before it is written
here, the anchor is synced once a second and when the ledger is closed. A write costs 4 µs.

Below the two records, of which one is always whole, stand the runs that were begun to be sent, synced before their
first request: they tell which runs may have sent something after the commit to which a ledger has fallen back.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

_RECORD = 512
_RUNS_FROM = 2 * _RECORD
_MOST_RUNS = 2000
_SYNC_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """A commit of a ledger."""

    ledger: str
    """Made up when the ledger was created; tells it from all others."""
    session: str
    """Made up when the ledger was opened for writing, in which the commit was."""
    n: int
    """Commits since the ledger was created."""
    version: int
    """Of the schema: a header that says another one is damaged."""
    coming: str = ""
    """The session that is about to begin; empty: it has begun."""


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run that was begun to be sent."""

    n: int
    """The commit with which it was."""
    run: str
    target: str
    source: str
    """The name of its file."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an anchor says."""

    state: State | None
    """None: its records are damaged."""
    begun: list[BegunRun]
    all_since: int
    """The commit since which no run is missing in `begun`."""


def beside(ledger: Path) -> Path:
    """Where the anchor of a ledger is: a link's beside what it points to, like its -wal file."""
    real = ledger.resolve()
    return real.with_name(f"{real.name}-anchor")


def wal_of(path: Path) -> Path:
    """Where the -wal file of a ledger is: a link's beside what it points to."""
    real = path.resolve()
    return real.with_name(f"{real.name}-wal")


def find(ledger: Path) -> Found | None:
    """Read the anchor of a ledger; None: it has none. Raises OSError."""
    try:
        data = beside(ledger).read_bytes()
    except FileNotFoundError:
        return None
    records = [record for at in (0, _RECORD) if (record := _record(data[at : at + _RECORD]))]
    begun = list(_begun(data[_RUNS_FROM:]))
    since = begun[0].n if len(begun) >= _MOST_RUNS else 0
    return Found(max(records, key=lambda record: record[0])[1] if records else None, begun, since)


def _record(data: bytes) -> tuple[int, State] | None:
    body, _, checksum = data.rstrip(b"\n ").rpartition(b" ")
    if not body or checksum != _checksum(body):
        return None
    turn, ledger, session, n, version, coming = body.decode().split(",")
    return int(turn), State(ledger, session, int(n), int(version), coming)


def _begun(data: bytes) -> Iterator[BegunRun]:
    for line in data.splitlines():
        body, _, checksum = line.rpartition(b" ")
        if body and checksum == _checksum(body):
            yield BegunRun(**json.loads(body))


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _line(run: BegunRun) -> bytes:
    body = json.dumps({name: getattr(run, name) for name in run.__slots__}).encode()
    return body + b" " + _checksum(body) + b"\n"


class Anchor:
    """Writes the anchor of a ledger that this process holds. Raises OSError when it can't be opened."""

    def __init__(self, ledger: Path, state: State, begun: list[BegunRun]) -> None:
        """`begun`: what it said before, if it goes on with that."""
        self.state = state
        path = beside(ledger)
        self._begin_file(path, begun[-_MOST_RUNS:])
        self._file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        self._turn = 2
        self._synced = time.monotonic()

    def _begin_file(self, path: Path, begun: list[BegunRun]) -> None:
        """Make the file anew, at once and whole."""
        records = b"".join(self._record(turn) for turn in (1, 2))
        new = path.with_name(f"{path.name}.new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(handle, records + b"".join(map(_line, begun)))
            os.fsync(handle)
        finally:
            os.close(handle)
        new.replace(path)
        with suppress(OSError):  # not every system can sync a directory
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def _record(self, turn: int) -> bytes:
        state = self.state
        body = f"{turn},{state.ledger},{state.session},{state.n},{state.version},{state.coming}".encode()
        return (body + b" " + _checksum(body)).ljust(_RECORD - 1) + b"\n"

    def now_at(self, n: int) -> None:
        """Note that a commit has succeeded. What can't be written leaves the anchor behind, which harms nothing."""
        self.state = replace(self.state, n=n)
        with suppress(OSError):
            self._write()
            if time.monotonic() >= self._synced + _SYNC_SECONDS:
                self.sync()

    def session_begun(self) -> None:
        """Note that the session that was coming has begun."""
        self.state = replace(self.state, session=self.state.coming, coming="")
        self._write()
        self.sync()

    def run_begins(self, run: BegunRun) -> None:
        """Note, durably, that requests of a run may go out from here on. Raises OSError."""
        os.lseek(self._file, 0, os.SEEK_END)
        os.write(self._file, _line(run))
        self.sync()

    def _write(self) -> None:
        self._turn += 1
        os.lseek(self._file, self._turn % 2 * _RECORD, os.SEEK_SET)
        os.write(self._file, self._record(self._turn))

    def sync(self) -> None:
        os.fsync(self._file)
        self._synced = time.monotonic()

    def close(self) -> None:
        with suppress(OSError):
            self.sync()
        os.close(self._file)
