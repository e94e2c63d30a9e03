"""Random lives of a ledger against a model that knows only serials: what is recorded holds, whatever breaks off."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ledger_builders import UNREGISTERED, answer, cut, looking, new_run, planned, rows_of, staged_run
from ledger_model import FATES, Model, ModelChunk, read
from postgres_server import PostgresServer

from importer.errors import LedgerError
from importer.ledger.opening import place_of
from importer.ledger.ports import Place
from importer.ledger.sqlite.place import SqlitePlace
from importer.model import ChunkState, Doubt, Fate, Outcome, Part, Settlement

KINDS = ["assigned", "each", "refused", "again", "lost", "cut", "product"]
ENDS = [Outcome.ASSIGNED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT, None]
"""None: it is to be sent again."""


class LedgerLives(RuleBasedStateMachine):
    """Stage, mark, record, settle, retry, crash and reopen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.assigned: set[str] = set()

    @initialize()
    def open(self) -> None:
        self.place = self.new_place()
        self.ledger = self.place.open()

    @abstractmethod
    def new_place(self) -> Place:
        """Where there is no ledger yet."""

    @abstractmethod
    def kill(self) -> None:
        """End the ledger as the end of its process would; `place` is where what that leaves stands."""

    def _reopen(self) -> None:
        """What was on the wire is in doubt at the latest when something is sent into its target again."""
        self.ledger = self.place.open()
        for run in self.model.runs:
            self.runner.run(self.ledger.running(run, "unknown"))
        self.model.reopen()

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
        with looking(self.place) as view:
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
        self._reopen()

    @rule()
    def crash(self) -> None:
        self.kill()
        self._reopen()

    @invariant()
    def every_serial_stands_once_with_the_fate_that_was_recorded(self) -> None:
        if hasattr(self, "ledger"):
            found = read(self.place)
            assert found == self.model.fates()
            assigned = {serial for fates in found.values() for serial, fate in fates.items() if fate[0] == "assigned"}
            assert self.assigned <= assigned
            self.assigned = assigned

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
        self.runner.close()

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
        with looking(self.place) as view:
            return [kept.id for kept in view.chunks_by_key(run)]


class SqliteLives(LedgerLives):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="ledger-lives-"))
        self.lives = 0

    def new_place(self) -> Place:
        self.lives += 1
        return SqlitePlace(self.root / str(self.lives) / "importer.db")

    def kill(self) -> None:
        """Leave the file and its -wal as they are at this moment."""
        left = self.new_place()
        assert isinstance(self.place, SqlitePlace)
        assert isinstance(left, SqlitePlace)
        left.path.parent.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.place.path}{suffix}", f"{left.path}{suffix}")
        self.ledger.close()
        self.place = left

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.root)


def test_lives_in_sqlite() -> None:
    run_state_machine_as_test(SqliteLives, settings=_lives(40))


def test_lives_in_postgresql(postgres: PostgresServer) -> None:
    url = postgres.new_database()

    class PostgresLives(LedgerLives):
        def new_place(self) -> Place:
            postgres.execute("DROP SCHEMA IF EXISTS importer CASCADE", postgres.name_of(url))
            return place_of(Path("unused"), url)

        def kill(self) -> None:
            """The server ends the session as it does when the process is gone; this one gets no chance to say more."""
            postgres.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'importer %'"
            )
            self.ledger.close()

    run_state_machine_as_test(PostgresLives, settings=_lives(12))


def _lives(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
