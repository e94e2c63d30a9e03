"""The ledger as the flow writes it: one writer per file, every answer durable before anything acts on it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from importer.errors import LedgerError
from importer.events import Event
from importer.ledger import recorded_events
from importer.ledger.contents import Contents
from importer.ledger.packing import seal
from importer.ledger.records import NOTHING_LOST, NewRun, PlannedChunk, now
from importer.ledger.sqlite import checksums, left_events, locking, opening, standing, store
from importer.ledger.sqlite.view import SqliteView
from importer.ledger.sqlite.writer import Writer
from importer.model import Answer, Batch, Chunk, Message, RunState, Settlement
from importer.words.recording import recorded_values


class SqliteLedger:
    """The one writer of a ledger file. Opening it takes the lock, forgets half-staged runs, and puts the chunks whose
    answers were lost with an earlier process in doubt.

    Raises LedgerBusy when another process holds it, LedgerError when it can't be opened or written.
    """

    def __init__(self, path: Path, *, accept_loss: bool = False) -> None:
        """`accept_loss`: go on with a ledger that has lost commits, and put in doubt what they may have been."""
        self.path = path
        opening.make_directory(path)
        with ExitStack() as undo:
            lock = locking.lock(path)
            undo.callback(lock.release)
            found = opening.made_file(path, any_state=accept_loss)
            held = undo.enter_context(ExitStack())
            held.callback(locking.hold_itself(path))
            db, is_latest = opening.connect_to_write(path, found, any_state=accept_loss)
            undo.callback(db.close)
            held.callback(locking.hold(path))
            self._commits = opening.counting(db, path, found.anchor)
            undo.callback(self._commits.close)
            self._writer = Writer(db, lambda error: opening.explain(error, path), locking.presence(path), self._commits)
            undo.pop_all()
            for last_first in (lock.release, self._commits.close, held.close, self._writer.close, self._close_session):
                undo.callback(last_first)
            self.loss = (
                NOTHING_LOST if is_latest else self._writer.do(lambda db: standing.accept_loss(db, found.anchor))
            )
            self._writer.do(self._commits.begin)
            self._commits.begun()
            # into the file itself: where its -wal file is lost, the file says that it was being written
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._writer.do(locking.note_holder)
            self.forgotten = self._writer.do(_recover)
            with self._taking() as take:
                self._writer.do(take)
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is queued, and give the ledger free."""
        self._undo.close()

    def _close_session(self) -> None:
        with suppress(LedgerError):  # then it is open still, as after a kill
            self._writer.do(lambda db: store.execute(db, "close_session"))

    def view(self) -> SqliteView:
        """A connection of its own for reading."""
        return SqliteView(self.path)

    def fill(self, contents: Contents) -> None:
        """Take over what another ledger holds, in one commit."""
        self._writer.do(lambda db: store.fill(db, contents))

    # Staging: from one thread, not an event loop. Nothing of it counts before `staged`.

    def begin(self, run: NewRun) -> int:
        values = {name: getattr(run, name) for name in run.__slots__} | {"settings": json.dumps(run.settings)}
        return self._writer.do(lambda db: int(store.execute(db, "insert_run", **values).fetchone()[0]))

    def post_chunks(self, run: int, first_seq: int, chunks: Iterable[PlannedChunk]) -> Future[None]:
        """They are made and written by the ledger's thread, and in the ledger when the future resolves; it raises
        LedgerError where that fails.
        """
        return self._writer.post(lambda db: store.insert_chunks(db, run, first_seq, chunks))

    def add_rejects(self, run: int, first_key: int, last_key: int, count: int, rows: bytes) -> None:
        sealed = seal(rows)
        values: dict[str, Any] = {"run": run, "first_key": first_key, "last_key": last_key, "count": count}
        values |= {"content": checksums.content(sealed), "rows": sealed}
        self._writer.do(lambda db: store.execute(db, "insert_reject", **values))

    def add_fingerprints(self, run: int, pieces: Iterable[tuple[int, int, bytes]]) -> None:
        """Pieces as index.pieces gives them, one commit each."""
        for first, last, entries in pieces:
            self._writer.do(partial(store.insert_fingerprints, run=run, first=first, last=last, entries=entries))

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
        """The run exists from here on. `rejected` counts rows by number of batch and code."""

        def work(db: sqlite3.Connection) -> None:
            store.insert_batches(db, run, batches)
            for (batch, code), count in rejected.items():
                store.execute(db, "insert_reject_count", run=run, batch=batch, code=code, count=count)
            store.execute(
                db, "staged", run=run, rows=rows, reading=json.dumps(reading), notes=json.dumps(notes), at=now()
            )
            store.execute(db, "doubt_new", run=run)

        self._writer.do(work)

    def forget_half_staged(self) -> None:
        """Staging failed: the run has never been."""
        self._writer.do(store.forget_half_staged)

    def forget(self, runs: Sequence[int]) -> None:
        """Remove runs with all that belongs to them, a commit each."""
        for run in runs:
            self._writer.do(partial(store.forget, run=run))

    def divide(self, run: int, chunk: int, settled: Settlement) -> None:
        """Let each part of a pending chunk have its own fate. Not from an event loop."""
        self._writer.do(lambda db: store.settle(db, run, chunk, settled))

    def resolve(self, run: int, chunk: int, settled: Settlement) -> None:
        self._writer.do(lambda db: store.resolve(db, run, chunk, settled))

    def record_event(self, event: Event) -> None:
        """Durably note a whole change. Not from an event loop."""
        with self._taking(event) as take:
            self._writer.do(take)

    @contextmanager
    def _taking(self, *events: Event) -> Iterator[Callable[[sqlite3.Connection], None]]:
        """Work that records events behind those that others have left; once it is durable, these are forgotten."""
        found = left_events.left_whole(self.path)
        every = [one.event for one in found] + [replace(event, at=event.at or now()) for event in events]

        def take(db: sqlite3.Connection) -> None:
            for event in every:
                store.execute(db, "insert_event", **recorded_events.columns(event))

        yield take
        left_events.forget(found)

    # Submitting: awaited from the event loop.

    async def running(self, run: int, exists_means: str) -> None:
        """A session of sending begins. What "exists already" means in it is kept with the run's settings: a resume may
        have other ones than the run began with, and its answers can be judged again only by its own.
        """

        def work(db: sqlite3.Connection) -> None:
            self._commits.run_begins(store.begin_session(db, run, exists_means))

        await self._writer.done(work)

    async def ended(
        self, run: int, state: RunState, exit_code: int, stopped_by: Message | None, seconds: float
    ) -> None:
        why = recorded_values(stopped_by.part()) if stopped_by else ""
        values = {"run": run, "state": state, "exit_code": exit_code, "stopped_by": why, "seconds": seconds}
        await self._writer.done(lambda db: store.execute(db, "ended", at=now(), **values))

    async def mark(self, run: int, chunk: Chunk) -> int:
        """Durably note that a request for the chunk goes out now; return the number of the attempt."""
        return await self._writer.done(lambda db: store.mark(db, run, chunk.id))

    async def record(self, run: int, chunk: Chunk, n: int, answer: Answer, settled: Settlement) -> list[int]:
        """Durably note an answer and what follows; return the ids of those of its parts that are to
        be sent.
        """
        return await self._writer.done(lambda db: store.record(db, run, chunk.id, n, answer, settled))

    async def settle(self, run: int, chunk: int, settled: Settlement) -> list[int]:
        """Durably note what follows for a chunk without a new answer (given up, held, cut to a learned size)."""
        return await self._writer.done(lambda db: store.settle(db, run, chunk, settled))

    async def written(self) -> None:
        """All that was asked for until now is durable, also what cancelled tasks have asked for."""
        await self._writer.done(lambda _: None)

    async def begin_event(self, event: Event) -> None:
        with self._taking(event) as take:
            await self._writer.done(take)

    async def close_event(self, event: Event, after: Mapping[str, Any]) -> None:
        with self._taking() as take:

            def close(db: sqlite3.Connection) -> None:
                take(db)
                store.execute(db, "close_event", id=event.id, after=json.dumps(after))

            await self._writer.done(close)

    async def renew(self, run: int) -> int:
        """A retry: what was refused, is unknown or was not sent is pending again, and the run is running. Return how
        many chunks that are; if there is none the run stays as it is.
        """
        return await asyncio.wrap_future(self._writer.post(lambda db: store.renew(db, run)))  # too long for the loop


def _recover(db: sqlite3.Connection) -> int:
    store.execute(db, "lost")
    return store.forget_half_staged(db)
