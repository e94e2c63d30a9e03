"""lease.sql keeps the same rules as the model of the simulation: the same machine, with a real server beneath it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

import psycopg
import pytest
from leasing import LIFE, Blocked, Gone, Leasing, Model, Server, walk
from postgres_server import PostgresServer
from psycopg.errors import LockNotAvailable

from importer.ledger.postgres.lease import FENCED, schema

_CLOCK = """
CREATE TABLE test_clock (at double precision NOT NULL);
INSERT INTO test_clock VALUES (0);
CREATE OR REPLACE FUNCTION lease_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT to_timestamp(at) FROM test_clock $$;
"""
_CHANNEL = "https://api.example channel:a"


class Real:
    """The same server that production has, but for its clock."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._main = psycopg.connect(url, autocommit=True)
        self._main.execute("TRUNCATE lease")
        self._main.execute("SET lock_timeout = 1")
        self._all: dict[int, psycopg.Connection[Any]] = {}

    def connect(self) -> int:
        connection = psycopg.connect(self._url, autocommit=True)
        connection.execute("SET lock_timeout = 1")
        self._all[len(self._all)] = connection
        return len(self._all) - 1

    def _say(self, connection: psycopg.Connection[Any], statement: str, *values: object) -> Any:
        try:
            row = connection.execute(statement, values).fetchone()
        except LockNotAvailable:
            raise Blocked from None
        except psycopg.OperationalError:
            raise Gone from None
        return row and row[0]

    def take(self, connection: int, owner: str) -> int | None:
        token: int | None = self._say(
            self._all[connection],
            "SELECT granted FROM lease_take(%s, %s, make_interval(secs => %s), pg_backend_pid())",
            _CHANNEL,
            owner,
            LIFE,
        )
        return token

    def renew(self, token: int) -> bool:
        return bool(
            self._say(self._main, "SELECT lease_renew(%s, %s, make_interval(secs => %s), '{}')", _CHANNEL, token, LIFE)
        )

    def free(self, token: int) -> bool:
        return bool(self._say(self._main, "SELECT lease_free(%s, %s, '{}')", _CHANNEL, token))

    def begin_write(self, connection: int, token: int) -> bool:
        mine = self._all[connection]
        try:
            mine.execute("BEGIN")
            self._say(mine, "SELECT lease_fence(%s, %s)", _CHANNEL, token)
        except psycopg.OperationalError:
            raise Gone from None
        except psycopg.Error as error:
            mine.execute("ROLLBACK")
            if error.sqlstate != FENCED:
                raise
            return False
        return True

    def commit(self, connection: int) -> None:
        try:
            self._all[connection].execute("COMMIT")
        except psycopg.OperationalError:
            raise Gone from None

    def evict(self, connection: int, owner: str) -> None:
        try:
            self._say(self._all[connection], "SELECT lease_evict(%s, %s)", _CHANNEL, owner)
        except Gone:
            return

    def holder(self) -> tuple[str, int, float]:
        row = self._main.execute("SELECT owner, token, expires_at FROM lease").fetchone()
        if row is None:
            return "", 0, float("-inf")
        return row[0], row[1], row[2].timestamp()

    def pass_time(self, now: float) -> None:
        self._main.execute("UPDATE test_clock SET at = %s", (now,))

    def restart(self) -> None:
        for _ in iter(self._end_all, 0):
            """Until none is left."""

    def _end_all(self) -> int:
        row = self._main.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid != pg_backend_pid() AND datname = current_database()"
        ).fetchone()
        return row[0] if row else 0

    def close(self) -> None:
        for connection in (self._main, *self._all.values()):
            connection.close()


def database(postgres: PostgresServer, statements: str | None = None) -> str:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements or schema())
        connection.execute(_CLOCK)
    return url


def walks(url: str, seeds: Iterable[int]) -> int:
    """Walk with the real statements; return how many requests began."""
    begun = 0

    class Machine(Leasing):
        def new_server(self) -> Real:
            self.real = Real(url)
            return self.real

    for seed in seeds:
        machine = Machine()
        try:
            walk(machine, Random(seed))
        finally:
            machine.real.close()
        begun += len(machine.wire)
    return begun


def test_the_statements_hold_what_the_model_holds(postgres: PostgresServer) -> None:
    assert walks(database(postgres), range(40)) > 10


@pytest.mark.parametrize(
    ("sound", "broken", "model"),
    [
        (" FOR SHARE", "", Model(locks=False)),
        ("OR held.expires_at < lease_now()\n    RETURNING", "OR true\n    RETURNING", Model(waits_for_the_end=False)),
    ],
    ids=["fences-without-lock", "takes-from-the-living"],
)
def test_a_broken_statement_is_found_where_the_model_finds_it(
    postgres: PostgresServer, request: pytest.FixtureRequest, sound: str, broken: str, model: Server
) -> None:
    assert sound in schema()
    url = database(postgres, schema().replace(sound, broken))
    with pytest.raises(AssertionError):
        walks(url, [first_seed(model)])


def first_seed(model: Server) -> int:
    """That of the first walk in which a broken model is found out."""

    class Machine(Leasing):
        def new_server(self) -> Server:
            return deepcopy(model)

    for seed in count():
        try:
            walk(Machine(), Random(seed))
        except AssertionError:
            return seed
    raise AssertionError


def test_the_server_s_own_clock_decides(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.new_database(), autocommit=True) as connection:
        connection.execute(schema())
        ((now,),) = connection.execute("SELECT lease_now()").fetchall()
        assert abs((now - datetime.now(UTC)).total_seconds()) < 5
