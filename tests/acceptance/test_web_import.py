from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from boxes import Box
from conftest import StartBox
from webserver import GTIN, HEADER, Browser, Server, rows

from importer.web import api, app, pages_login, pages_runs, pages_uploads
from importer.web.openapi import document


async def test_what_is_confirmed_is_imported_and_every_row_has_an_outcome(server: Server, box: Box) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(2500) + f"S 1,{GTIN},B1,281231\n", comment="release 7")
    assert run["outcomes"]["assigned"] == 2500
    assert run["outcomes"]["rejected"] == 1
    assert run["identity_holds"]
    assert [(one["event"], one["text"]) for one in run["comments"]] == [("confirm", "release 7")]
    assert len(box.commissioned()) == 2500


async def test_two_who_confirm_the_same_list_start_one_run(server: Server, box: Box) -> None:
    async with Browser(server) as anna, Browser(server) as bert:
        upload = await anna.upload(rows(1200))
        runs = await asyncio.gather(anna.confirm(upload), bert.confirm(upload))
        assert runs[0] == runs[1]
        await anna.until(runs[0], "finished")
        assert len((await anna.get("/api/runs"))["runs"]) == 1
    assert len(box.requests()) == 2


async def slow_run(planner: Browser, count: int = 60_000, start: int = 0) -> str:
    run = await planner.confirm(await planner.upload(rows(count, start=start)))
    await planner.until(run, "sending")
    return run


@pytest.fixture
def slow(sandbox: StartBox, tmp_path: Path) -> Iterator[tuple[Server, Box]]:
    """Some hundred requests that take five seconds."""
    box = sandbox("any:latency=1,seconds=0.2")
    env = {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "200", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "12"}
    with Server(tmp_path / "work", env) as started:
        yield started, box


async def test_a_run_can_be_paused_and_goes_on_where_it_was(slow: tuple[Server, Box]) -> None:
    server, box = slow
    async with Browser(server) as planner:
        run = await slow_run(planner, 30_000)
        await planner.post(f"/api/runs/{run}/pause")
        paused = await planner.until(run, "paused")
        assert 0 < paused["to_send"] < 30_000
        await asyncio.sleep(0.5)
        assert (await planner.get(f"/api/runs/{run}"))["to_send"] == paused["to_send"]
        await planner.post(f"/api/runs/{run}/go-on")
        done = await planner.until(run, "finished")
    assert done["outcomes"]["assigned"] == 30_000
    assert len(box.requests()) == 150


async def test_a_stopped_run_leaves_the_rest_unsent_and_can_be_gone_on_with(slow: tuple[Server, Box]) -> None:
    server, _ = slow
    async with Browser(server) as planner:
        run = await slow_run(planner, 30_000)
        await planner.post(f"/api/runs/{run}/stop")
        stopped = await planner.until(run, "stopped")
        assert stopped["outcomes"]["unsent"] > 0
        assert stopped["identity_holds"]
        assert stopped["files"][0]["name"] == "report.xlsx"
        await planner.post(f"/api/runs/{run}/go-on")
        done = await planner.until(run, "finished")
    assert done["outcomes"]["assigned"] == 30_000
    assert [event["event"] for event in done["events"]][-2:] == ["go_on", "resume"]


async def test_others_wait_their_turn_visibly(slow: tuple[Server, Box]) -> None:
    server, _ = slow
    async with Browser(server) as anna, Browser(server) as bert:
        first = await slow_run(anna, 20_000)
        second = await bert.confirm(await bert.upload(rows(5, start=900_000), "second.csv"))
        third = await bert.confirm(await bert.upload(rows(5, start=910_000), "third.csv"))
        waiting = await bert.get(f"/api/runs/{third}")
        assert (waiting["phase"], waiting["ahead"]) == ("waiting", 2)
        await bert.post(f"/api/runs/{third}/stop")
        assert (await bert.until(second, "finished"))["outcomes"]["assigned"] == 5
        assert (await anna.get(f"/api/runs/{first}"))["phase"] == "finished"
        assert [one["name"] for one in (await bert.get("/api/overview"))["waiting"]] == ["third.csv"]


@pytest.mark.parametrize("how", ["end", "kill"])
async def test_what_was_running_and_waiting_goes_on_after_a_restart(slow: tuple[Server, Box], how: str) -> None:
    server, box = slow
    async with Browser(server) as planner:
        kept = await planner.upload(rows(3, start=800_000), "kept.csv")
        run = await slow_run(planner, 30_000)
        second = await planner.confirm(await planner.upload(rows(5, start=900_000)))
        await asyncio.sleep(0.3)
        if how == "end":
            assert server.end() == 0
        else:
            server.kill()
    env = {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "200", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "12"}
    with Server(server.directory, env) as again:
        async with Browser(again) as planner:
            done = await planner.until(run, "finished")
            assert done["outcomes"]["assigned"] == 30_000
            assert (await planner.until(second, "finished"))["outcomes"]["assigned"] == 5
            assert (await planner.preview(kept))["preview"]["to_send"] == 3
    assert len(box.commissioned()) == 30_005


