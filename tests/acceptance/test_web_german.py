from __future__ import annotations

from pathlib import Path

import pytest
from boxes import Box
from conftest import StartBox
from webserver import GTIN, HEADER, Browser, Server, rows

WRONG = HEADER + f"S 1,{GTIN},B1,281231\nS2,{GTIN},B1,281231\nS3,{GTIN},,281231\nS2,{GTIN},B1,281231\n"


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    return sandbox("refused=S2")


def german(server: Server) -> Browser:
    return Browser(server, **{"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"})


async def test_a_german_browser_reads_german_from_the_drop_to_the_report(server: Server) -> None:
    async with german(server) as planner:
        upload = await planner.upload(WRONG)
        await planner.preview(upload)
        preview, fix = await planner.text(f"/uploads/{upload}"), await planner.text(f"/uploads/{upload}/fix")
        run = await planner.until(await planner.confirm(upload), "finished", "stopped")
        result, serial = await planner.text(f"/runs/{run['run']}"), await planner.text("/serials?serial=S2")
    wrong = "Zeichen 2 ist ein Leerzeichen und dort nicht erlaubt. Den Wert aus dem Quellsystem übernehmen."
    assert wrong in preview
    assert wrong in fix
    assert wrong in result
    assert "Die API hat mit dem Status" in serial
    assert "Von der API mit anderem Status beantwortet" in result
    assert "Wiederholt Zeile 3, und die ist abgelehnt" in serial
    assert [page for page in (preview, fix, result, serial) if 'lang="en"' in page] == []


async def test_why_a_list_can_not_be_read_is_said_in_german(server: Server) -> None:
    async with german(server) as planner:
        upload = await planner.upload(f"Pack no,GTIN,Batch,Exp\nA1,{GTIN},B1,281231\n")
        assert (await planner.preview(upload))["error"].startswith("list.csv hat keine Spalte für: Seriennummer.")
        assert "list.csv hat keine Spalte für: Seriennummer." in await planner.text(f"/uploads/{upload}")


async def test_why_a_run_stopped_is_said_in_german(sandbox: StartBox, tmp_path: Path) -> None:
    box = sandbox("any:latency=1,seconds=0.2")
    with Server(tmp_path / "slow", {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "100"}) as slow:
        async with german(slow) as planner:
            run = await planner.confirm(await planner.upload(rows(20_000)))
            await planner.until(run, "sending")
            await planner.post(f"/api/runs/{run}/stop")
            stopped = await planner.until(run, "stopped")
            page = await planner.text(f"/runs/{run}")
    assert stopped["stopped_by"] == f"beendet von {stopped['user']}"
    assert f"Grund: beendet von {stopped['user']}" in page


async def test_scripts_read_english(server: Server) -> None:
    async with Browser(server) as planner:
        found = (await planner.preview(await planner.upload(WRONG)))["preview"]
    assert found["problems"][0]["examples"][0]["message"].endswith("Take it from the source system.")
