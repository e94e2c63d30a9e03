"""Opens the file: creates it, holds its lock, checks that it is a ledger of this version and whole."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from importer.errors import LedgerBusy, LedgerError, NoLedger
from importer.ledger.packing import Damaged
from importer.ledger.records import now
from importer.ledger.sqlite import store

APPLICATION_ID = 0x53524C31
"""In the file's header: "SRL1"."""
SCHEMA_VERSION = 5
_CHECK_BELOW = 64 << 20
"""Bytes. A ledger up to this size is checked page by page when it is opened for writing; a larger one by `verify`."""


def explain(error: sqlite3.Error | Damaged, path: Path) -> LedgerError:
    """What an error of SQLite, which tells it in English words only, means."""
    text = str(error)
    if isinstance(error, Damaged):
        code = "ledger_damaged"
    elif "full" in text:
        code = "ledger_disk_full"
    elif "readonly" in text or "unable to open" in text:
        code = "ledger_unwritable"
    elif "malformed" in text or "not a database" in text:
        code = "ledger_malformed"
    elif "locked" in text:
        return LedgerBusy("ledger_locked", path=str(path), reason=text)
    else:
        code = "ledger_fault"
    return LedgerError(code, path=str(path), reason=text)


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection with the settings on which the promise of durability stands. Raises LedgerError."""
    uri = f"file:{_quoted(path)}?mode={'rw' if write else 'ro'}"
    db = None
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
        db.row_factory = sqlite3.Row
        _check_version(db, path, write=write)
        if write:
            _write_ahead(db, path)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA wal_autocheckpoint = 4000")
            db.execute("PRAGMA journal_size_limit = 67108864")
        db.execute("PRAGMA cache_size = -16000")
    except BaseException as error:
        if db:
            db.close()
        if isinstance(error, sqlite3.Error):
            raise explain(error, path) from error
        raise
    return db


def _write_ahead(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # Changing the mode fails at once while another program holds a lock; beginning a transaction waits for it.
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError("ledger_without_log", path=str(path), mode=mode)


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _check_version(db: sqlite3.Connection, path: Path, *, write: bool) -> None:
    ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if not ours and (version or db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]):
        raise NoLedger("ledger_of_other_kind", path=str(path))
    if not write and not version:
        raise NoLedger("ledger_empty", path=str(path))
    if 0 < version < SCHEMA_VERSION:
        raise LedgerError("ledger_older", path=str(path), version=version, known=SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise LedgerError("ledger_newer", path=str(path), version=version, known=SCHEMA_VERSION)


def create(path: Path) -> None:
    """Create an empty ledger that only its owner may read, unless there is one. Raises LedgerError.

    An existing one only SQLite opens: closing any descriptor drops all POSIX locks that the process holds on the file.
    """
    try:
        os.close(os.open(path.resolve(), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise _not_opened(path, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise _not_opened(path, os.strerror(errno.EACCES)) from None
    except OSError as error:
        raise _not_opened(path, error.strerror or str(error)) from error
    db = connect(path, write=True)
    try:
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            schema = (resources.files(__package__) / "schema.sql").read_text("utf-8")
            db.executescript(
                f"BEGIN EXCLUSIVE; {schema} PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif path.stat().st_size <= _CHECK_BELOW:
            check_whole(db, path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        db.close()


def _not_opened(path: Path, why: str) -> NoLedger:
    return NoLedger("ledger_not_opened", path=str(path), reason=why)


def check_whole(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerError if a page of the file is damaged."""
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise explain(error, path) from error
    if found != "ok":
        raise explain(sqlite3.DatabaseError(f"malformed: {' '.join(found.split())}"), path)


def make_directory(path: Path) -> None:
    """Make the directory in which a ledger is to stand. Raises LedgerError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoLedger("ledger_directory", path=str(path), reason=error.strerror or str(error)) from error


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


def hold(path: Path) -> Callable[[], None]:
    """Hold the ledger by its -wal file as well: the lock file may be deleted in mid-run, and a second importer would
    lock a new one. Return what gives it free. Raises LedgerBusy at once.

    SQLite locks nothing of the -wal file. Of the ledger's own file, closing it would drop the locks of all connections.
    """
    if fcntl is None:  # a file that is locked or open can't be deleted there
        return lambda: None
    real = path.resolve()
    try:
        handle = os.open(real.with_name(f"{real.name}-wal"), os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise _not_locked(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise (_busy(path) if isinstance(error, BlockingIOError) else _not_locked(path, error)) from error
    return lambda: os.close(handle)


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
    real = path.resolve()  # a link's -wal stands beside what it points to
    files = (real, real.with_name(f"{real.name}-wal"))
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
