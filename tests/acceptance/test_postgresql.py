"""The ledger in PostgreSQL, through the command: the same outcomes whatever dies, and a clear line if it can't be."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from agreement import FAST, differences
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import TABLETS, packs, write_csv
from postgres_server import PostgresServer
from readback import Report
from webserver import Browser, Server, rows

from importer.ledger.opening import place_of
from importer.model import RunState

ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1", "IMPORTER_API__TIMEOUT_SECONDS": "5"}


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


def until(so: Callable[[], object]) -> None:
    """Ask again and again: what is waited for is another process's doing, and pytest's timeout is the end of it."""
    while not so():
        pass


def test_every_command_knows_a_ledger_in_postgresql(importer: Importer, box: Box, url: str) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(40))
    env = {**box.env, **FAST, "IMPORTER_LEDGER__URL": url}
    assert importer("check", source, env=env).code == 0
    assert importer("run", source, env=env).code == 0
    (run,) = importer("runs", "--json", env=env).json
    assert (run["state"], run["outcomes"]["assigned"]) == ("finished", 40)
    assert importer("status", "last", "--json", env=env).json["outcomes"]["assigned"] == 40
    assert "assigned" in importer("trace", packs(1)[0][0], env=env).out
    assert importer("report", "last", env=env).code == 0
    assert importer("verify", "last", env=env).code == 0
    assert importer("doctor", env=env).code == 0
    assert importer("run", source, env=env).code == 0
    assert {entry.received for entry in box.ledger().values()} == {1}
    assert not (importer.cwd / "importer.db").exists()


def test_another_command_is_given_the_url_that_this_one_was_given(importer: Importer, box: Box, url: str) -> None:
    env = {**box.env, **FAST, "IMPORTER_LEDGER__PATH": "other.db"}
    source = write_csv(importer.cwd / "list.csv", [*packs(4), ("S 5", TABLETS, "B", "281231")])
    ended = importer("run", "--ledger", url, source, env=env)
    assert ended.code == 3
    assert f"--ledger '{url}'" in ended.out
    assert not (importer.cwd / "other.db").exists()


@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
def test_killed_while_a_request_is_on_its_way_a_run_is_resumed(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], url: str, fault: str
) -> None:
    box = sandbox(f"commission:{fault}=at:2", "twice=assigned")
    env = {**box.env, **ONE, "IMPORTER_LEDGER__URL": url}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env=env) as running:
        until(lambda: len(box.requests()) == 2)
        running.send(signal.SIGKILL)
        running.ended()
    resumed = importer("resume", env=env)
    assert differences(box, report()) == []
    assert (resumed.code, report().outcomes) == (0, {"assigned": 12}), resumed.err
    received = [entry.received for (_, serial), entry in sorted(box.ledger().items()) if serial <= "S00004"]
    assert received == [1] * 4, "what the ledger had as assigned was sent again"
    assert importer("verify", report().run, env=env).code == 0


def test_an_import_waits_for_a_server_that_crashes_in_the_middle_of_it(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], url: str, postgres: PostgresServer
) -> None:
    box = sandbox()
    env = {**box.env, **ONE, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "20", "IMPORTER_LEDGER__URL": url}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(80)), env=env) as running:
        until(lambda: len(box.requests()) >= 3)
        postgres.restart()
        ended = running.ended()
    assert ended.code == 0, ended.err
    assert report().outcomes == {"assigned": 80}
    assert differences(box, report()) == []
    assert {entry.received for entry in box.ledger().values()} == {1}


def test_a_second_process_that_would_send_into_the_same_target_tries_again_later(
    importer: Importer, sandbox: StartBox, url: str
) -> None:
    box = sandbox("commission:hang_before=at:1")
    env = {**box.env, **ONE, "IMPORTER_LEDGER__URL": url}
    other = write_csv(importer.cwd / "other.csv", packs(4, first=500))
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env) as running:
        until(box.requests)
        second = importer("run", other, env=env)
        running.send(signal.SIGKILL)
        running.ended()
    assert second.code == 75
    assert f"Process {running.pid} on" in second.err
    assert importer("resume", env=env).code == 0


WRONG = {
    "nothing_listens": ("postgresql://importer@127.0.0.1:1/ledger", 75, "can't be reached"),
    "no_such_database": ("postgresql://importer@/none?host={directory}", 2, 'database "none" does not exist'),
    "password_missing": ("postgresql://planner@/postgres?host={directory}", 2, "PGPASSWORD"),
    "password_in_it": ("postgresql://planner:hidden77@/postgres?host={directory}", 2, "without a password"),
    "not_postgresql": ("mysql://importer@/ledger", 2, "postgresql://user@host/database"),
}


@pytest.mark.parametrize(("given", "code", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_url_that_leads_nowhere_is_told_in_one_line(
    importer: Importer, box: Box, postgres: PostgresServer, given: str, code: int, said: str
) -> None:
    env = {**box.env, "IMPORTER_LEDGER__URL": given.format(directory=postgres.directory)}
    ended = importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env)
    assert ended.code == code
    assert said in ended.err
    assert "hidden77" not in ended.err
    assert box.requests() == []


def test_a_password_comes_from_the_environment(
    importer: Importer, box: Box, postgres: PostgresServer, url: str
) -> None:
    env = {**box.env, **FAST, "PGPASSWORD": postgres.PASSWORD}
    env["IMPORTER_LEDGER__URL"] = url.replace("importer@", "planner@")
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env).code == 0
    env["PGPASSWORD"] = "another"
    assert importer("runs", env=env).code == 2


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_what_it_has_confirmed_is_refused(
    importer: Importer, box: Box, postgres: PostgresServer, url: str, setting: str
) -> None:
    postgres.execute(f"ALTER SYSTEM SET {setting} = off")
    postgres.execute("SELECT pg_reload_conf()")
    try:
        env = {**box.env, "IMPORTER_LEDGER__URL": url}
        ended = importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env)
    finally:
        postgres.execute(f"ALTER SYSTEM RESET {setting}")
        postgres.execute("SELECT pg_reload_conf()")
    assert ended.code == 2
    assert f"its {setting} is off" in ended.err
    assert box.requests() == []


def test_without_its_driver_one_line_says_what_to_install(importer: Importer, box: Box, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "psycopg.py").write_text("raise ImportError('No module named psycopg')\n", "utf-8")
    env = {**box.env, "PYTHONPATH": str(hidden), "IMPORTER_LEDGER__URL": "postgresql://importer@/ledger"}
    for command in (["runs"], ["run", write_csv(importer.cwd / "list.csv", packs(4))]):
        ended = importer(*command, env=env)
        assert ended.code == 2
        assert 'pip install "serial-importer[postgres]"' in ended.err.replace("\n", " ")
        assert "Traceback" not in ended.err


def test_the_page_looks_into_a_ledger_in_postgresql(importer: Importer, box: Box, url: str) -> None:
    env = {**box.env, **FAST, "IMPORTER_LEDGER__URL": url}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env).code == 0
    with Server(importer.cwd, env) as page, urllib.request.urlopen(f"{page.url}/") as answer:
        assert "list.csv" in answer.read().decode()


async def test_a_run_of_the_page_waits_while_another_host_sends_into_its_target(
    importer: Importer, box: Box, url: str
) -> None:
    env = {**box.env, **FAST, "IMPORTER_LEDGER__URL": url}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env).code == 0
    place = place_of(importer.cwd, url)
    with place.view() as view:
        first = view.runs()[0]
    with Server(importer.cwd, env) as page, place.open() as other:
        await other.running(first.num, "unknown")
        async with Browser(page) as planner:
            run = await planner.confirm(await planner.upload(rows(5)))
            while not (waits_for := (await planner.get(f"/api/runs/{run}"))["waits_for"]):
                continue
            assert f"is in use by process {os.getpid()}" in waits_for
            await other.ended(first.num, RunState.FINISHED, 0, None, 0.0)
            assert (await planner.until(run, "finished"))["outcomes"]["assigned"] == 5
