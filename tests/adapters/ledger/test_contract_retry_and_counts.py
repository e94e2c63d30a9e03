from __future__ import annotations

import pytest
from ledger_builders import (
    AGAIN,
    ASSIGNED,
    BATCH,
    LOST,
    REFUSED,
    UNKNOWN,
    UNREGISTERED,
    by_serial,
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

from importer.ledger.ports import Place
from importer.model import ChunkState, Doubt, Fate, Outcome, RunState, Settlement
from importer.results.proof import unproven


async def test_a_retry_sends_only_what_was_not_assigned_and_keeps_the_doubt(place: Place) -> None:
    mixed = by_serial(
        Fate(Outcome.ASSIGNED), Fate(Outcome.REFUSED, "status_not_assigned"), Fate(Outcome.UNKNOWN, "answer_missing")
    )
    with place.open() as ledger:
        run = staged_run(ledger, planned(rows_of(["A", "B", "C"], repeat_of=[1])), planned(rows_of(["D"], 9)))
        first, second = chunks_of(place, run)
        await send(ledger, run, first, mixed)
        await send(ledger, run, second, UNKNOWN)
        await ledger.renew(run)
        assert read(place)[run] == {
            "A": ("assigned", Doubt.NONE, ()),
            "B": ("refused PENDING", Doubt.NONE, (5,)),
            "C": ("unknown PENDING", Doubt.THIS_RUN, ()),
            "D": ("unknown PENDING", Doubt.THIS_RUN, ()),
        }


async def test_a_retry_that_is_killed_before_its_first_request_can_be_resumed(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        await send(ledger, run, chunks_of(place, run)[0], REFUSED)
        await ledger.ended(run, RunState.FINISHED, 3, None, 1.0)
        await ledger.renew(run)
        assert view.run_by_num(run).state is RunState.RUNNING
        assert view.run_by_num(run).exit_code is None


async def test_a_text_that_is_no_proper_unicode_is_recorded_readably(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        (chunk,) = chunks_of(place, run)
        odd = Settlement(ChunkState.SETTLED, Fate(Outcome.REFUSED, "api_refused", {"said": "bad \ud800\x00 text"}))
        await send(ledger, run, chunk, odd)
        (found,) = view.chunks_by_key(run)
        assert found.fate is not None
        assert found.fate.values == {"said": "bad \\ud800\x00 text"}


def test_a_path_that_is_no_proper_unicode_is_kept_readably(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = ledger.begin(new_run(source_path="/lists/\udcff.csv"))
        ledger.staged(run, rows=0, reading={}, notes={}, batches=[], rejected={})
        assert view.run_by_num(run).source_path == "/lists/\\udcff.csv"


def test_rejects_are_counted_by_batch_and_code(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = ledger.begin(new_run())
        ledger.add_rejects(run, 2, 9, 3, b"arrow")
        counts = {(0, "gtin_missing"): 2, (1, "serial_character"): 1}
        ledger.staged(run, rows=3, reading={}, notes={}, batches=[(1, BATCH)], rejected=counts)
        assert list(view.rejects(run)) == [(2, 9, b"arrow")]
        assert {(batch, code): rows for batch, code, rows in view.reject_counts(run)} == counts


async def test_an_assignment_without_an_answer_on_record_is_found(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        proven, claimed = chunks_of(place, run)
        await send(ledger, run, proven, ASSIGNED)
        await ledger.settle(run, claimed.id, ASSIGNED)
        (found,) = unproven(view, view.run_by_num(run))
        assert (found.code, found.values["chunk"], found.values["n"]) == ("verify_unproven", "2", 1)


async def test_requests_and_their_repetitions_are_counted(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, planned(rows_of(["A", "B"])))
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, AGAIN)
        await send(ledger, run, chunk, cut([0], [1]))
        for part in chunks_of(place, run):
            await send(ledger, run, part, ASSIGNED)
        assert view.request_counts(run) == (4, 1)


async def test_a_retry_of_nothing_leaves_the_run_as_it_is(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger)
        await send(ledger, run, chunks_of(place, run)[0], ASSIGNED)
        await ledger.ended(run, RunState.FINISHED, 0, None, 1.0)
        assert await ledger.renew(run) == 0
        assert view.run_by_num(run).state is RunState.FINISHED


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(AGAIN, "refused PENDING", id="not_taken"),
        pytest.param(LOST, "PENDING", id="answer_lost"),
        pytest.param(ASSIGNED, "assigned", id="assigned"),
        pytest.param(UNKNOWN, "unknown", id="given_up"),
    ],
)
async def test_what_is_retried_stays_what_it_was_until_an_answer_says_more(
    place: Place, later: Settlement, expected: str
) -> None:
    with place.open() as ledger, looking(place) as view:
        run = staged_run(ledger, planned(rows_of(["A"])))
        await send(ledger, run, chunks_of(place, run)[0], REFUSED)
        await ledger.renew(run)
        (found,) = view.chunks_by_key(run)
        assert found.fate == REFUSED.fate
        await send(ledger, run, chunks_of(place, run)[0], later)
        assert read(place)[run]["A"][0] == expected


async def test_parts_of_what_is_retried_stay_what_it_was(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger, planned(rows_of(["A", "B"])))
        await send(ledger, run, chunks_of(place, run)[0], REFUSED)
        await ledger.renew(run)
        await send(ledger, run, chunks_of(place, run)[0], cut([0], [1]))
        assert {serial: fate for serial, (fate, *_) in read(place)[run].items()} == dict.fromkeys(
            "AB", "refused PENDING"
        )


async def test_a_doubt_stays_with_what_was_skipped_for_its_product(place: Place) -> None:
    with place.open() as ledger:
        run = staged_run(ledger, planned(rows_of(["A", "B"])))
        (chunk,) = chunks_of(place, run)
        await send(ledger, run, chunk, LOST)
        await send(ledger, run, chunk, cut([0], [1]))
        await send(ledger, run, chunks_of(place, run)[0], UNREGISTERED)
        assert read(place)[run] == {
            "A": ("refused", Doubt.THIS_RUN, ()),
            "B": ("unsent", Doubt.THIS_RUN, ()),
        }


async def test_runs_are_in_the_order_of_their_stagings_and_ends(place: Place) -> None:
    with place.open() as ledger, looking(place) as view:
        before = staged_run(ledger, number=1)
        await ledger.ended(before, RunState.FINISHED, 0, None, 1.0)
        run = staged_run(ledger, number=2)
        after = staged_run(ledger, number=3)
        await ledger.ended(after, RunState.FINISHED, 0, None, 1.0)
        assert list(view.active_since(view.run_by_num(run))) == [after]
