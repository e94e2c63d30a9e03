"""Random lives of a ledger against a model that knows only serials: what is recorded holds, whatever breaks off."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_builders import UNREGISTERED, answer, cut, looking, new_run, planned, rows_of, staged_run
from ledger_model import FATES, Model, ModelChunk, read

from importer.errors import LedgerError
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.model import ChunkState, Doubt, Fate, Outcome, Part, Settlement

KINDS = ["assigned", "each", "refused", "again", "lost", "cut", "product"]
ENDS = [Outcome.ASSIGNED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT, None]
"""None: it is to be sent again."""


class LedgerLives(RuleBasedStateMachine):
    """Stage, mark, record, settle, retry, crash and reopen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="ledger-lives-"))
        self.lives = 0
        self.runner = asyncio.Runner()
        self.model = Model()
        self.assigned: set[str] = set()

    @initialize()
    def open(self) -> None:
        self.path = self.root / "0" / "importer.db"
        self.ledger = SqliteLedger(self.path)

    @rule(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=st.data())
    @precondition(lambda self: len(self.model.runs) < 4)
    def stage(self, sizes: list[int], seed: st.DataObject) -> None:
        number = self.model.next_run()
        chunks, first = [], 2
        for place, size in enumerate(sizes):
            serials = [f"{number}-{place}-{i}" for i in range(size)]
            repeat_of = sorted(seed.draw(st.lists(st.integers(0, size - 1), max_size=3)))
            batch, already = seed.draw(st.sampled_from([1, 2])), seed.draw(st.sampled_from([False, False, True]))
            doubt = seed.draw(st.sampled_from([Doubt.NONE, Doubt.EARLIER_RUN]))
            state = (ChunkState.SETTLED, "already_assigned") if already else (ChunkState.PENDING, "")
            rows = rows_of(serials, first, repeat_of)
            first += size + len(repeat_of)
            chunks.append((rows, planned(rows, batch, *state, doubt)))
        run = staged_run(self.ledger, *(chunk for _, chunk in chunks), number=number)
        self.model.stage(run, chunks, self._ids(run))

    @rule()
    def begin_a_run_that_is_never_staged(self) -> None:
        run = self.ledger.begin(new_run(self.model.next_run()))
        self.ledger.post_chunks(run, 1, [planned(rows_of([f"half-{run}"]))]).result()

    @rule(data=st.data())
    @precondition(lambda self: self.model.any(ChunkState.PENDING))
    def mark(self, data: st.DataObject) -> None:
        chunk = self._draw(data, ChunkState.PENDING)
        n = self.runner.run(self.ledger.mark(chunk.run, chunk.as_chunk()))
        assert n == self.model.mark(chunk)

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    @precondition(lambda self: self.model.any(ChunkState.SENT))
    def record(self, data: st.DataObject, kind: str) -> None:
        chunk = self._draw(data, ChunkState.SENT)
        settled = self._settlement(data, chunk, kind)
        done = self.ledger.record(chunk.run, chunk.as_chunk(), chunk.attempts, answer(serials=chunk.serials), settled)
        self._settled(chunk, settled, self.runner.run(done))

    @rule(data=st.data(), kind=st.sampled_from(["given_up", "cut"]))
    @precondition(lambda self: self.model.any(ChunkState.PENDING))
    def settle_without_an_answer(self, data: st.DataObject, kind: str) -> None:
        chunk = self._draw(data, ChunkState.PENDING)
        settled = self._settlement(data, chunk, kind)
        self._settled(chunk, settled, self.runner.run(self.ledger.settle(chunk.run, chunk.id, settled)))

    def _settled(self, chunk: ModelChunk, settled: Settlement, to_send: Sequence[int]) -> None:
        with looking(self.path) as view:
            ids = {tuple(view.serials(kept.id)): kept.id for kept in view.chunks_by_key(chunk.run)}
        self.model.settle(chunk, settled, ids)
        parts = [part for part in settled.parts if not part.fate]
        assert to_send == [ids[tuple(chunk.serials[place] for place in part.places)] for part in parts]

    @rule(data=st.data())
    @precondition(lambda self: self.model.settled())
    def nothing_takes_back_what_is_settled(self, data: st.DataObject) -> None:
        chunk = data.draw(st.sampled_from(self.model.settled()))
        with pytest.raises(LedgerError):
            self.runner.run(self.ledger.mark(chunk.run, chunk.as_chunk()))
        with pytest.raises(LedgerError):
            self.runner.run(self.ledger.settle(chunk.run, chunk.id, self._settlement(data, chunk, "lost")))

    @rule(data=st.data())
    @precondition(lambda self: self.model.runs)
    def retry(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.model.runs)))
        assert self.runner.run(self.ledger.renew(run)) == self.model.renew(run)

    @rule()
    def close_and_reopen(self) -> None:
        self.ledger.close()
        self.ledger = SqliteLedger(self.path)
        self.model.reopen()

    @rule()
    def crash(self) -> None:
        """What a killed process leaves: the file and its -wal as they are at this moment."""
        self.lives += 1
        left = self.root / str(self.lives) / "importer.db"
        left.parent.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.path}{suffix}", f"{left}{suffix}")
        self.ledger.close()
        self.path, self.ledger = left, SqliteLedger(left)
        self.model.reopen()

    @invariant()
    def every_serial_stands_once_with_the_fate_that_was_recorded(self) -> None:
        if hasattr(self, "ledger"):
            found = read(self.path)
            assert found == self.model.fates()
            assigned = {serial for fates in found.values() for serial, fate in fates.items() if fate[0] == "assigned"}
            assert self.assigned <= assigned
            self.assigned = assigned

    def teardown(self) -> None:
        self.ledger.close()
        self.runner.close()
        shutil.rmtree(self.root)

    def _draw(self, data: st.DataObject, state: ChunkState) -> ModelChunk:
        return data.draw(st.sampled_from(self.model.any(state)))

    def _settlement(self, data: st.DataObject, chunk: ModelChunk, kind: str) -> Settlement:
        count = len(chunk.serials)
        if kind == "each":
            outcomes = data.draw(st.lists(st.sampled_from(ENDS), min_size=count, max_size=count))
            parts = [
                Part(
                    [place for place, other in enumerate(outcomes) if other == outcome],
                    Fate(outcome, "code") if outcome else None,
                )
                for outcome in dict.fromkeys(outcomes)
            ]
            return Settlement(ChunkState.CUT, parts=parts)
        if kind == "cut":
            ends = sorted({0, count, *data.draw(st.lists(st.integers(0, count), max_size=3))})
            return cut(*(range(a, b) for a, b in pairwise(ends)), limit=data.draw(st.none() | st.just(count)))
        if kind == "product":
            gtin = chunk.batch.gtin
            return replace(UNREGISTERED, stop_product=gtin)
        return FATES[kind]

    def _ids(self, run: int) -> Sequence[int]:
        with looking(self.path) as view:
            return [kept.id for kept in view.chunks_by_key(run)]


TestLedgerLives = LedgerLives.TestCase
TestLedgerLives.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
