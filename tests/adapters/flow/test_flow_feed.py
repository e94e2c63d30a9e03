"""The order in which chunks go out, on a real ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from importer.ledger.packing import Rows, pack_rows
from importer.ledger.records import NewRun, PlannedChunk, StoredChunk
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.model import Answer, Batch, ChunkState, Doubt, Fate, Outcome, Part, Settlement, Verdict
from importer.sending.feed import Feed, Planned

BATCHES = {1: Batch("09520001010019", "B1", "491130"), 2: Batch("09520001010026", "B2", "491130")}
SETTLED = Answer(Verdict.SETTLED)
NO_PRODUCT = Answer(Verdict.PRODUCT)
CUT = Settlement(ChunkState.CUT, parts=[Part([0]), Part([1])], limit=1)
STOPPED = Settlement(
    ChunkState.SETTLED,
    Fate(Outcome.REFUSED, "product_not_registered"),
    stop_product=BATCHES[1].gtin,
    skipped=Fate(Outcome.UNSENT, "product_not_registered"),
)


def chunk(batch: int, *serials: str, doubt: Doubt = Doubt.NONE) -> PlannedChunk:
    none = np.empty(0, np.int64)
    rows = Rows(list(serials), np.arange(len(serials), dtype=np.int64), none.astype(np.int32), none)
    return PlannedChunk(batch, ChunkState.PENDING, "", doubt, len(serials), 0, 0, len(serials) - 1, pack_rows(rows))


class Run:
    """A staged run and what hands out its chunks, by the first serial in each."""

    def __init__(self, ledger: SqliteLedger, chunks: Sequence[PlannedChunk]) -> None:
        self.ledger = ledger
        self.num = ledger.begin(
            NewRun("run", "list.csv", "/list.csv", "0" * 64, 1, "{}", {}, "2026-11-22T07:15:00Z", "0", "me", "here")
        )
        ledger.post_chunks(self.num, 1, chunks).result()
        ledger.staged(self.num, rows=9, reading={}, notes={}, batches=list(BATCHES.items()), rejected={})
        self.view = ledger.view()
        self.feed = self.fresh()

    def fresh(self) -> Feed:
        """As after a kill."""
        return Feed(self.view, self.num, BATCHES, self.view.last_seq(self.num))

    async def next(self) -> tuple[str, Planned]:
        planned = await self.feed.next()
        assert planned is not None
        return self.view.serials(planned.parts[0].id)[0], planned

    async def cut(self, planned: Planned) -> list[StoredChunk]:
        return [self.view.stored(part) for part in await self.ledger.settle(self.num, planned.parts[0].id, CUT)]

    async def answered(self, planned: Planned, answer: Answer) -> None:
        await self.feed.learn(planned, answer)
        await self.feed.done(planned)

    async def rest(self) -> list[str]:
        """What still goes out, if everything is assigned at once."""
        serials = []
        while (planned := await self.feed.next()) is not None:
            for part in planned.parts:
                if not self.feed.is_skipped(part):
                    serials.append(self.view.serials(part.id)[0])
                    await self.feed.learn(planned, SETTLED)
            await self.feed.done(planned)
        return serials


@contextmanager
def staged(path: Path, *chunks: PlannedChunk) -> Iterator[Run]:
    with SqliteLedger(path / "importer.db") as ledger:
        run = Run(ledger, chunks)
        try:
            yield run
        finally:
            run.view.close()


async def test_one_chunk_of_a_product_goes_out_until_it_is_proven(tmp_path: Path) -> None:
    with staged(tmp_path, chunk(1, "A"), chunk(1, "B"), chunk(2, "C"), chunk(2, "D")) as run:
        first, probe = await run.next()
        assert (first, (await run.next())[0]) == ("A", "C")
        waiting = asyncio.create_task(run.feed.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        await run.answered(probe, SETTLED)
        kept = await waiting
        assert kept is not None
        assert list(run.view.serials(kept.parts[0].id)) == ["B"]


async def test_the_same_part_asks_for_it_after_a_kill(tmp_path: Path) -> None:
    with staged(tmp_path, chunk(1, "A", "B"), chunk(1, "C", "D")) as run:
        _, probe = await run.next()
        await run.cut(probe)
        run.feed = run.fresh()
        assert await run.rest() == ["A", "B", "C"]


async def test_nothing_of_a_product_that_is_not_registered_goes_out(tmp_path: Path) -> None:
    with staged(tmp_path, chunk(1, "A"), chunk(1, "B"), chunk(2, "C")) as run:
        _, probe = await run.next()
        await run.ledger.settle(run.num, probe.parts[0].id, STOPPED)
        await run.answered(probe, NO_PRODUCT)
        assert await run.rest() == ["C"]


@pytest.mark.parametrize(("doubt", "sent"), [(Doubt.THIS_RUN, ["B"]), (Doubt.EARLIER_RUN, [])])
async def test_of_such_a_product_what_this_run_has_sent_before_gets_an_answer_of_its_own(
    tmp_path: Path, doubt: Doubt, sent: list[str]
) -> None:
    with staged(tmp_path, chunk(1, "A"), chunk(1, "B", doubt=doubt)) as run:
        _, probe = await run.next()
        await run.ledger.settle(run.num, probe.parts[0].id, STOPPED)
        await run.answered(probe, NO_PRODUCT)
        assert await run.rest() == sent


@pytest.mark.parametrize(("sent_itself", "rest"), [(False, []), (True, ["B"])])
async def test_of_a_cut_chunk_in_doubt_only_parts_that_were_sent_themselves_get_an_answer_of_their_own(
    tmp_path: Path, sent_itself: bool, rest: list[str]
) -> None:
    with staged(tmp_path, chunk(1, "A", "B", doubt=Doubt.THIS_RUN)) as run:
        _, whole = await run.next()
        first, second = await run.cut(whole)
        if sent_itself:
            other = run.view.load(second.id, BATCHES)
            n = await run.ledger.mark(run.num, other)
            await run.ledger.record(run.num, other, n, Answer(Verdict.DOUBT), Settlement(ChunkState.PENDING))
        await run.ledger.settle(run.num, first.id, STOPPED)
        await run.feed.learn(whole, NO_PRODUCT)
        assert [run.view.serials(part.id)[0] for part in (second,) if not run.feed.is_skipped(part)] == rest


async def test_the_parts_of_a_chunk_that_was_cut_before_come_together(tmp_path: Path) -> None:
    with staged(tmp_path, chunk(1, "A", "B"), chunk(2, "C", "D")) as run:
        _, whole = await run.next()
        await run.cut(whole)
        run.feed = run.fresh()
        _, planned = await run.next()
        assert [run.view.serials(part.id)[0] for part in planned.parts] == ["A", "B"]
        assert (planned.serials, planned.root) == (2, 1)


async def test_a_chunk_that_was_put_aside_comes_again_when_another_has_shown_that_the_api_is_there(
    tmp_path: Path,
) -> None:
    with staged(tmp_path, chunk(1, "A"), chunk(1, "B"), chunk(1, "C")) as run:
        _, first = await run.next()
        await run.feed.done(first, first)
        name, second = await run.next()
        await run.feed.learn(second, SETTLED)
        _, again = await run.next()
        assert (name, again.parts, again.others_answered) == ("B", first.parts, True)
        await run.feed.done(second)
        await run.feed.done(again)
        assert await run.rest() == ["C"]


async def test_a_chunk_that_was_put_aside_comes_alone_where_there_is_nothing_else(tmp_path: Path) -> None:
    with staged(tmp_path, chunk(1, "A")) as run:
        _, first = await run.next()
        assert not first.alone
        await run.feed.done(first, first)
        _, again = await run.next()
        assert again.alone


async def test_many_chunks_wait_for_a_product_in_bounded_memory(tmp_path: Path) -> None:
    count = 5_000
    with staged(tmp_path, *(chunk(1, f"S{number}") for number in range(count))) as run:
        _, probe = await run.next()
        waiting = asyncio.create_task(run.feed.next())
        await asyncio.sleep(0)
        assert sum(map(len, run.feed._waiting.values())) < count
        await run.answered(probe, SETTLED)
        kept = await waiting
        assert kept is not None
        await run.answered(kept, SETTLED)
        assert len(await run.rest()) == count - 2