async def test_a_run_waits_while_the_command_line_imports(box: Box, server: Server, importer_lock: Path) -> None:
    async with Browser(server) as planner:
        run = await planner.confirm(await planner.upload(rows(5)))
        for _ in range(200):
            found = await planner.get(f"/api/runs/{run}")
            if found["waits_for"]:
                break
            await asyncio.sleep(0.05)
        assert "in use by" in found["waits_for"]
        importer_lock.touch()  # noqa: ASYNC240  it takes no time
        assert (await planner.until(run, "finished"))["outcomes"]["assigned"] == 5
    assert len(box.commissioned()) == 5


@pytest.fixture
def importer_lock(server: Server, tmp_path: Path) -> Iterator[Path]:
    """Another process holds the ledger until this file is there."""
    flag = tmp_path / "go"
    code = (
        "import sys, time, pathlib; from importer.ledger.sqlite.ledger import SqliteLedger\n"
        "with SqliteLedger(pathlib.Path('importer.db')):\n print('held', flush=True)\n"
        " while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(flag)], cwd=server.directory, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield flag
        flag.touch()


async def test_events_tell_how_a_run_goes_until_it_ends(slow: tuple[Server, Box]) -> None:
    server, _ = slow
    async with Browser(server) as planner:
        run = await planner.confirm(await planner.upload(rows(20_000)))
        async with planner.http.get(f"/api/runs/{run}/events") as answer:
            text = await answer.text()
    told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ") and line != "data: {}"]
    assert text.endswith("event: end\ndata: {}\n\n")
    assert all(sum(one["outcomes"].values()) == one["rows"] for one in told)
    assert told[-1]["outcomes"]["assigned"] == 20_000
    assert len({one["outcomes"]["assigned"] for one in told}) >= 2


async def test_what_failed_can_be_retried(sandbox: StartBox, tmp_path: Path) -> None:
    box = sandbox("commission:redirect=first:1")  # which stops a run
    with Server(tmp_path / "work", box.env) as server:
        async with Browser(server) as planner:
            run = await planner.imported(rows(5))
            assert run["outcomes"]["assigned"] == 0
            assert run["can_retry"] or run["can_go_on"]
            await planner.post(f"/api/runs/{run['run']}/{'retry' if run['can_retry'] else 'go-on'}")
            for _ in range(200):
                found = await planner.get(f"/api/runs/{run['run']}")
                if found["outcomes"]["assigned"] == 5:
                    break
                await asyncio.sleep(0.05)
    assert found["outcomes"]["assigned"] == 5


async def test_runs_are_found_by_all_that_people_remember(server: Server) -> None:
    async with Browser(server) as planner:
        first = await planner.imported(rows(3), "January.csv")
        await planner.imported(rows(3, batch="B2", start=100), "February.csv")
        for query in ("file=janu", "batch=B1", f"gtin={GTIN}&batch=B1", f"file=.csv&person={first['user']}&batch=B1"):
            found = (await planner.get(f"/api/runs?{query}"))["runs"]
            assert [run["run"] for run in found] == [first["run"]], query
        assert not (await planner.get("/api/runs?to=2020-01-01"))["runs"]


async def test_a_serial_is_followed_through_all_runs(server: Server) -> None:
    async with Browser(server) as planner:
        await planner.imported(HEADER + f"A1,{GTIN},B1,281231\nA1,{GTIN},B1,281231\n", "first.csv")
        await planner.imported(HEADER + f"A1,{GTIN},B9,281231\nA2,{GTIN},B9,281231\n", "second.csv")
        found = (await planner.get("/api/serials/A1"))["found"]
    outcomes = [(one["source"], one["row"], one["outcome"], one["code"]) for one in found]
    assert outcomes == [
        ("second.csv", 2, "rejected", "conflict_with_run"),
        ("first.csv", 2, "assigned", ""),
        ("first.csv", 3, "duplicate", ""),
    ]


def test_the_description_of_the_api_holds_every_route_and_no_other() -> None:
    described = document(api.door.operations)["paths"]
    tables = (app.routes, pages_login.routes, pages_uploads.routes, pages_runs.routes, api.door.routes)
    there = {
        (route.path.replace(":pause|go-on|stop|retry", ""), route.method.lower())
        for table in tables
        for route in table
        if isinstance(route, web.RouteDef) and route.path.startswith(("/api/", "/metrics"))
    }
    assert there == {(path, method) for path, methods in described.items() for method in methods}
