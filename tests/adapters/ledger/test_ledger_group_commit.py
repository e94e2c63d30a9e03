from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ledger_builders import ASSIGNED, answer, chunks_of, staged_run
from ledger_model import read
from saying import refused, said

from importer.errors import LedgerDamaged, LedgerError
from importer.ledger.sqlite import opening
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.writer import Writer
from importer.model import Doubt


@contextmanager
def writer(path: Path) -> Iterator[Writer]:
    """A writer on a file with one table of numbers."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("CREATE TABLE number (n INTEGER NOT NULL)")
    made = Writer(db, lambda error: opening.explain(error, path))
    try:
        yield made
    finally:
        made.close()


def numbers(path: Path) -> list[int]:
    db = sqlite3.connect(path)
    try:
        return [n for (n,) in db.execute("SELECT n FROM number ORDER BY rowid")]
    finally:
        db.close()


def insert(n: int | None) -> Callable[[sqlite3.Connection], int | None]:
    def work(db: sqlite3.Connection) -> int | None:
        db.execute("INSERT INTO number VALUES (?)", (n,))
        return n

    return work


@contextmanager
def held_up(busy: Writer) -> Iterator[None]:
    """While this lasts, what is posted or asked for gathers for the next commit."""
    started, go = threading.Event(), threading.Event()

    def wait(_: sqlite3.Connection) -> None:
        started.set()
        go.wait()

    busy.post(wait)
    started.wait()
    try:
        yield
    finally:
        go.set()


def test_work_is_done_in_the_order_in_which_it_was_posted(tmp_path: Path) -> None:
    with writer(tmp_path / "db") as made:
        results = [made.post(insert(n)) for n in range(1000)]
        assert [result.result() for result in results] == list(range(1000))
    assert numbers(tmp_path / "db") == list(range(1000))


def test_work_that_fails_fails_its_group_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    with writer(tmp_path / "db") as made:
        made.do(insert(1))
        with held_up(made):
            group = [made.post(insert(2)), made.post(insert(None)), made.post(insert(3))]
        for future in group:
            with refused(LedgerError, "NOT NULL constraint failed"):
                future.result()
        made.do(insert(4))
    assert numbers(tmp_path / "db") == [1, 4]


def test_a_fault_of_our_own_reaches_whoever_waits_as_it_is(tmp_path: Path) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    with writer(tmp_path / "db") as made:
        with pytest.raises(ZeroDivisionError):
            made.do(fail)
        made.do(insert(1))
    assert numbers(tmp_path / "db") == [1]


def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    with writer(tmp_path / "db") as made, held_up(made):
        for n in range(600):
            made.post(insert(n))
    assert numbers(tmp_path / "db") == list(range(600))


def test_a_closed_writer_takes_nothing_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    with writer(tmp_path / "db") as made:
        made.close()
        with refused(LedgerError, "The ledger is closed"):
            made.do(insert(1))


def test_queued_work_cannot_be_cancelled(tmp_path: Path) -> None:
    with writer(tmp_path / "db") as made:
        with held_up(made):
            future = made.post(insert(1))
            assert not future.cancel()
        made.do(insert(2))
    assert numbers(tmp_path / "db") == [1, 2]


async def test_whoever_is_cancelled_while_it_waits_does_not_take_the_record_back(tmp_path: Path) -> None:
    path = tmp_path / "importer.db"
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(path, run)
        n = await ledger.mark(run, chunk)
        with held_up(ledger._writer):
            waiting = asyncio.create_task(ledger.record(run, chunk, n, answer(), ASSIGNED))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
    assert {serial: fate[:2] for serial, fate in read(path)[run].items()} == dict.fromkeys(
        "ABC", ("assigned", Doubt.NONE)
    )


async def test_nothing_is_committed_once_the_file_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "importer.db"
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(path, run)
        path.rename(tmp_path / "moved.db")
        with refused(LedgerError, r"importer\.db was removed or replaced while it was in use"):
            await ledger.mark(run, chunk)
        (tmp_path / "moved.db").rename(path)
        assert await ledger.mark(run, chunk) == 1


async def test_nothing_is_committed_once_the_wal_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "importer.db"
    with SqliteLedger(path) as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(path, run)
        (tmp_path / "importer.db-wal").unlink()
        with refused(LedgerError, r"importer\.db-wal was removed or replaced while it was in use"):
            await ledger.mark(run, chunk)


async def test_what_the_tasks_of_one_turn_ask_for_is_one_commit(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        commits: list[int] = []
        writing.post(
            lambda db: db.set_trace_callback(lambda said: commits.append(1) if said == "COMMIT" else None)
        ).result()
        commits.clear()
        await asyncio.gather(*(writing.done(insert(n)) for n in range(8)))
        assert (len(commits), numbers(tmp_path / "numbers.db")) == (1, list(range(8)))


async def test_work_for_a_closed_ledger_is_refused(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        pass
    with refused(LedgerError, "closed"):
        await writing.done(insert(1))


async def test_what_is_asked_for_during_a_commit_is_done_by_a_close_at_the_latest(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        with held_up(writing):
            asked = [asyncio.create_task(writing.done(insert(n))) for n in range(3)]
            await asyncio.sleep(0)
            assert not any(task.done() for task in asked)
        writing.close()
        assert await asyncio.gather(*asked) == [0, 1, 2]
    assert numbers(tmp_path / "numbers.db") == [0, 1, 2]


async def test_what_tasks_ask_for_waits_for_what_was_posted_before(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        with held_up(writing):
            posted = [writing.post(insert(n)) for n in range(2)]
            asked = asyncio.gather(*(writing.done(insert(n)) for n in (2, 3)))
            await asyncio.sleep(0)
        assert await asked == [2, 3]
        assert [future.result() for future in posted] == [0, 1]
    assert numbers(tmp_path / "numbers.db") == [0, 1, 2, 3]


async def test_tasks_whose_work_fails_hear_of_it_and_the_next_ones_go_on(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        failed = await asyncio.gather(*(writing.done(insert(n)) for n in (1, None)), return_exceptions=True)
        assert all(isinstance(error, LedgerError) and "NOT NULL constraint failed" in said(error) for error in failed)
        assert await writing.done(insert(2)) == 2
    assert numbers(tmp_path / "numbers.db") == [2]


def test_what_a_loop_left_behind_is_done_before_the_next_one_asks(tmp_path: Path) -> None:
    async def leave(writing: Writer) -> None:
        asking = asyncio.create_task(writing.done(insert(1)))
        await asyncio.sleep(0)
        asking.cancel()

    async def ask(writing: Writer) -> None:
        assert await writing.done(insert(2)) == 2

    with writer(tmp_path / "numbers.db") as writing:
        with held_up(writing):
            asyncio.run(leave(writing))
        asyncio.run(ask(writing))
    assert numbers(tmp_path / "numbers.db") == [1, 2]


async def test_the_loop_goes_on_while_another_program_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    with writer(path) as writing:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(writing.done(insert(1)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not asked.done()
        other.execute("COMMIT")
        other.close()
        assert await asked == 1
    assert numbers(path) == [1]


async def test_tasks_hear_that_the_file_is_damaged(tmp_path: Path) -> None:
    class Malformed(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            if sql.startswith("BEGIN"):
                raise sqlite3.DatabaseError("database disk image is malformed")
            return super().execute(sql, parameters)

    path = tmp_path / "numbers.db"
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Malformed)
    damaged = Writer(db, lambda error: opening.explain(error, path))
    with refused(LedgerDamaged, "is damaged"):
        await damaged.done(insert(1))
    damaged.close()


async def test_what_is_posted_later_does_not_overtake_what_tasks_have_asked_for(tmp_path: Path) -> None:
    with writer(tmp_path / "numbers.db") as writing:
        with held_up(writing):
            asked = asyncio.create_task(writing.done(insert(1)))
            await asyncio.sleep(0)  # it asks
            await asyncio.sleep(0)  # the turn ends
            posted = writing.post(insert(2))
        assert (await asked, posted.result()) == (1, 2)
    assert numbers(tmp_path / "numbers.db") == [1, 2]


def test_what_was_asked_for_when_the_loop_ended_is_written_without_it(tmp_path: Path) -> None:
    async def leave(writing: Writer) -> None:
        first = asyncio.create_task(writing.done(insert(1)))
        await asyncio.sleep(0)  # it asks
        await asyncio.sleep(0)  # its commit is on its way
        second = asyncio.create_task(writing.done(insert(2)))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()

    path = tmp_path / "numbers.db"
    with writer(path) as writing:
        asyncio.run(leave(writing))
        while writing._asked or writing._queued:
            writing.do(lambda _: None)
        assert sorted(numbers(path)) == [1, 2]


def test_what_was_asked_for_is_written_where_the_loop_ended_before_it_came_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, may_commit, called = tmp_path / "numbers.db", threading.Event(), threading.Semaphore(0)

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            if sql == "COMMIT":
                may_commit.wait()
            return super().execute(sql, parameters)

    def counted(*given: Any, **options: Any) -> asyncio.Handle:
        handle = call(*given, **options)
        called.release()
        return handle

    async def ask_twice(writing: Writer) -> None:
        asked = [asyncio.create_task(writing.done(insert(1)))]
        await asyncio.sleep(0)  # it asks
        await asyncio.sleep(0)  # its commit is on its way
        asked.append(asyncio.create_task(writing.done(insert(2))))
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()

    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Slow)
    db.execute("CREATE TABLE number (n INTEGER NOT NULL)")
    writing = Writer(db, lambda error: opening.explain(error, path))
    loop = asyncio.new_event_loop()
    call = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    loop.run_until_complete(ask_twice(writing))
    may_commit.set()
    assert called.acquire(timeout=10)  # of the first commit it is told
    assert called.acquire(timeout=10)  # and of its turn, which it does not take any more
    loop.close()
    writing.do(lambda _: None)
    assert numbers(path) == [1, 2]
    writing.close()


async def test_a_piece_that_raises_stop_iteration_keeps_nobody_waiting(tmp_path: Path) -> None:
    def stop(_: sqlite3.Connection) -> None:
        raise StopIteration

    with writer(tmp_path / "numbers.db") as writing:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await writing.done(stop)
        assert await writing.done(insert(1)) == 1
