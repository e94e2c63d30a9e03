"""Reads the ledger, also beside a running import."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from importer.errors import LedgerError, NoLedger
from importer.events import Event
from importer.ledger.packing import Damaged
from importer.ledger.reading import Reading
from importer.ledger.sqlite import left_events, opening, store


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

    def events(self, run: str | None = None, since: str = "") -> list[Event]:
        # Those that are left are read first: one that a writer takes meanwhile is found twice, not never.
        waiting = [one.event for one in left_events.left(self.path) if one.event.at >= since]
        found = super().events(run, since)
        uploads = {event.upload for event in (*found, *waiting) if event.run == run and event.upload}
        known = {event.id for event in found}
        return found + [
            event
            for event in waiting
            if event.id not in known and (run is None or event.run == run or event.upload in uploads)
        ]

    def check(self) -> None:
        """Read every page of the file. Raises LedgerError for the first damaged one."""
        opening.check_whole(self._db, self.path)
