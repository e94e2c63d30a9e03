"""Opens the file: creates it, checks that it is a ledger of this version, whole and the latest state."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from importer.errors import LedgerBusy, LedgerDamaged, LedgerError, NoLedger
from importer.ledger.packing import Damaged
from importer.ledger.reading import damaged
from importer.ledger.sqlite import anchor, checksums, standing
from importer.ledger.sqlite.anchor import Found, wal_of

APPLICATION_ID = 0x53524C31
"""In the file's header: "SRL1"."""
SCHEMA_VERSION = 6
UNREADABLE = (sqlite3.Error, Damaged, UnicodeDecodeError)
"""What reading a damaged file may raise; the last where SQLite can't even say what it found."""
_MOST_VERSIONS = 1000
_MOST_LOOKS = 20
_MOST_TEXT = 120
"""Of what SQLite says: of a damaged schema it tells the whole statement."""
_OTHER_HEADERS = frozenset({"ledger_of_other_kind", "ledger_empty", "ledger_older", "ledger_newer"})
_CHECK_BELOW = 64 << 20
"""Bytes. A ledger up to this size is checked page by page when it is opened for writing; a larger one by `verify`."""


def explain(error: Exception, path: Path) -> LedgerError:
    """What an error of SQLite, which tells it in English words only, means. All that is no other trouble is damage."""
    text = " ".join(str(error).split())[:_MOST_TEXT]
    if isinstance(error, Damaged):
        return damaged(str(path), error)
    if "full" in text:
        code = "ledger_disk_full"
    elif "readonly" in text or "unable to open" in text:
        code = "ledger_unwritable"
    elif "locked" in text:
        return LedgerBusy("ledger_locked", path=str(path), reason=text)
    elif "I/O" in text:
        code = "ledger_fault"
    else:
        return LedgerDamaged("ledger_malformed", path=str(path), reason=text)
    return LedgerError(code, path=str(path), reason=text)


def connect(path: Path, *, write: bool, immutable: bool = False) -> sqlite3.Connection:
    """A connection with the settings on which the promise of durability stands. Raises LedgerError."""
    uri = f"file:{_quoted(path)}?mode={'rw' if write else 'ro'}{'&immutable=1' if immutable else ''}"
    db = None
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
        db.row_factory = sqlite3.Row
        checksums.prepare(db)
        db.execute("PRAGMA cell_size_check = ON")
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
        if isinstance(error, UNREADABLE):
            raise explain(error, path) from error
        raise
    return db


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection to a ledger that is whole and the latest state, as far as its anchor tells. On a medium that can't
    be written it is read as it lies there, without a lock. Raises LedgerError, NoLedger if there is none.
    """
    found = standing.beside(path, wal_of(path))
    if not path.exists() or not path.stat().st_size:
        if found.anchor:
            raise LedgerDamaged("ledger_gone", path=str(path), anchor=str(anchor.beside(path)))
        raise NoLedger("ledger_empty" if path.exists() else "ledger_missing", path=str(path))
    with _header_of(path, found.anchor):
        db = _connect_anywhere(path)
    try:
        _must_be_latest(db, path, found)
    except BaseException as error:
        db.close()
        if isinstance(error, UNREADABLE):
            raise explain(error, path) from error
        raise
    return db


def _must_be_latest(db: sqlite3.Connection, path: Path, found: standing.Beside) -> None:
    """Look again where the anchor has moved meanwhile: a writer may have begun, or gone on, since it was read."""
    for _ in range(_MOST_LOOKS):
        try:
            standing.must_be_latest(db, path, found, write=False)
        except LedgerDamaged:
            before, found = found, standing.beside(path, wal_of(path))
            if found == before:
                raise
        else:
            return
    standing.must_be_latest(db, path, found, write=False)


def made_file(path: Path, *, any_state: bool) -> standing.Beside:
    """Make the file of a ledger unless there is one; return what stood beside it. Raises LedgerError where it can't be
    made, LedgerDamaged where there was one, unless `any_state` will do.
    """
    found = standing.beside(path, wal_of(path))
    if found.anchor and not any_state and (not path.exists() or not path.stat().st_size):
        raise LedgerDamaged("ledger_gone", path=str(path), anchor=str(anchor.beside(path)))
    _make_file(path)
    return found


def connect_to_write(path: Path, found: standing.Beside, *, any_state: bool) -> tuple[sqlite3.Connection, bool]:
    """Create an empty ledger unless there is one, and connect to it; and whether it is the latest state. Raises
    LedgerDamaged unless it is whole and the latest state; with `any_state` it needs to be whole.
    """
    with _header_of(path, found.anchor):
        create(path)
        db = connect(path, write=True)
    is_latest = True
    try:
        try:
            standing.must_be_latest(db, path, found, write=True)
        except LedgerDamaged:
            if not any_state:
                raise
            is_latest = False
        checksums.keep(db)
    except UNREADABLE as error:
        db.close()
        raise explain(error, path) from error
    except BaseException:
        db.close()
        raise
    return db, is_latest


def counting(db: sqlite3.Connection, path: Path, found: Found | None) -> standing.Commits:
    """Begin to count the commits of a session. Raises LedgerError where the anchor can't be written."""
    try:
        return standing.Commits(db, path, found, SCHEMA_VERSION)
    except OSError as error:
        raise _not_opened(anchor.beside(path), error.strerror or str(error)) from error


