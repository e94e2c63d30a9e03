"""Everything that is written goes through here: what has gathered goes into one transaction (group commit)."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from importer.errors import LedgerError
from importer.ledger.awaiting import Awaited, tell
from importer.ledger.packing import Damaged

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

_GROUP = 256
"""Most posted pieces of work in one commit."""


class Counted(Protocol):
    """Counts commits."""

    def count(self, db: sqlite3.Connection, /) -> None:
        """As the last statement of a transaction."""
        ...

    def done(self) -> None:
        """The transaction is committed."""
        ...


_Piece = tuple[Work, Future[Any] | Awaited]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A transaction whose statements have run: what is left is the commit."""

    group: list[_Piece]
    results: list[Any]


class Writer:
    """Owns the ledger's writing connection. A piece of work is done when its commit survives a power cut.

    If one fails, all of its group are rolled back and fail with it. The connection is the thread's as long as anything
    is queued. Otherwise what tasks ask for runs in their event loop, which has the interpreter already, and
    only the commit, which waits for the disk, in the thread. One loop at a time.

    A plain queue with all statements in the thread was tried: 2,000 requests then took 1.5 to 1.8 CPU seconds of
    sending instead of 1.2 to 1.4, and a quarter to a half more time, since after each statement the thread waits for
    the interpreter. Queued one by one instead of by the turn, it took 1.6 to 2.0.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        explain: Callable[[sqlite3.Error | Damaged], LedgerError],
        present: Callable[[], None] = lambda: None,
        commits: Counted | None = None,
    ) -> None:
        """`present` raises LedgerError when what is written would go into a file that no later run finds."""
        self._db = connection
        self._explain = explain
        self._present = present
        self._commits = commits
        self._mutex = threading.Lock()
        self._closed = False
        self._patience = self._waits = int(connection.execute("PRAGMA busy_timeout").fetchone()[0])
        self._asked: list[_Piece] = []
        """What tasks ask for, until the end of the turn, or of a commit."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queued = 0
        self._begun = False
        self._queue: queue.SimpleQueue[_Piece | _Begun | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def post(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue work; the future resolves after its commit, with what the work returned. It can't be cancelled."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._mutex:
            self._must_be_open()
            if self._loop and self._loop.is_closed():
                self._put_asked()  # it ended before its turn came
            self._put((work, future))
        return future

    def _must_be_open(self) -> None:
        if self._closed:
            raise LedgerError("ledger_closed")

    def _put(self, item: _Piece | _Begun) -> None:
        self._queued += 1
        self._queue.put(item)

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work and wait for its commit. Not from an event loop."""
        return self.post(work).result()

    async def done(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work and await its commit. Cancelling the caller does not take the work back.

        What the tasks of a loop ask for in one of its turns, and while such a commit is on its way, is one commit. The
        work may run in the loop: it should be short, and can't ask for other work.
        """
        awaited = Awaited()
        with self._mutex:
            self._must_be_open()
            self._asked.append((work, awaited))
            self._loop = awaited.loop
        awaited.loop.call_soon(self._end_turn)
        result: T = await awaited.future
        return result

    def _end_turn(self) -> None:
        with self._mutex:
            if self._begun or self._closed or not self._asked:
                return
            if self._queued or not self._locked_at_once():
                self._put_asked()
                return
            group, self._asked = self._asked, []
            try:
                results = self._done(group)
            except BaseException as error:  # noqa: BLE001  each caller that waits gets it, whatever it is
                tell([future for _, future in group], self._undone(error))
                return
            self._begun = True
            self._put(_Begun(group, results))

    def _put_asked(self) -> None:
        for piece in self._asked:
            self._put(piece)
        self._asked = []

    def _locked_at_once(self) -> bool:
        """Begin a transaction, unless another program has to be waited for. Whatever is wrong, the thread will tell."""
        try:
            self._begin(0)
        except sqlite3.Error:
            return False
        return True

    def _begin(self, patience: int) -> None:
        """Begin a transaction; wait as many milliseconds for another program."""
        if patience != self._waits:
            self._db.execute(f"PRAGMA busy_timeout = {patience}")
            self._waits = patience
        self._db.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Finish what is queued and asked for, then close the connection."""
        with self._mutex:
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        asked, self._asked = self._asked, []
        if asked:
            self._work(asked)
        self._db.close()

    def _run(self) -> None:
        last = False
        while not last and (item := self._queue.get()) is not None:
            if isinstance(item, _Begun):
                self._commit(item)
                with self._mutex:
                    self._queued -= 1
                    self._begun = False
                self._give_the_loop_its_turn()
            else:
                group, last = self._gather(item)
                self._work(group)
                with self._mutex:
                    self._queued -= len(group)

    def _gather(self, first: _Piece) -> tuple[list[_Piece], bool]:
        """What has been posted by now: nothing that has begun stands behind it, see `_end_turn`."""
        group = [first]
        while len(group) < _GROUP:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return group, True
            assert not isinstance(more, _Begun)
            group.append(more)
        return group, False

    def _give_the_loop_its_turn(self) -> None:
        """After the tasks that were told of a commit: what they ask for then goes into the next one."""
        if self._asked and self._loop:
            try:
                self._loop.call_soon_threadsafe(self._loop.call_soon, self._end_turn)
            except RuntimeError:  # it was closed and nothing waits there any more; what it asked for is done even so
                with self._mutex:
                    if not self._closed:
                        self._put_asked()

    def _work(self, group: list[_Piece]) -> None:
        try:
            self._begin(self._patience)
            results = self._done(group)
        except BaseException as error:  # noqa: BLE001  as above
            tell([future for _, future in group], self._undone(error))
            return
        self._commit(_Begun(group, results))

    def _done(self, group: list[_Piece]) -> list[Any]:
        """The statements of a transaction, and what they returned."""
        results = [work(self._db) for work, _ in group]
        if self._commits:
            self._commits.count(self._db)
        return results

    def _commit(self, begun: _Begun) -> None:
        try:
            self._present()
            self._db.execute("COMMIT")
            if self._commits:
                self._commits.done()
        except BaseException as error:  # noqa: BLE001  as above
            tell([future for _, future in begun.group], self._undone(error))
            return
        tell([future for _, future in begun.group], None, begun.results)

    def _undone(self, error: BaseException) -> BaseException:
        """What to tell of an error, once nothing is left of the transaction."""
        self._roll_back()
        if isinstance(error, StopIteration):
            return RuntimeError(repr(error))  # no future takes the other
        return self._explain(error) if isinstance(error, sqlite3.Error | Damaged) else error

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:
                # SQLite has rolled back by itself (disk full, I/O error).
                return
