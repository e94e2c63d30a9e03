"""Reads the ledger, also beside a running import."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from importer.errors import LedgerError, NoLedger
from importer.ledger.packing import Damaged
from importer.ledger.reading import Reading
from importer.ledger.sqlite import opening, store


class SqliteView(Reading):
    """Reads a ledger over a connection of its own. One thread at a time. Raises NoLedger if the file is missing."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, str(path)
        if not path.exists():
            raise NoLedger("ledger_missing", path=str(path))
        self._db = opening.connect(path, write=False)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """While this lasts, all that is read is as it was at the first reading, whatever is written meanwhile.

        The ledger's -wal file can't be emptied for so long: it grows with what is written, about 20 bytes a serial.
        """
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def _all(self, query: str, **values: Any) -> list[sqlite3.Row]:
        try:
            return store.execute(self._db, query, **values).fetchall()
        except sqlite3.Error as error:
            raise opening.explain(error, self.path) from error

    def _each(self, query: str, **values: Any) -> Iterator[sqlite3.Row]:
        try:
            # `yield from` would close the cursor of a caller that stops early, when the view may be closed already.
            for row in store.execute(self._db, query, **values):  # noqa: UP028
                yield row
        except sqlite3.Error as error:
            raise opening.explain(error, self.path) from error

    def _damaged(self, error: Damaged) -> LedgerError:
        return opening.explain(error, self.path)

    def check(self) -> None:
        """Read every page of the file. Raises LedgerError for the first damaged one."""
        opening.check_whole(self._db, self.path)
