"""Staged, sent with any answers, retried: the rows that come out are those that went in, and the sums are theirs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from importer.concurrency import Stopping
from importer.ledger.records import NewRun, Run
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView
from importer.model import Answer, Outcome, Reading, Verdict
from importer.reconcile import settle
from importer.results.outcomes import windows
from importer.results.totals import count
from importer.rows.tables import ROWS, Rows
from importer.staging.checks import CheckSettings
from importer.staging.overlap import Earlier
from importer.staging.recording import Recording
from importer.staging.stage import Staging, reading_of, stage

GTINS = ("09520001010019", "09520001010026")
TODAY = date(2026, 11, 22)


class Listed:
    """A source that holds these rows, in windows of a few."""

    reading = Reading("csv")
    sheet_names = ("",)

    def __init__(self, rows: Sequence[tuple[str, str, str, str]], window: int) -> None:
        self._rows = [(number, *row) for number, row in enumerate(rows, 2)]
        self._window = window

    def __iter__(self) -> Iterator[Rows]:
        for start in range(0, len(self._rows), self._window):
            columns = zip(*self._rows[start : start + self._window], strict=True)
            yield Rows(pa.RecordBatch.from_arrays([pa.array(list(c)) for c in columns], schema=ROWS))


ROW = st.tuples(
    st.sampled_from([*"ABCDEFGH", "", "ä"]),
    st.sampled_from([*GTINS, "09520001010018"]),
    st.sampled_from(["B1", "B2"]),
    st.sampled_from(["281130", "281130", "281130", "290131"]),
)


def staged(ledger: SqliteLedger, name: str, source: Any, chunk_size: int) -> Run:
    number = ledger.begin(NewRun(name, "a.csv", "a.csv", name, 1, "{}", {}, "2026-11-22T00:00:00Z", "0", "u", "h", "t"))
    view = ledger.view()
    recording = Recording(ledger, number, None)
    done = stage(
        source,
        Staging(CheckSettings(), TODAY, chunk_size),
        recording,
        Earlier(view, "t"),
        stopping=Stopping(),
        progress=lambda _: None,
    )
    recording.finish()
    ledger.staged(
        number,
        rows=done.rows,
        reading=reading_of(source),
        notes=done.notes,
        batches=[(place + 1, batch) for place, batch in enumerate(done.batches)],
        rejected={(group + 1, code): rows for (group, code), rows in done.rejected.items()},
    )
    view.close()
    return run_of(ledger, name)


def run_of(ledger: SqliteLedger, name: str) -> Run:
    view = ledger.view()
    try:
        return view.run(name)
    finally:
        view.close()


async def answer_all(ledger: SqliteLedger, run: Run, draw: st.DataObject) -> None:
    view = ledger.view()
    batches = view.batches(run.num)
    for kept in view.to_send(run.num, (0, 0), 100):
        chunk = view.load(kept.id, batches)
        fates = draw.draw(st.lists(st.sampled_from("amr"), min_size=len(chunk.serials), max_size=len(chunk.serials)))
        by = {kind: [s for s, fate in zip(chunk.serials, fates, strict=True) if fate == kind] for kind in "amr"}
        verdict = draw.draw(
            st.sampled_from([Verdict.SETTLED] * 4 + [Verdict.DOUBT, Verdict.REFUSED, Verdict.NOT_TAKEN])
        )
        answer = Answer(
            verdict,
            assigned=frozenset(by["a"]),
            statuses=dict.fromkeys(by["r"], "Rejected"),
            missing=tuple(by["m"]),
            digest="d",
        )
        n = await ledger.mark(run.num, chunk)
        await ledger.record(run.num, chunk, n, answer, settle(chunk, answer, "unknown"))
    view.close()


def rows_of(view: SqliteView, run: Run) -> list[dict[str, Any]]:
    return [row for window in windows(view, run, ()) for row in window.to_pylist()]


def must_add_up(view: SqliteView, run: Run, rows: Sequence[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
    found = rows_of(view, run)
    assert [row["key"] for row in found] == list(range(2, len(rows) + 2))
    assert [row["serial"] for row in found] == [serial for serial, *_ in rows]
    counts = count(view, run)
    assert counts.tally.holds(run.rows)
    assert Counter(row["outcome"] for row in found) == Counter({k.value: v for k, v in counts.outcomes.items() if v})
    assert Counter(row["code"] for row in found if row["code"]) == counts.codes
    return found


@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    window=st.integers(1, 50),
    chunk_size=st.integers(1, 6),
    data=st.data(),
)
def test_every_row_has_one_outcome_whatever_is_answered(
    rows: list[tuple[str, str, str, str]], window: int, chunk_size: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory, SqliteLedger(Path(directory) / "l.db") as ledger:
        run = staged(ledger, "one", Listed(rows, window), chunk_size)
        view = ledger.view()
        must_add_up(view, run, rows)
        asyncio.run(answer_all(ledger, run, data))
        before = must_add_up(view, run, rows)
        asyncio.run(ledger.renew(run.num))
        asyncio.run(answer_all(ledger, run, data))
        after = must_add_up(view, run, rows)
        was = {row["key"] for row in before if row["outcome"] == "assigned"}
        assert was <= {row["key"] for row in after if row["outcome"] == "assigned"}

        again = staged(ledger, "two", Listed(rows, window), chunk_size)
        for old, new in zip(after, must_add_up(view, again, rows), strict=True):
            if old["outcome"] == "assigned":
                assert new["outcome"] == Outcome.ALREADY_ASSIGNED
        view.close()
