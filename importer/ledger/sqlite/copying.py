"""A consistent copy of a ledger, also beside a running import. It knows that it is one, and what that means."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

from importer.errors import ConfigError, LedgerError
from importer.ledger.records import Backup
from importer.ledger.sqlite import checksums, opening, store
from importer.ledger.sqlite.view import SqliteView

_BLOCK = 1 << 20


def back_up(path: Path, to: Path) -> Backup:
    """Copy the ledger as of this moment, check the copy as a whole, and write its SHA-256 beside it (`sha256sum -c`).
    The file is there at once and whole, and survives a power cut.

    Raises ConfigError where `to` is there already, LedgerDamaged where what was copied is damaged.
    """
    if to.exists():
        raise ConfigError("backup_exists", path=str(to))
    draft = to.with_name(f".{to.name}.draft")
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _copy(path, draft)
        with SqliteView(draft) as copy:
            copy.check()
            runs = len(copy.runs())
        digest = _synced(draft)
        sums = to.with_name(f"{to.name}.sha256")
        sums.write_text(f"{digest}  {to.name}\n", "utf-8")
        try:
            os.link(draft, to)  # unlike a rename, it never replaces a file that has come meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            draft.rename(to)
    except FileExistsError as error:
        raise ConfigError("backup_exists", path=str(to)) from error
    except OSError as error:
        raise LedgerError("backup_not_written", path=str(to), reason=error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)
    return Backup(to.stat().st_size, digest, runs)


def _copy(path: Path, draft: Path) -> None:
    """In one transaction: a writer goes on meanwhile."""
    source = opening.connect_to_read(path)
    try:
        to = sqlite3.connect(draft, isolation_level=None)
        try:
            source.backup(to)
            to.row_factory = sqlite3.Row
            checksums.prepare(to)
            store.execute(to, "is_backup")
            to.execute("PRAGMA journal_mode = DELETE")  # it is read where nothing can be written, too
        finally:
            to.close()
    except opening.UNREADABLE as error:
        raise opening.explain(error, path) from error
    finally:
        source.close()


def _synced(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        os.fsync(file.fileno())
    return digest.hexdigest()
