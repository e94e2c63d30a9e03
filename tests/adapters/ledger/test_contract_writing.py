from __future__ import annotations

import pytest
from ledger_builders import (
    AGAIN,
    ASSIGNED,
    LOST,
    OTHER,
    REFUSED,
    UNKNOWN,
    UNREGISTERED,
    answer,
    asked,
    chunks_of,
    cut,
    looking,
    new_run,
    planned,
    rows_of,
    send,
    staged_run,
)
from ledger_model import read
from saying import refused

from importer.errors import LedgerError
from importer.ledger.ports import Place
from importer.model import ChunkState, Doubt, Fate, Outcome, Part, Settlement


def kept(place: Place, run: int) -> dict[int, tuple[ChunkState, str, Doubt, int]]:
    """State, outcome, doubt and attempts of the run's chunks, by seq."""
    with looking(place) as view:
        chunks = list(view.chunks_by_key(run))
    return {k.seq: (k.state, k.fate.outcome.value if k.fate else "", k.doubt, k.attempts) for k in chunks}


def test_a_run_does_not_exist_before_it_is_staged(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        ledger.post_chunks(ledger.begin(new_run()), 1, [planned(rows_of(["A"]))]).result()
        assert view.runs() == []


async def test_a_mark_can_be_read_by_others_before_the_request_goes_out(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        assert await ledger.mark(run, chunk) == 1
        assert kept(place, run) == {1: (ChunkState.SENT, "", Doubt.NONE, 1)}


async def test_an_answer_can_be_read_by_others_once_it_is_recorded(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, ASSIGNED)
        assert kept(place, run) == {1: (ChunkState.SETTLED, "assigned", Doubt.NONE, 1)}
    assert asked(place, "SELECT n, verdict, http_status, digest FROM attempt") == [(1, "settled", 200, "ab" * 32)]


@pytest.mark.parametrize(
    ("settled", "state", "outcome", "doubt"),
    [
        pytest.param(ASSIGNED, ChunkState.SETTLED, "assigned", Doubt.NONE, id="assigned"),
        pytest.param(REFUSED, ChunkState.SETTLED, "refused", Doubt.NONE, id="refused"),
        pytest.param(UNKNOWN, ChunkState.SETTLED, "unknown", Doubt.THIS_RUN, id="unknown"),
        pytest.param(AGAIN, ChunkState.PENDING, "", Doubt.NONE, id="to_be_sent_again"),
        pytest.param(LOST, ChunkState.PENDING, "", Doubt.THIS_RUN, id="answer_lost"),
    ],
)
async def test_a_chunk_becomes_what_its_settlement_says(
    place: Place, settled: Settlement, state: ChunkState, outcome: str, doubt: Doubt
) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        await send(ledger, run, chunks_of(place, run)[0], settled)
        assert kept(place, run) == {1: (state, outcome, doubt, 1)}


async def test_doubt_outlives_a_later_answer_that_leaves_none(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, LOST)
        await send(ledger, run, chunk, AGAIN)
        assert kept(place, run) == {1: (ChunkState.PENDING, "", Doubt.THIS_RUN, 2)}


async def test_parts_of_a_cut_chunk_keep_its_batch_doubt_attempts_and_repeats(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger, planned(rows_of(["A", "B", "C"], repeat_of=[1, 2]), batch=2))
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, LOST)
        ids = await send(ledger, run, chunk, cut([1], [0, 2]))
        found = chunks_of(place, run)
        assert [(part.id, part.seq, part.batch, tuple(part.serials), part.doubt) for part in found] == [
            (ids[0], 2, OTHER, ("B",), True),
            (ids[1], 3, OTHER, ("A", "C"), True),
        ]
        assert read(place)[run] == {
            "B": ("PENDING", Doubt.THIS_RUN, (5,)),
            "A": ("PENDING", Doubt.THIS_RUN, ()),
            "C": ("PENDING", Doubt.THIS_RUN, (6,)),
        }
        assert [k[3] for k in kept(place, run).values()] == [2, 2]


async def test_the_smallest_size_that_the_api_told_is_remembered(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, *(planned(rows_of([f"A{i}", f"B{i}"], i * 2)) for i in (1, 2, 3)))
        for chunk, limit in zip(chunks_of(place, run), (500, 100, 200), strict=True):
            await send(ledger, run, chunk, cut([0], [1], limit=limit))
        assert view.run_by_num(run).chunk_limit == 100


async def test_a_product_that_is_not_registered_spares_its_chunks_and_no_others(place: Place) -> None:
    with place.open() as ledger:
        chunks = [planned(rows_of([f"S{i}"], 2 + i), batch) for i, batch in enumerate((1, 1, 1, 2, 1))]
        run = staged_run(ledger, *chunks)
        other_run = staged_run(ledger, planned(rows_of(["T"])), number=2)
        first, in_doubt, on_the_wire, _, _ = chunks_of(place, run)
        await send(ledger, run, in_doubt, LOST)
        await ledger.mark(run, on_the_wire)
        await send(ledger, run, first, UNREGISTERED)
        assert {seq: (state, outcome) for seq, (state, outcome, _, _) in kept(place, run).items()} == {
            1: (ChunkState.SETTLED, "refused"),
            2: (ChunkState.PENDING, ""),
            3: (ChunkState.SENT, ""),
            4: (ChunkState.PENDING, ""),
            5: (ChunkState.SETTLED, "unsent"),
        }
        assert kept(place, other_run) == {1: (ChunkState.PENDING, "", Doubt.NONE, 0)}
    assert asked(place, "SELECT code, message FROM chunk WHERE outcome = 'unsent'") == [
        ("product_not_registered", '{"gtin":"01234567891231","said":"unknown","case":"not_sent"}')
    ]


async def test_a_chunk_that_was_skipped_while_it_waited_may_go_out(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        first, waiting = chunks_of(place, run)
        await send(ledger, run, first, UNREGISTERED)
        await ledger.mark(run, waiting)
        assert kept(place, run)[2] == (ChunkState.SENT, "unsent", Doubt.NONE, 1)


@pytest.mark.parametrize("settled", [ASSIGNED, REFUSED, UNKNOWN], ids=["assigned", "refused", "unknown"])
@pytest.mark.parametrize("later", [AGAIN, LOST, REFUSED, UNKNOWN], ids=["again", "lost", "refused", "unknown"])
async def test_what_is_settled_is_never_settled_otherwise(place: Place, settled: Settlement, later: Settlement) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, settled)
        before = kept(place, run)
        with refused(LedgerError, r"^Chunk 1 is not to be sent: it is settled, cut, or on the wire"):
            await ledger.mark(run, chunk)
        with refused(LedgerError, rf"^Chunk 1 can't become {later.state.name}: it is settled, or cut"):
            await ledger.record(run, chunk, 1, answer(), later)
        assert kept(place, run) == before


LOSING = {
    "settled_without_a_fate": (Settlement(ChunkState.SETTLED), "without a fate"),
    "cut_into_nothing": (Settlement(ChunkState.CUT), "not its 3 serials, each once"),
    "cut_with_a_serial_left_out": (cut([0], [2]), "not its 3 serials, each once"),
    "cut_with_a_serial_twice": (cut([0, 1], [1, 2]), "not its 3 serials, each once"),
}


@pytest.mark.parametrize(("settled", "why"), LOSING.values(), ids=LOSING.keys())
async def test_a_settlement_that_would_lose_a_row_is_not_recorded(place: Place, settled: Settlement, why: str) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        n = await ledger.mark(run, chunk)
        with refused(LedgerError, why):
            await ledger.record(run, chunk, n, answer(), settled)
        assert kept(place, run) == {1: (ChunkState.SENT, "", Doubt.NONE, 1)}


async def test_an_answer_to_an_attempt_that_was_not_marked_is_not_recorded(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        with refused(LedgerError, "Chunk 1 has no attempt 1"):
            await ledger.record(run, chunk, 1, answer(), ASSIGNED)
        assert kept(place, run) == {1: (ChunkState.PENDING, "", Doubt.NONE, 0)}


async def test_serials_that_end_differently_become_chunks_of_one_fate_each(place: Place) -> None:
    refused = Fate(Outcome.REFUSED, "status_not_assigned", {"status": "Rejected"})
    with place.open() as ledger:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        parts = [Part([0, 2], Fate(Outcome.ASSIGNED)), Part([1], refused)]
        assert await send(ledger, run, chunk, Settlement(ChunkState.CUT, parts=parts)) == []
        assert read(place)[run] == {
            "A": ("assigned", Doubt.NONE, ()),
            "B": ("refused", Doubt.NONE, (5,)),
            "C": ("assigned", Doubt.NONE, ()),
        }
        with looking(place) as view:
            assert {found.sent_as for found in view.chunks_by_key(run)} == {chunk.seq}
            assert [found.fate for found in view.chunks_by_key(run)] == [Fate(Outcome.ASSIGNED), refused]
