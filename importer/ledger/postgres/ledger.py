"""The ledger in PostgreSQL as the flow writes it: from several hosts at once, into each target from one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self, TypeVar

import psycopg

from importer.events import Event
from importer.ledger import recorded_events
from importer.ledger.packing import seal
from importer.ledger.postgres import opening, writes
from importer.ledger.postgres.connecting import Connection, connect, execute, explain
from importer.ledger.postgres.locks import Locks
from importer.ledger.postgres.view import PostgresView
from importer.ledger.postgres.waiting import Patience
from importer.ledger.postgres.writer import Deed, Fence, Piece, Writer
from importer.ledger.records import NewRun, PlannedChunk, now
from importer.model import Answer, Batch, Chunk, ChunkState, Message, RunState, Settlement
from importer.words.recording import recorded_values

T = TypeVar("T")


def _piece(*statements: writes.Statement) -> Piece[None]:
    """Statements that tell nothing."""
    return Piece(statements, lambda _: None, lambda _: None)


def _event(event: Event) -> writes.Statement:
    return "insert_event", recorded_events.columns(replace(event, at=event.at or now()))


def leave_event(url: str, event: Event) -> None:
    """Record an event beside all that write. Raises LedgerError."""
    name, values = _event(event)
    try:
        with connect(url) as db:
            opening.create(db, url)
            opening.must_be_known(db, url)
            execute(db, name, **values)
    except psycopg.Error as error:
        raise explain(error, url) from error


def _deed(work: Callable[[Connection], T]) -> Deed[T]:
    """Work that may as well be done twice."""
    return Deed(work, work)


class PostgresLedger:
    """Writes a ledger. Opening it makes one in a database that holds none, and forgets what processes that are no more
    had half staged. Any number may be open at once: each stages its own lists. Into one target only one of them sends
    at a time: `running` and `renew` raise LedgerBusy where another does, and put the chunks whose answers were lost
    with an earlier process in doubt.

    Raises LedgerBusy when the server can't be reached, LedgerError when it can't be written.
    """

    def __init__(self, url: str) -> None:
        self.place = url
        with connect(url) as db:
            opening.must_be_durable(db, url)
            opening.create(db, url)
            opening.must_be_known(db, url)
        self._locks = Locks(url)
        with ExitStack() as undo:
            self._writer = Writer(url, self._locks)
            undo.callback(self._writer.close)
            self.forgotten = self._writer.do(_deed(self._locks.forget_half_staged))
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is queued, and give free what this one alone may do."""
        self._undo.close()

    def view(self) -> PostgresView:
        """A connection of its own for reading. A server that is away is waited for."""
        return Patience().until_done(lambda: PostgresView(self.place))

    def fence(self, fence: Fence | None) -> None:
        """All that is written from here on is refused once this lease is another's; None: there is no lease."""
        self._writer.fence = fence

    @property
    def backend(self) -> int:
        """The process of the server that its writing connection has now."""
        return self._writer.backend

    @property
    def _leased(self) -> bool:
        return self._writer.fence is not None

    async def _done(self, work: Piece[T] | Deed[T]) -> T:
        """Cancelling the caller does not take the work back."""
        return await self._writer.done(work)

    def _settling(
        self, run: int, chunk: int, settled: Settlement, *before: writes.Statement
    ) -> Piece[list[int]] | Deed[list[int]]:
        if settled.state != ChunkState.CUT:
            statements = [*before, *writes.follows(run, chunk, settled)]
            return Piece(statements, lambda _: [], lambda _: [])
        made = list[writes.Cut]()

        def work(db: Connection) -> list[int]:
            made.append(writes.cut(db, chunk, settled))
            for name, values in [*before, ("cut", made[-1].values), *writes.follows(run, chunk, settled)]:
                execute(db, name, **values)
            return made[-1].to_send

        return Deed(work, lambda _: made[-1].to_send)

    # Staging: from one thread, not an event loop. Nothing of it counts before `staged`.

    def begin(self, run: NewRun) -> int:
        values = {name: getattr(run, name) for name in run.__slots__} | {"settings": json.dumps(run.settings)}
        num = self._writer.do(_deed(self._locks.new_run))
        self._writer.do(_piece(("insert_run", {"num": num, **values})))
        return num

    def post_chunks(self, run: int, first_seq: int, chunks: Iterable[PlannedChunk]) -> Future[None]:
        planned = list[PlannedChunk]()

        def work(db: Connection) -> None:
            planned.extend(chunks if not planned else ())  # they can be made once only, the copy may be repeated
            writes.insert_chunks(db, run, first_seq, planned)

        return self._writer.post(Deed(work, lambda _: None))

    def add_rejects(self, run: int, first_key: int, last_key: int, count: int, rows: bytes) -> None:
        values = {"run": run, "first_key": first_key, "last_key": last_key, "count": count, "rows": seal(rows)}
        self._writer.do(_piece(("insert_reject", values)))

    def add_fingerprints(self, run: int, pieces: Iterable[tuple[int, int, bytes]]) -> None:
        for first, last, entries in pieces:
            self._writer.do(
                _piece(("insert_fingerprints", {"run": run, "first": first, "last": last, "entries": entries}))
            )

    def staged(
        self,
        run: int,
        *,
        rows: int,
        reading: Mapping[str, Any],
        notes: Mapping[str, int],
        batches: Sequence[tuple[int, Batch]],
        rejected: Mapping[tuple[int, str], int],
    ) -> None:
        statements: list[writes.Statement] = [
            ("insert_batch", {"run": run, "num": num, "gtin": b.gtin, "batch": b.batch, "expiry": b.expiry})
            for num, b in batches
        ]
        statements += [
            ("insert_reject_count", {"run": run, "batch": batch, "code": code, "count": count})
            for (batch, code), count in rejected.items()
        ]
        told = {"run": run, "rows": rows, "reading": json.dumps(reading), "notes": json.dumps(notes)}
        self._writer.do(_piece(*statements, ("doubt_new", {"run": run}), ("staged", told)))
        self._writer.do(_deed(lambda db: self._locks.staged(db, run)))

    def forget_half_staged(self) -> None:
        self._writer.do(_deed(self._locks.give_up_staging))

    def divide(self, run: int, chunk: int, settled: Settlement) -> None:
        self._writer.do(self._settling(run, chunk, settled))

    def resolve(self, run: int, chunk: int, settled: Settlement) -> None:
        self._writer.do(_deed(lambda db: self._locks.send(db, run, leased=self._leased)))
        self._writer.do(self._settling(run, chunk, settled, ("reopen", {"run": run, "chunk": chunk})))

    def record_event(self, event: Event) -> None:
        self._writer.do(_piece(_event(event)))

    # Submitting: awaited from the event loop.

    async def running(self, run: int, exists_means: str) -> None:
        def work(db: Connection) -> None:
            self._locks.send(db, run, leased=self._leased)
            writes.begin_session(db, run, exists_means)

        await self._done(_deed(work))

    async def ended(
        self, run: int, state: RunState, exit_code: int, stopped_by: Message | None, seconds: float
    ) -> None:
        why = recorded_values(stopped_by.part()) if stopped_by else ""
        values = {"run": run, "state": state, "exit_code": exit_code, "stopped_by": why, "seconds": seconds}
        await self._done(_piece(("ended", values)))
        await self._done(_deed(lambda db: self._locks.sent(db, run, leased=self._leased)))

    async def mark(self, run: int, chunk: Chunk) -> int:
        return await self._done(writes.mark(run, chunk.id))

    async def record(self, run: int, chunk: Chunk, n: int, answer: Answer, settled: Settlement) -> list[int]:
        return await self._done(self._settling(run, chunk.id, settled, writes.answered(run, chunk.id, n, answer)))

    async def settle(self, run: int, chunk: int, settled: Settlement) -> list[int]:
        return await self._done(self._settling(run, chunk, settled))

    async def written(self) -> None:
        await self._done(_piece())

    async def begin_event(self, event: Event) -> None:
        await self._done(_piece(_event(event)))

    async def close_event(self, event: Event, after: Mapping[str, Any]) -> None:
        await self._done(_piece(("close_event", {"id": event.id, "after": json.dumps(after)})))

    async def renew(self, run: int) -> int:
        def work(db: Connection) -> int:
            self._locks.send(db, run, leased=self._leased)
            return writes.renew(db, run)

        return await self._done(Deed(work, lambda db: writes.renewed(db, run)))
