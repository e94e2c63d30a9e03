from __future__ import annotations

from pathlib import Path

from conftest import StartBox
from webserver import Browser, Server, rows

AT_ONCE = {"IMPORTER_WEB__KEEP_UPLOADS_DAYS": "1e-9"}
SLOW = {"IMPORTER_LIMITS__CHUNK_SIZE": "100", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "2"}


def kept(server: Server) -> set[str]:
    """The names of the uploads on the disk."""
    return {path.name for path in (server.directory / "uploads").glob("*/source/*")}


async def test_a_list_is_kept_for_a_while_after_its_import(sandbox: StartBox, tmp_path: Path) -> None:
    with Server(tmp_path / "work", sandbox().env) as server:
        async with Browser(server) as planner:
            await planner.imported(rows(3), "done.csv")
        server.end()
        with Server(server.directory, sandbox().env):
            assert kept(server) == {"done.csv"}


async def test_lists_that_nobody_needs_any_more_are_removed(sandbox: StartBox, tmp_path: Path) -> None:
    env = {**sandbox().env, **AT_ONCE}
    with Server(tmp_path / "work", env) as server:
        async with Browser(server) as planner:
            run = (await planner.imported(rows(3), "done.csv"))["run"]
            upload = await planner.upload(rows(5), "never-confirmed.csv")
        server.end()
        assert kept(server) == {"done.csv", "never-confirmed.csv"}
    with Server(server.directory, env) as again:
        assert kept(again) == set()
        async with Browser(again) as planner:
            assert (await planner.get("/api/overview"))["waiting"] == []
            assert (await planner.get(f"/api/runs/{run}"))["outcomes"]["assigned"] == 3
            async with planner.http.get(f"/uploads/{upload}") as answer:
                assert answer.status == 404


async def test_what_can_still_go_on_keeps_its_list(sandbox: StartBox, tmp_path: Path) -> None:
    box = sandbox("any:latency=1,seconds=0.2")
    env = {**box.env, **SLOW, **AT_ONCE}
    with Server(tmp_path / "work", env) as server:
        async with Browser(server) as planner:
            stopped = await planner.confirm(await planner.upload(rows(8_000), "stopped.csv"))
            await planner.until(stopped, "sending")
            await planner.post(f"/api/runs/{stopped}/stop")
            await planner.until(stopped, "stopped")
            paused = await planner.confirm(await planner.upload(rows(8_000, start=10_000), "paused.csv"))
            await planner.until(paused, "sending")
            queued = await planner.confirm(await planner.upload(rows(3, start=50_000), "queued.csv"))
            await planner.post(f"/api/runs/{queued}/pause")
            await planner.post(f"/api/runs/{paused}/pause")
            await planner.until(paused, "paused")
        server.end()
    with Server(server.directory, env) as again:
        assert kept(again) == {"stopped.csv", "paused.csv", "queued.csv"}
        async with Browser(again) as planner:
            await planner.post(f"/api/runs/{queued}/go-on")
            assert (await planner.until(queued, "finished"))["outcomes"]["assigned"] == 3
