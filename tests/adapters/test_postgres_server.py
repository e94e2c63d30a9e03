from __future__ import annotations

import signal

from postgres_server import PostgresServer


def test_the_tests_have_a_postgresql_of_their_own_that_writes_through_to_the_disk(postgres: PostgresServer) -> None:
    assert postgres.execute("SHOW fsync") == [("on",)]
    assert postgres.execute("SHOW listen_addresses") == [("",)]


def test_what_was_committed_is_there_after_a_restart_as_after_a_crash(postgres: PostgresServer) -> None:
    database = postgres.name_of(postgres.new_database())
    postgres.execute("CREATE TABLE kept AS SELECT 7 AS n", database)
    postgres.restart(signal.SIGQUIT)
    assert postgres.execute("SELECT n FROM kept", database) == [(7,)]
