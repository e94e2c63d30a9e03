from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ledger_builders import looking, staged_run
from saying import refused

from importer.errors import LedgerError
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "importer.db"


def test_a_reader_can_not_write(path: Path) -> None:
    with SqliteLedger(path) as ledger, SqliteView(path) as view:
        staged_run(ledger)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            view._db.execute("DELETE FROM run")


def test_a_check_of_the_whole_file_finds_a_damaged_page(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        staged_run(ledger)
    with looking(path) as view:
        view.check()
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 4096)
    with looking(path) as view, refused(LedgerError, "malformed"):
        view.check()
