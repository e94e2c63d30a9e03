from __future__ import annotations

from pathlib import Path

import pytest
from ledger_builders import asked, looking, staged_run
from postgres_server import PostgresServer
from saying import refused

from importer.errors import LedgerError
from importer.ledger.opening import place_of
from importer.ledger.ports import Place
from importer.ledger.postgres import opening
from importer.ledger.postgres.migrating import migrate


@pytest.fixture
def place(postgres: PostgresServer) -> Place:
    made = place_of(Path("unused"), postgres.new_database())
    with made.open() as ledger:
        staged_run(ledger)
    return made


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """What a later importer brings along: two versions more."""
    (tmp_path / f"{opening.VERSION + 1:03}.sql").write_text("ALTER TABLE run ADD colour text", "utf-8")
    (tmp_path / f"{opening.VERSION + 2:03}.sql").write_text("ALTER TABLE run ADD weight text", "utf-8")
    return tmp_path


def test_a_migration_goes_through_all_versions_and_is_done_once(place: Place, steps: Path) -> None:
    newest = opening.VERSION + 2
    assert migrate(str(place), steps) == (opening.VERSION, newest)
    assert migrate(str(place), steps) == (newest, newest)
    assert asked(place, "SELECT colour, weight FROM run") == [(None, None)]


def test_an_importer_may_go_on_with_the_version_after_its_own_and_with_no_later_one(place: Place, steps: Path) -> None:
    (steps / f"{opening.VERSION + 2:03}.sql").rename(steps / "later")
    migrate(str(place), steps)
    with place.open() as ledger, looking(place) as view:
        staged_run(ledger, number=2)
        assert len(view.runs()) == 2
    (steps / "later").rename(steps / f"{opening.VERSION + 2:03}.sql")
    migrate(str(place), steps)
    with refused(LedgerError, "was written by a newer importer|newer importer"):
        place.view()


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(place: Place, steps: Path) -> None:
    (steps / f"{opening.VERSION + 2:03}.sql").write_text("ALTER TABLE nowhere ADD weight text", "utf-8")
    with pytest.raises(LedgerError):
        migrate(str(place), steps)
    assert asked(place, "SELECT version, oldest FROM facts") == [(opening.VERSION, opening.VERSION)]
    with looking(place) as view:
        assert len(view.runs()) == 1
