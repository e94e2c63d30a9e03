"""The network breaks, the server crashes, another process takes over: all is recorded once, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger_builders import ASSIGNED, BATCH, answer, asked, chunks_of, cut, new_run, planned, rows_of, send, staged_run
from ledger_model import read
from postgres_proxy import Proxy
from postgres_server import PostgresServer
from saying import refused

from importer.errors import LedgerBusy, LedgerError
from importer.ledger.opening import place_of
from importer.ledger.ports import Place
from importer.ledger.postgres.ledger import PostgresLedger
from importer.ledger.postgres.writer import Piece
from importer.model import ChunkState, Doubt, RunState, Settlement

HERE = Path("unused")


@pytest.fixture
def place(postgres: PostgresServer) -> Place:
    return place_of(HERE, postgres.new_database())


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[Proxy]:
    with Proxy(postgres.socket) as between:
        yield between


@pytest.fixture
def ledger(place: Place, proxy: Proxy) -> Iterator[PostgresLedger]:
    """One that reaches its server through the proxy."""
    with PostgresLedger(proxy.url(PostgresServer.name_of(str(place)))) as opened:
        yield opened


LOSSES = [
    pytest.param(Proxy.lose_the_next_answer, id="after_the_commit"),
    pytest.param(Proxy.lose_the_next_request, id="before_the_server_heard_of_it"),
]


@pytest.mark.parametrize("lose", LOSSES)
async def test_a_mark_takes_place_once_wherever_the_connection_breaks(
    place: Place, proxy: Proxy, ledger: PostgresLedger, lose: Callable[[Proxy], None]
) -> None:
    run = staged_run(ledger)
    (chunk,) = chunks_of(place, run)
    await ledger.running(run, "unknown")
    lose(proxy)
    assert await ledger.mark(run, chunk) == 1
    assert asked(place, "SELECT state, attempts FROM chunk") == [(ChunkState.SENT, 1)]
    assert asked(place, "SELECT n FROM attempt") == [(1,)]


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("settled", [ASSIGNED, cut([1], [0, 2])], ids=["assigned", "cut"])
async def test_an_answer_is_recorded_once_wherever_the_connection_breaks(
    place: Place, proxy: Proxy, ledger: PostgresLedger, lose: Callable[[Proxy], None], settled: Settlement
) -> None:
    run = staged_run(ledger)
    (chunk,) = chunks_of(place, run)
    await ledger.running(run, "unknown")
    n = await ledger.mark(run, chunk)
    lose(proxy)
    to_send = await ledger.record(run, chunk, n, answer(serials=chunk.serials), settled)
    parts = [part.id for part in chunks_of(place, run)]
    assert to_send == parts
    assert len(parts) == (0 if settled is ASSIGNED else 2)
    assert set(read(place)[run]) == {"A", "B", "C"}


@pytest.mark.parametrize("lose", LOSSES)
async def test_a_list_is_staged_once_wherever_the_connection_breaks(
    place: Place, proxy: Proxy, ledger: PostgresLedger, lose: Callable[[Proxy], None]
) -> None:
    run = ledger.begin(new_run())
    lose(proxy)
    ledger.post_chunks(run, 1, iter([planned(rows_of(["A"])), planned(rows_of(["B"], 3))])).result()
    ledger.staged(run, rows=2, reading={}, notes={}, batches=[(1, BATCH)], rejected={})
    assert set(read(place)[run]) == {"A", "B"}


async def test_a_server_that_crashes_is_waited_for(
    place: Place, postgres: PostgresServer, ledger: PostgresLedger
) -> None:
    run = staged_run(ledger)
    (chunk,) = chunks_of(place, run)
    await ledger.running(run, "unknown")
    n = await ledger.mark(run, chunk)
    postgres.restart()
    await ledger.record(run, chunk, n, answer(serials=chunk.serials), ASSIGNED)
    assert read(place)[run]["A"] == ("assigned", Doubt.NONE, ())


async def test_who_was_taken_over_while_its_connection_was_lost_records_nothing_more(
    place: Place, proxy: Proxy, ledger: PostgresLedger
) -> None:
    run = staged_run(ledger)
    (chunk,) = chunks_of(place, run)
    await ledger.running(run, "unknown")
    n = await ledger.mark(run, chunk)
    end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE ?"
    asked(place, end, "importer %")
    with place.open() as other:
        await other.running(run, "unknown")
        await other.ended(run, RunState.STOPPED, 4, None, 1.0)
    with refused(LedgerBusy, "Another process has taken over"):
        await ledger.record(run, chunk, n, answer(serials=chunk.serials), ASSIGNED)
    assert read(place)[run]["A"] == ("PENDING", Doubt.THIS_RUN, ())


async def test_only_one_process_sends_into_a_target_at_a_time(place: Place, ledger: PostgresLedger) -> None:
    run = staged_run(ledger)
    await ledger.running(run, "unknown")
    with place.open() as other:
        second = staged_run(other, number=2)
        with refused(LedgerBusy, "is in use by process"):
            await other.running(second, "unknown")
        await ledger.ended(run, RunState.STOPPED, 4, None, 1.0)
        await other.running(second, "unknown")


async def test_what_was_on_the_wire_with_a_process_that_died_is_in_doubt_when_the_next_one_sends(
    place: Place, ledger: PostgresLedger
) -> None:
    run = staged_run(ledger)
    await ledger.running(run, "unknown")
    await ledger.mark(run, chunks_of(place, run)[0])
    ledger.close()
    with place.open() as other:
        await other.running(run, "unknown")
        assert read(place)[run]["A"] == ("PENDING", Doubt.THIS_RUN, ())


def test_a_list_that_another_process_is_staging_is_not_forgotten(place: Place, ledger: PostgresLedger) -> None:
    run = ledger.begin(new_run())
    with place.open() as other:
        assert other.forgotten == 0
    ledger.staged(run, rows=0, reading={}, notes={}, batches=[], rejected={})


def test_a_list_that_a_process_which_died_was_staging_is_forgotten(place: Place, ledger: PostgresLedger) -> None:
    ledger.post_chunks(ledger.begin(new_run()), 1, [planned(rows_of(["A"]))]).result()
    ledger.close()
    with place.open() as other:
        assert other.forgotten == 1
    assert asked(place, "SELECT count(*) FROM chunk") == [(0,)]


def test_a_fault_in_the_middle_of_a_group_takes_all_of_it_back(place: Place, ledger: PostgresLedger) -> None:
    run = staged_run(ledger)
    faulty: Piece[None] = Piece(
        [("learn_limit", {"run": run, "chunk_limit": 7}), ("keep_settings", {"run": run})],
        lambda _: None,
        lambda _: None,
    )
    with pytest.raises(LedgerError):
        ledger._writer.do(faulty)
    assert asked(place, "SELECT chunk_limit FROM run") == [(None,)]


async def test_eight_requests_at_once_cost_their_marks_and_records_few_round_trips(
    place: Place, postgres: PostgresServer
) -> None:
    """With a server that is 10 ms away. Each on its own, they would cost 160; the least are 20."""
    with Proxy(postgres.socket, 0.01) as far, PostgresLedger(far.url(postgres.name_of(str(place)))) as ledger:
        run = staged_run(ledger, *(planned(rows_of([f"S{i}"], 2 + i)) for i in range(80)))
        await ledger.running(run, "unknown")
        chunks = iter(chunks_of(place, run))
        before = far.trips

        async def work() -> None:
            for chunk in chunks:
                await send(ledger, run, chunk, ASSIGNED)

        await asyncio.gather(*(work() for _ in range(8)))
        assert far.trips - before <= 22
    assert {fate for fate, *_ in read(place)[run].values()} == {"assigned"}
