"""One profile for every property test: no chance that isn't seeded, and no clock that fails a test on a busy machine.

`pytest --hypothesis-profile=explore` looks at new cases, and more of them.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from postgres_server import PostgresServer, binaries

from importer.ledger.opening import place_of
from importer.ledger.ports import Place

# Where a tests' run was started with nohup, every command here would have to ignore SIGHUP, too.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


settings.register_profile("importer", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("importer")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a worker; a test that needs an empty ledger asks `new_database()` for its URL."""
    programs = binaries()
    if programs is None:
        pytest.skip("postgresql is not installed: Debian's package `postgresql` has its server")
    pytest.importorskip("psycopg", reason="postgresql: the extra `postgres` is not installed (psycopg)")
    server = PostgresServer(programs)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where an empty ledger may be made; what holds of it holds of each back end."""
    if request.param == "sqlite":
        return place_of(tmp_path / "importer.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return place_of(tmp_path, server.new_database())
