from __future__ import annotations

from pathlib import Path

import pytest
from ledger_builders import (
    AGAIN,
    ASSIGNED,
    BATCH,
    REFUSED,
    UNKNOWN,
    chunks_of,
    looking,
    new_run,
    planned,
    rows_of,
    send,
    staged_run,
)
from ledger_model import read

from importer.ledger.ledger import Ledger
from importer.model import ChunkState, Doubt, Fate, Outcome, RunState, Settlement


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


async def test_a_retry_sends_only_what_was_not_assigned_and_keeps_the_doubt(path: Path) -> None:
    mixed = Settlement(
        ChunkState.SETTLED,
        Fate(Outcome.ASSIGNED),
        [(1, Fate(Outcome.REFUSED, "status_not_assigned")), (2, Fate(Outcome.UNKNOWN, "answer_missing"))],
    )
    with Ledger(path) as ledger:
        run = staged_run(ledger, planned(rows_of(["A", "B", "C"], repeat_of=[1])), planned(rows_of(["D"], 9)))
        first, second = chunks_of(path, run)
        await send(ledger, run, first, mixed)
        await send(ledger, run, second, UNKNOWN)
        await ledger.renew(run)
        assert read(path)[run] == {
            "A": ("assigned", Doubt.NONE, ()),
            "B": ("PENDING", Doubt.NONE, (5,)),
            "C": ("PENDING", Doubt.THIS_RUN, ()),
            "D": ("PENDING", Doubt.THIS_RUN, ()),
        }


async def test_a_retry_that_is_killed_before_its_first_request_can_be_resumed(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = staged_run(ledger)
        await send(ledger, run, chunks_of(path, run)[0], REFUSED)
        await ledger.ended(run, RunState.FINISHED, 3, "", 1.0)
        await ledger.renew(run)
        assert view.run_by_num(run).state is RunState.RUNNING
        assert view.run_by_num(run).exit_code is None


async def test_a_text_that_is_no_proper_unicode_is_recorded_readably(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = staged_run(ledger)
        (chunk,) = chunks_of(path, run)
        odd = Settlement(ChunkState.SETTLED, Fate(Outcome.REFUSED, "api_refused", {"said": "bad \ud800\x00 text"}))
        await send(ledger, run, chunk, odd)
        (found,) = view.chunks_by_key(run)
        assert found.fate is not None
        assert found.fate.values == {"said": "bad \\ud800\x00 text"}


def test_a_path_that_is_no_proper_unicode_is_kept_readably(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = ledger.begin(new_run(source_path="/lists/\udcff.csv"))
        ledger.staged(run, rows=0, reading={}, notes={}, batches=[], rejected={})
        assert view.run_by_num(run).source_path == "/lists/\\udcff.csv"


def test_rejects_are_counted_by_batch_and_code(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = ledger.begin(new_run())
        ledger.add_rejects(run, 2, 9, 3, b"arrow")
        counts = {(0, "gtin_missing"): 2, (1, "serial_character"): 1}
        ledger.staged(run, rows=3, reading={}, notes={}, batches=[(1, BATCH)], rejected=counts)
        assert list(view.rejects(run)) == [(2, 9, b"arrow")]
        found = {(row["batch"], row["code"]): row["count"] for row in view.counts("reject_counts", run)}
        assert found == counts


async def test_an_assignment_without_an_answer_on_record_is_found(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = staged_run(ledger, planned(rows_of(["A"])), planned(rows_of(["B"], 3)))
        proven, unproven = chunks_of(path, run)
        await send(ledger, run, proven, ASSIGNED)
        await ledger.settle(run, unproven.id, ASSIGNED)
        assert [row["seq"] for row in view.counts("unproven", run)] == [2]


async def test_requests_and_their_repetitions_are_counted(path: Path) -> None:
    with Ledger(path) as ledger, looking(path) as view:
        run = staged_run(ledger, planned(rows_of(["A", "B"])))
        (chunk,) = chunks_of(path, run)
        await send(ledger, run, chunk, AGAIN)
        await send(ledger, run, chunk, Settlement(ChunkState.CUT, parts=[[0], [1]]))
        for part in chunks_of(path, run):
            await send(ledger, run, part, ASSIGNED)
        (row,) = view.counts("request_counts", run)
        assert (row["sent"], row["retried"]) == (4, 1)
