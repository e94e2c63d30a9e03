"""Reads a ledger in PostgreSQL, from any host and beside running imports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from importer.errors import LedgerError
from importer.ledger.packing import Damaged
from importer.ledger.postgres import opening
from importer.ledger.postgres.connecting import Connection, connect, execute, explain, is_lost, native, plain
from importer.ledger.postgres.waiting import Patience
from importer.ledger.reading import Reading, Row
from importer.ledger.records import StoredChunk
from importer.model import Batch, Chunk

T = TypeVar("T")
_AT_ONCE = {"fingerprints": 1, "rejects_by_key": 4}
"""Rows fetched together, by statement: a piece of the fingerprint index has 2 MB."""
_USUALLY = 50
_PATIENCE = 60.0
"""Seconds: an event loop may be waiting."""
_AHEAD = 31
"""Chunks that are fetched with one that is to be sent: their turn comes next, and each round trip may take long."""


class PostgresView(Reading):
    """Reads over a connection of its own. Raises NoLedger if the database holds no ledger, LedgerBusy if it can't be
    reached. A connection that is lost between two readings is made again.
    """

    def __init__(self, url: str) -> None:
        self.place = url
        self._mutex = threading.RLock()
        self._names = count(1)
        self._open_cursors = 0
        self._at_one_moment = False
        self._ahead: dict[int, dict[str, Any]] = {}
        """Pending chunks and their rows, fetched before they were asked for; each is used once."""
        self._db = self._connected()

    def _connected(self) -> Connection:
        db = connect(self.place, read_only=True)
        try:
            opening.must_be_known(db, self.place)
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """While this lasts, all that is read is as it was at the first reading, whatever is written meanwhile."""
        self._begin("ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._at_one_moment = True
        try:
            yield
        finally:
            self._at_one_moment = False
            self._roll_back()

    def writers(self) -> list[dict[str, Any]]:
        """The processes that may write."""
        return [
            {"code": "process", "pid": str(row["pid"]), "host": row["host"], "since": row["since"]}
            for row in self._all("writers")
        ]

    def check(self) -> None:
        """The server looks after its pages (`initdb --data-checksums`); each blob has a checksum of its own."""

    def load(self, chunk: int, batches: Mapping[int, Batch]) -> Chunk:
        """A chunk with its serials, ready to be sent; those that come after it are fetched along with it."""
        if chunk not in self._ahead:
            found = self._all("load_ahead", chunk=chunk, more=_AHEAD)
            self._ahead = {row["id"]: row for row in found}
        return self._to_be_sent(chunk, self._ahead.pop(chunk), batches)

    def to_send(self, run: int, after: tuple[int, int], limit: int) -> list[StoredChunk]:
        self._ahead.clear()  # where another owner has sent meanwhile, they are not what they were
        return super().to_send(run, after, limit)

    def _all(self, query: str, **values: Any) -> Sequence[dict[str, Any]]:
        return self._again(lambda: execute(self._db, query, **values).fetchall())

    def _again(self, work: Callable[[], T]) -> T:
        """Read something; where the connection was lost, and nothing that is still being read with it, over another."""
        patience = Patience(_PATIENCE)
        while True:
            try:
                with self._mutex:
                    return work()
            except psycopg.Error as error:
                if not is_lost(self._db) or self._at_one_moment or self._open_cursors:
                    raise explain(error, self.place) from error
                self._db = patience.until_done(self._connected)

    def _each(self, query: str, **values: Any) -> Iterator[Row]:
        try:
            with (
                self._transaction(),
                psycopg.ServerCursor(self._db, f"each_{next(self._names)}", row_factory=dict_row) as cursor,
            ):
                cursor.itersize = _AT_ONCE.get(query, _USUALLY)
                cursor.execute(native(query), plain(values), binary=True)
                yield from cursor
        except psycopg.Error as error:
            raise explain(error, self.place) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Cursors live in a transaction: from the first that is open to the last."""
        with self._mutex:
            if not self._open_cursors and not self._at_one_moment:
                self._begin("READ ONLY")
            self._open_cursors += 1
        try:
            yield
        finally:
            with self._mutex:
                self._open_cursors -= 1
                if not self._open_cursors and not self._at_one_moment:
                    self._roll_back()

    def _begin(self, how: str) -> None:
        self._again(lambda: self._db.execute(f"BEGIN {how}".encode()))

    def _roll_back(self) -> None:
        with suppress(psycopg.Error):  # where the connection is lost, nothing of it is left
            self._db.execute(b"ROLLBACK")

    def _damaged(self, error: Damaged) -> LedgerError:
        return explain(error, self.place)
