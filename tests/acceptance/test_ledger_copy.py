"""A ledger moves from a file into PostgreSQL and back, and goes on there as if it had always been there."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from agreement import FAST, differences
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import TABLETS, packs, write_csv
from postgres_server import PostgresServer
from readback import Report


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


def changed(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c search_path=importer") as server:
        server.execute(sql.encode())


def stopped_run(importer: Importer, sandbox: StartBox) -> Box:
    """Of three chunks one is assigned, one's answer was lost, and one was not sent; a row is rejected."""
    box = sandbox("commission:drop_after=at:2", "twice=assigned")
    env = {**box.env, **FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1", "IMPORTER_LIMITS__MAX_ATTEMPTS": "1"}
    source = write_csv(importer.cwd / "list.csv", [*packs(12), ("S 5", TABLETS, "B1", "281231")])
    importer("run", source, "--ledger", "importer.db", env=env)
    return box


def test_a_ledger_goes_into_postgresql_and_back_and_says_the_same_everywhere(
    importer: Importer, sandbox: StartBox, url: str
) -> None:
    stopped_run(importer, sandbox)
    copied = importer("ledger", "copy", "importer.db", url)
    assert copied.code == 0, copied.err
    assert "Runs: 1, rows: 13, serials: 12" in copied.out
    assert importer("ledger", "copy", url, "back.db").code == 0
    told = [importer("status", "last", "--json", "--ledger", where).json for where in ("importer.db", url, "back.db")]
    assert told[0]["outcomes"] == told[1]["outcomes"] == told[2]["outcomes"]
    assert [importer("verify", "last", "--ledger", where).code for where in (url, "back.db")] == [0, 0]


def test_a_run_that_was_copied_is_retried_there_and_what_comes_after_it_knows_its_serials(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], url: str
) -> None:
    box = stopped_run(importer, sandbox)
    assert importer("ledger", "copy", "importer.db", url).code == 0
    env = {**box.env, **FAST, "IMPORTER_LEDGER__URL": url}
    importer("retry", "last", env=env)
    assert differences(box, report()) == []
    again = write_csv(importer.cwd / "again.csv", packs(4))
    assert importer("run", again, env=env).code == 0
    assert {entry.received for (_, serial), entry in box.ledger().items() if serial <= "S00004"} == {1}


@pytest.mark.parametrize("way", ["to_postgresql", "to_a_file"])
def test_a_ledger_is_copied_into_an_empty_one_only(importer: Importer, sandbox: StartBox, url: str, way: str) -> None:
    stopped_run(importer, sandbox)
    assert importer("ledger", "copy", "importer.db", url).code == 0
    source, target = ("importer.db", url) if way == "to_postgresql" else (url, "importer.db")
    second = importer("ledger", "copy", source, target)
    assert second.code == 2
    assert "holds something already" in second.err


def test_a_ledger_that_is_being_written_is_not_copied(importer: Importer, sandbox: StartBox, url: str) -> None:
    box = sandbox("commission:hang_before=at:1")
    env = {**box.env, **FAST, "IMPORTER_LEDGER__URL": url}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env):
        while not box.requests():
            pass
        copied = importer("ledger", "copy", url, "copy.db")
    assert copied.code == 75
    assert "is in use by process" in copied.err


def test_a_ledger_of_an_older_importer_is_migrated_only_when_a_person_says_so(importer: Importer, url: str) -> None:
    env = {"IMPORTER_LEDGER__URL": url}
    assert importer("ledger", "copy", "importer.db", url).code == 2
    assert not (importer.cwd / "importer.db").exists()
    importer("run", "--sandbox", write_csv(importer.cwd / "list.csv", packs(4)), env=env)
    changed(url, "UPDATE facts SET version = 0, oldest = 0")
    refused = importer("runs", env=env)
    assert refused.code != 0
    assert "importer ledger migrate" in refused.err
    changed(url, "UPDATE facts SET version = 1, oldest = 1")
    migrated = importer("ledger", "migrate", env=env)
    assert migrated.code == 0
    assert "nothing to do" in migrated.out
    assert importer("ledger", "migrate").code == 2


def test_a_password_in_the_url_of_a_copy_is_refused_and_not_shown(importer: Importer, sandbox: StartBox) -> None:
    stopped_run(importer, sandbox)
    copied = importer("ledger", "copy", "importer.db", "postgresql://importer:hidden77@/ledger")
    assert copied.code == 2
    assert "without a password" in copied.err
    assert "hidden77" not in copied.out + copied.err
