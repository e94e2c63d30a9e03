"""Who holds a ledger: one process at a time writes it, by whatever name; and whether it is still where it was."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from importer.errors import LedgerBusy, LedgerError, NoLedger
from importer.ledger.records import now
from importer.ledger.sqlite import store
from importer.ledger.sqlite.anchor import wal_of
from importer.ledger.sqlite.opening import connect


def lock(path: Path) -> FileLock:
    """Hold the ledger until the lock is released or the process ends, however it ends. Raises LedgerBusy at once.

    Never by a marker file, which would outlive a killed process.
    """
    held = FileLock(f"{path.resolve()}.lock", mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        held.acquire(blocking=False)
    except Timeout:
        raise _busy(path) from None
    except (OSError, NotImplementedError) as error:
        raise _not_locked(path, error) from error
    return held


_by_inode: dict[tuple[int, int], int] = {}
"""Descriptors by which ledgers are held. They stay open: closing one would drop the locks of SQLite on the file."""


def hold_itself(path: Path) -> Callable[[], None]:
    """Hold a ledger under each of its names: hard links have lock and -wal files of their own. Return what gives it
    free. Raises LedgerBusy at once. Only on Linux SQLite's own locks (fcntl) don't meet this one (flock).
    """
    if fcntl is None or sys.platform != "linux":
        return lambda: None
    try:
        found = path.stat()
        key = (found.st_dev, found.st_ino)
        if key not in _by_inode:
            _by_inode[key] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(_by_inode[key], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _not_held(path, error) from error
    return lambda: fcntl.flock(_by_inode[key], fcntl.LOCK_UN)


def hold(path: Path) -> Callable[[], None]:
    """Hold the ledger by its -wal file as well: the lock file may be deleted in mid-run, and a second importer would
    lock a new one. Return what gives it free. Raises LedgerBusy at once. SQLite locks nothing of the -wal file.
    """
    if fcntl is None:  # a file that is locked or open can't be deleted there
        return lambda: None
    try:
        handle = os.open(wal_of(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise _not_locked(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise _not_held(path, error) from error
    return lambda: os.close(handle)


def _not_held(path: Path, error: OSError) -> LedgerError:
    return _busy(path) if isinstance(error, BlockingIOError) else _not_locked(path, error)


def _busy(path: Path) -> LedgerBusy:
    return LedgerBusy("ledger_busy", path=str(path), holder=_holder(path))


def _not_locked(path: Path, error: OSError | NotImplementedError) -> NoLedger:
    return NoLedger("ledger_not_locked", path=str(path), reason=getattr(error, "strerror", None) or str(error))


def _holder(path: Path) -> dict[str, Any]:
    try:
        db = connect(path, write=False)
        row = store.execute(db, "holder").fetchone()
        db.close()
    except (LedgerError, sqlite3.Error):
        row = None
    return (
        {"code": "process", "pid": str(row["pid"]), "host": row["host"], "since": row["since"]}
        if row
        else {"code": "other_process"}
    )


def note_holder(db: sqlite3.Connection) -> None:
    store.execute(db, "hold", pid=os.getpid(), host=socket.gethostname(), since=now())


def presence(path: Path) -> Callable[[], None]:
    """A check that the file, and its -wal, are still those that stand at `path` now. It raises LedgerError.

    SQLite would write on into a file that was removed or replaced, where no later run would find it.
    """
    files = (path.resolve(), wal_of(path))
    identities = [_identity(file) for file in files]

    def check() -> None:
        for file, identity in zip(files, identities, strict=True):
            if _identity(file) != identity:
                raise LedgerError("ledger_replaced", path=str(path), file=str(file))

    return check


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
