"""Reads the ledger, also beside a running import. What was damaged is noticed before anything is read from it."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from importer.errors import LedgerError
from importer.events import Event
from importer.ledger.packing import Damaged
from importer.ledger.reading import Reading
from importer.ledger.records import Prunable
from importer.ledger.sqlite import checksums, left_events, opening, store
from importer.ledger.statements import statements

_NAMED = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_BLOBS = ("rows", "entries", "says")
_UNPROVEN = frozenset({"has_assigned"})
"""Statements whose answer decides of no row."""
_REST = 100
"""What was found sound is not looked at again for so many times as long as the look has taken: a page that follows a
long run asks every second."""
_INDEXED = frozenset({"run", "event", "chunk", "reject"})
_sound: dict[tuple[int, int, str, int | None], float] = {}
"""Until when, by device and inode of the ledger, table and run."""


class SqliteView(Reading):
    """Reads a ledger over a connection of its own. One thread at a time.

    Raises NoLedger if the file is missing, LedgerDamaged if it is not what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, str(path)
        self._db = opening.connect_to_read(path)
        found = path.stat()
        self._checked = False
        self._file = (found.st_dev, found.st_ino)

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
        return list(self._each(query, **values))

    def _each(self, query: str, **values: Any) -> Iterator[sqlite3.Row]:
        try:
            self._must_be_sound(query, values)
            for row in store.execute(self._db, query, **values):
                _must_be_sealed(row)
                yield row
        except opening.UNREADABLE as error:
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

    def _must_be_sound(self, query: str, values: dict[str, Any]) -> None:
        if query in _UNPROVEN or self._checked:
            return
        for table, of_run in _tables(query):
            run = values.get("run") if of_run else None
            if of_run and run is None and "chunk" in values:
                continue  # a single chunk of a run that was looked at when it was found
            key = (*self._file, table, run)
            began = time.monotonic()
            if began >= _sound.get(key, 0.0):
                self._look_at(table, run)
                _sound[key] = time.monotonic() + _REST * (time.monotonic() - began)

    def _look_at(self, table: str, run: int | None) -> None:
        """Raise Damaged unless all rows of a table (of one run) are there and are those of the last commit."""
        self._must_be_indexed(table)
        statement = checksums.check(table, run=run is not None)
        found = self._db.execute(statement, {"run": run} if run is not None else {}).fetchone()
        if (found["n"], found["sum"]) != (found["all_n"], found["all_sum"]):
            what = f"{found['n']} rows of {table} come to {found['sum']:x}, {found['all_n']} to {found['all_sum']:x}"
            raise Damaged(what, table=table, run=self._named(run))

    def _must_be_indexed(self, table: str) -> None:
        """Raise Damaged if an index of a table does not lead to its rows.

        Of fingerprints none is relied upon.
        """
        key = (*self._file, f"index of {table}", None)
        began = time.monotonic()
        if table in _INDEXED and began >= _sound.get(key, 0.0):
            found = self._db.execute(f"PRAGMA integrity_check({table})").fetchone()[0]
            if found != "ok":
                raise Damaged(" ".join(str(found).split()), table=table)
            _sound[key] = time.monotonic() + _REST * (time.monotonic() - began)

    def _named(self, run: int | None) -> str:
        found = self._db.execute("SELECT id FROM run WHERE num = ?", (run,)).fetchone() if run else None
        return str(found["id"]) if found else ""

    @property
    def has_lost(self) -> bool:
        """Whether something that was sent may be missing in it, so that what is sent next may be in doubt."""
        return bool(self._db.execute("SELECT EXISTS (SELECT 1 FROM loss)").fetchone()[0])

    def prunable(self, before: str) -> list[Prunable]:
        """The runs that ended before a moment and of which later lists need nothing, oldest first."""
        return [Prunable(*(row[name] for name in Prunable.__slots__)) for row in self._all("prunable", before=before)]

    def check(self) -> None:
        """Read every page of the file, and hold all rows against their sums. Raises LedgerDamaged for the first that is
        damaged; what is read afterwards is as it is found.
        """
        self._checked = True
        opening.check_whole(self._db, self.path)
        try:
            for table in checksums.sealed_tables():
                self._look_at(table, None)
        except opening.UNREADABLE as error:
            raise opening.explain(error, self.path) from error


def _must_be_sealed(row: sqlite3.Row) -> None:
    columns = row.keys()
    if "content" in columns:
        for name in _BLOBS:
            if name in columns and row[name] is not None:
                checksums.must_hold(row[name], row["content"])


@cache
def _tables(query: str) -> tuple[tuple[str, bool], ...]:
    """The tables with checksums that a statement reads, and whether only the rows of one run."""
    statement = statements(__package__)[query]
    named = dict.fromkeys(_NAMED.findall(statement))
    sealed = [table for table in checksums.sealed_tables() if table in named]
    return tuple((table, checksums.is_of_runs(table) and ":run" in statement) for table in sealed)
