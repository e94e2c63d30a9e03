"""Two processes and one lease: whatever happens to one of them, no request of it begins among the other's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from postgres_server import PostgresServer

from importer.ledger.postgres.lease import schema, take
from importer.ledger.postgres.tenure import Tenure

_LIFE = 2.0
_PATIENCE = 30.0


class Line(NamedTuple):
    what: str
    name: str
    at: float


class Pair:
    """Two owners of one channel, and what they have done."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self._path = url, path
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        program = Path(__file__).with_name("owner_process.py")
        self.processes[name] = subprocess.Popen(
            [sys.executable, program, self.url, "channel", name, str(_LIFE), self._path]
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def lines(self) -> list[Line]:
        if not self._path.exists():
            return []
        parts = (line.split() for line in self._path.read_text().splitlines())
        return [Line(what, name, float(at)) for what, name, at in parts]

    def until(self, comes: Callable[[list[Line]], bool]) -> None:
        ends = time.monotonic() + _PATIENCE
        while not comes(self.lines()):
            assert time.monotonic() < ends, self.lines()[-5:]
            time.sleep(0.02)

    def began(self, name: str, more_than: int = 20) -> None:
        """Wait until it has begun some more requests."""
        before = self.count(name)
        self.until(lambda _: self.count(name) > before + more_than)

    def count(self, name: str) -> int:
        return sum(line.name == name and line.what == "began" for line in self.lines())

    def turns(self) -> list[str]:
        """Who began, one name for all that nothing of the other was among."""
        began = sorted((line for line in self.lines() if line.what == "began"), key=lambda line: line.at)
        return [name for name, _ in groupby(began, key=lambda line: line.name)]

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


def prepared(postgres: PostgresServer) -> str:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(schema())
        connection.execute("CREATE TABLE written (token bigint)")
    return url


@pytest.fixture
def pair(postgres: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    pair = Pair(prepared(postgres), tmp_path / "lines")
    pair.start("a")
    pair.began("a")
    pair.start("b")
    yield pair
    pair.close()


def test_an_owner_that_was_stopped_for_longer_than_its_lease_begins_nothing_among_the_others_(pair: Pair) -> None:
    pair.signal("a", signal.SIGSTOP)
    pair.began("b")
    pair.signal("a", signal.SIGCONT)
    pair.until(lambda lines: any(line.what in {"fenced", "lost"} and line.name == "a" for line in lines))
    pair.began("b")
    assert pair.turns() == ["a", "b"]


def test_a_killed_owner_is_replaced_when_its_lease_is_over(pair: Pair) -> None:
    pair.signal("a", signal.SIGKILL)
    pair.began("b")
    last = max(line.at for line in pair.lines() if line.name == "a")
    took = next(line.at for line in pair.lines() if line.name == "b" and line.what == "took")
    assert pair.turns() == ["a", "b"]
    assert _LIFE / 2 < took - last < 2 * _LIFE + 5


def test_a_server_that_comes_back_after_a_power_cut_finds_one_owner(pair: Pair, postgres: PostgresServer) -> None:
    postgres.restart()
    pair.until(lambda lines: lines[-1].what == "began" and pair.count("a") + pair.count("b") > 60)
    tokens = written(pair)
    assert tokens == sorted(tokens), "a write of an old token took place after one of a newer"
    assert len(pair.turns()) <= 2


def test_one_that_is_stopped_in_the_middle_of_a_write_does_not_keep_the_lease(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """Its lock would last as long as its connection."""
    url = prepared(postgres)
    pair = Pair(url, tmp_path / "lines")
    with psycopg.connect(url, autocommit=True) as stuck:
        taken = take(stuck, Tenure(_LIFE), "channel", "stuck", backend=stuck.info.backend_pid)
        assert taken
        stuck.execute("BEGIN")
        stuck.execute("SELECT lease_fence('channel', %s)", (taken.token,))
        pair.start("b")
        pair.began("b")
        pair.close()
        with pytest.raises(psycopg.OperationalError):
            stuck.execute("COMMIT")


def written(pair: Pair) -> list[int]:
    """The tokens of all writes, in the order in which they took place."""
    with psycopg.connect(pair.url) as connection:
        return [row[0] for row in connection.execute("SELECT token FROM written ORDER BY ctid")]
