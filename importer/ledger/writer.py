"""One thread that writes: it takes what has gathered in its queue into one transaction (group commit)."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from importer.errors import LedgerError
from importer.sealing import Damaged

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

_GROUP = 256
"""Most pieces of work in one commit."""


class _Awaited:
    """A future of an event loop, resolved from the writer's thread together with all others of its commit."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


_Piece = tuple[Work, Future[Any] | _Awaited]


class Writer:
    """Owns the ledger's writing connection. A piece of work is done when its commit survives a power cut.

    If one fails, all of its group are rolled back and fail with it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        explain: Callable[[sqlite3.Error | Damaged], LedgerError],
        present: Callable[[], None] = lambda: None,
    ) -> None:
        """`present` raises LedgerError when what is written would go into a file that nobody finds again."""
        self._db = connection
        self._explain = explain
        self._present = present
        self._closing = threading.Lock()
        self._closed = False
        self._turns: dict[asyncio.AbstractEventLoop, list[_Piece]] = {}
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def post(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue work; the future resolves after its commit, with what the work returned. It can't be cancelled."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._put([(work, future)])
        return future

    def _put(self, pieces: Sequence[_Piece]) -> None:
        with self._closing:
            if self._closed:
                raise LedgerError("the ledger is closed: nothing can be recorded in it any more")
            for piece in pieces:
                self._queue.put(piece)

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work and wait for its commit. Not from an event loop."""
        return self.post(work).result()

    async def done(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work and await its commit. Whoever is cancelled meanwhile does not take the work back.

        What the tasks of a loop ask for in one of its turns goes into the queue together, at the end of that turn.
        """
        awaited = _Awaited()
        turn = self._turns.setdefault(awaited.loop, [])
        turn.append((work, awaited))
        if len(turn) == 1:
            awaited.loop.call_soon(self._end_turn, awaited.loop)
        result: T = await awaited.future
        return result

    def _end_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = self._turns.pop(loop)
        try:
            self._put(turn)
        except LedgerError as closed:
            _tell([(awaited, None) for _, awaited in turn], closed)

    def close(self) -> None:
        """Finish what is queued, then close the connection."""
        with self._closing:
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = self._gather(first)
            self._commit(group)
            if last:
                return

    def _gather(self, first: _Piece) -> tuple[list[_Piece], bool]:
        group = [first]
        while len(group) < _GROUP:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return group, True
            group.append(more)
        return group, False

    def _commit(self, group: list[_Piece]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            results = [work(self._db) for work, _ in group]
            self._present()
            self._db.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001  whoever waits must hear of it, whatever it is
            self._roll_back()
            fault = self._explain(error) if isinstance(error, sqlite3.Error | Damaged) else error
            _tell([(future, None) for _, future in group], fault)
            return
        _tell([(future, result) for (_, future), result in zip(group, results, strict=True)], None)

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:
                # SQLite has rolled back by itself (disk full, I/O error).
                return


def _tell(group: list[tuple[Future[Any] | _Awaited, Any]], fault: BaseException | None) -> None:
    """Resolve the futures of a group; an event loop is woken once for all of its own."""
    awaited: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for future, result in group:
        if isinstance(future, _Awaited):
            awaited.setdefault(future.loop, []).append((future.future, result))
        else:
            _resolve([(future, result)], fault)
    for loop, futures in awaited.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, futures, fault)


def _resolve(futures: Sequence[tuple[Future[Any] | asyncio.Future[Any], Any]], fault: BaseException | None) -> None:
    for future, result in futures:
        if future.cancelled():
            continue
        if fault:
            future.set_exception(fault)
        else:
            future.set_result(result)