@contextmanager
def _header_of(path: Path, found: Found | None) -> Iterator[None]:
    """What a header says that is not that of the ledger which the anchor knows is damage, and no other kind of file."""
    try:
        yield
    except LedgerError as error:
        known = found and found.state and found.state.version == SCHEMA_VERSION
        version = error.message.values.get("version", _MOST_VERSIONS)
        if known and error.message.code in _OTHER_HEADERS and version >= _MOST_VERSIONS:
            raise LedgerDamaged("ledger_header", path=str(path)) from error
        raise


def _connect_anywhere(path: Path) -> sqlite3.Connection:
    try:
        return connect(path, write=False)
    except LedgerDamaged:
        raise
    except LedgerError as error:
        cause = error.__cause__
        if not isinstance(cause, sqlite3.Error) or not _is_fixed(path):
            raise
    log = wal_of(path)
    if log.exists() and log.stat().st_size:
        raise LedgerError("ledger_log_unread", path=str(path), log=str(log))
    return connect(path, write=False, immutable=True)


def _is_fixed(path: Path) -> bool:
    """Whether nothing can be written beside a ledger, so that SQLite can't share it with a writer."""
    return not os.access(path.resolve().parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


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
    _make_file(path)
    db = connect(path, write=True)
    try:
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            db.executescript(
                f"BEGIN EXCLUSIVE; {checksums.schema()} PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {SCHEMA_VERSION};"
            )
            standing.begin_counting(db)
            db.execute("COMMIT")
        elif path.stat().st_size <= _CHECK_BELOW:
            check_whole(db, path)
    except UNREADABLE as error:
        raise explain(error, path) from error
    finally:
        db.close()


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path.resolve(), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise _not_opened(path, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise _not_opened(path, os.strerror(errno.EACCES)) from None
    except OSError as error:
        raise _not_opened(path, error.strerror or str(error)) from error


def _not_opened(path: Path, why: str) -> NoLedger:
    return NoLedger("ledger_not_opened", path=str(path), reason=why)


def check_whole(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerError if a page of the file is damaged."""
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except UNREADABLE as error:
        raise explain(error, path) from error
    if found != "ok":
        raise explain(sqlite3.DatabaseError(f"malformed: {' '.join(found.split())}"), path)


def make_directory(path: Path) -> None:
    """Make the directory in which a ledger is to stand. Raises LedgerError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoLedger("ledger_directory", path=str(path), reason=error.strerror or str(error)) from error


def shrink(path: Path) -> None:
    """Give room that is free in a ledger back to the disk. Where there is no room to do it in, it is used later."""
    db = connect(path, write=True)
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError:
        return  # another program reads it, or the disk is full: nothing is lost
    finally:
        db.close()
