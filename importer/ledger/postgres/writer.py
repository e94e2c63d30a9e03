"""Everything that is written goes through here: what has gathered goes out as one group, in one round trip."""

from __future__ import annotations

import os
import queue
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import psycopg

from importer.errors import LedgerError
from importer.ledger.awaiting import Awaited, tell
from importer.ledger.packing import Damaged
from importer.ledger.postgres.connecting import Connection, connect, execute, explain, is_lost
from importer.ledger.postgres.locks import Locks
from importer.ledger.postgres.waiting import Patience

T = TypeVar("T")
_GROUP = 256
"""Most pieces of work in one group."""

Rows = Sequence[Mapping[str, Any]]
"""What one statement returned."""


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """Statements that need nothing of each other's answers: they go out with those of other pieces."""

    statements: Sequence[tuple[str, Mapping[str, Any]]]
    result: Callable[[Sequence[Rows]], T]
    """Of the rows of each statement."""
    again: Callable[[Connection], T]
    """The result, looked up where the statements took place but their answers were lost with the connection."""


@dataclass(frozen=True, slots=True)
class Deed(Generic[T]):
    """Work of several round trips, in a transaction of its own."""

    work: Callable[[Connection], T]
    again: Callable[[Connection], T]
    """As above."""


class Fence(Protocol):
    """A lease: the server refuses what is written by one who has it no more (lease.sql)."""

    @property
    def channel(self) -> str: ...

    @property
    def token(self) -> int: ...

    def take_again(self, db: Connection) -> None:
        """The connection was lost, and this is the one to write over from here on. Raises LedgerError where the lease
        is another's by now. What was written before over the old connection has taken place or never will.
        """
        ...


_Item = tuple[Piece[Any] | Deed[Any], Future[Any] | Awaited]


class Writer:
    """Owns the connection that writes. A piece of work is done when its commit survives a power cut.

    If one fails, none of its group has taken place, and all of them fail with it. Where the connection is lost, the
    work is held until the server is there again; whether it took place is then looked up, never assumed.
    """

    def __init__(self, url: str, locks: Locks) -> None:
        self.id = secrets.token_hex(8)
        self.fence: Fence | None = None
        self._place, self._locks = url, locks
        self._application = f"importer {self.id}"
        self._db = connect(url, self._application)
        self._backend = self._db.info.backend_pid
        self._number = 0
        self._mutex = threading.Lock()
        self._closed = False
        self._asked: list[_Item] = []
        """What tasks ask for, until the end of the turn of their event loop."""
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def backend(self) -> int:
        """The process of the server that its connection has now."""
        return self._backend

    def post(self, work: Piece[T] | Deed[T]) -> Future[T]:
        """Queue work; the future resolves after its commit. It can't be cancelled."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._mutex:
            self._must_be_open()
            self._put_asked()
            self._queue.put((work, future))
        return future

    def _must_be_open(self) -> None:
        if self._closed:
            raise LedgerError("ledger_closed")

    def _put_asked(self) -> None:
        for item in self._asked:
            self._queue.put(item)
        self._asked = []

    async def done(self, work: Piece[T] | Deed[T]) -> T:
        """Do work and await its commit. Cancelling the caller does not take the work back. What the tasks of a loop ask
        for in one of its turns goes out together: a round trip may take long.
        """
        awaited = Awaited()
        with self._mutex:
            self._must_be_open()
            if not self._asked:
                awaited.loop.call_soon(self._end_turn)
            self._asked.append((work, awaited))
        result: T = await awaited.future
        return result

    def _end_turn(self) -> None:
        with self._mutex:
            self._put_asked()

    def do(self, work: Piece[T] | Deed[T]) -> T:
        """Do work and wait for its commit. Not from an event loop."""
        return self.post(work).result()

    def close(self) -> None:
        """Finish what is queued, then close the connection."""
        with self._mutex:
            self._closed = True
            self._put_asked()
            self._queue.put(None)
        self._thread.join()
        with suppress(psycopg.Error):  # what it leaves where the server is away does no harm
            execute(self._db, "forget_writer", writer=self.id)
        self._db.close()

    def _run(self) -> None:
        item = self._queue.get()
        while item is not None:
            group, waiting = self._gather(item)
            work = [piece for piece, _ in group]
            try:
                results = self._done(work, self._alone if isinstance(work[0], Deed) else self._together)
            except BaseException as error:  # noqa: BLE001  each caller that waits gets it, whatever it is
                tell([future for _, future in group], error)
            else:
                tell([future for _, future in group], None, results)
            item = waiting[0] if waiting else self._queue.get()

    def _gather(self, first: _Item) -> tuple[list[_Item], list[_Item | None]]:
        """Pieces that have been posted by now, and what was taken beside. A deed is a group of its own."""
        group = [first]
        while len(group) < _GROUP and isinstance(first[0], Piece):
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None or isinstance(more[0], Deed):
                return group, [more]
            group.append(more)
        return group, []

    def _done(self, work: Sequence[Any], how: Callable[[Sequence[Any]], list[Any]]) -> list[Any]:
        """Do a group, through all losses of the connection. Raises LedgerError."""
        self._number += 1
        patience = Patience()
        lost = False
        while True:
            try:
                if lost and self._took_place():
                    return [one.again(self._db) for one in work]
                return how(work)
            except Damaged as error:
                raise explain(error, self._place) from error
            except psycopg.Error as error:
                if not is_lost(self._db):
                    raise explain(error, self._place) from error
                lost = True
                patience.until_done(self._connect_again)

    def _together(self, work: Sequence[Piece[Any]]) -> list[Any]:
        """One round trip; the server takes what is between two syncs of the pipeline as one transaction."""
        with self._db.pipeline():
            try:
                self._begin()
                answers = [[execute(self._db, name, **values) for name, values in one.statements] for one in work]
                self._end()
            except BaseException:
                # Leaving the pipeline would commit those statements that have been queued.
                execute(self._db, "undo")
                raise
        return [
            piece.result([cursor.fetchall() if cursor.description else [] for cursor in cursors])
            for piece, cursors in zip(work, answers, strict=True)
        ]

    def _alone(self, work: Sequence[Deed[Any]]) -> list[Any]:
        with self._db.transaction():
            self._begin()
            results = [deed.work(self._db) for deed in work]
            self._end()
        return results

    def _begin(self) -> None:
        if self.fence:
            execute(self._db, "fence", channel=self.fence.channel, token=self.fence.token)

    def _end(self) -> None:
        """Note the number of the group in the group itself: if that is there, all of it is."""
        execute(self._db, "done", writer=self.id, number=self._number, pid=os.getpid(), host=socket.gethostname())

    def _took_place(self) -> bool:
        found = execute(self._db, "last_done", writer=self.id).fetchone()
        return found is not None and found["done"] == self._number

    def _connect_again(self) -> None:
        """The old backend may still be at work: it is ended, its locks are waited for, before anything is looked up."""
        db = connect(self._place, self._application)
        try:
            execute(db, "end_backend", pid=self._backend, application=self._application)
            self._locks.take_again(db, leased=self.fence is not None)
            if self.fence:
                self.fence.take_again(db)
        except psycopg.Error as error:
            db.close()
            raise explain(error, self._place) from error
        except BaseException:
            db.close()
            raise
        self._db, self._backend = db, db.info.backend_pid
