"""The rejected rows of a finished run are corrected on the page and go out in a run that names the first."""

from __future__ import annotations

import json

from boxes import Box
from webserver import GTIN, HEADER, Browser, Server

ROWS = f"R1,{GTIN},B1,281231\nS 1,{GTIN},B1,281231\n=2,{GTIN},B1,281399\nS 3,{GTIN},B1,281231\n"


async def posted(planner: Browser, path: str) -> str:
    """The address that a form leads to."""
    async with planner.http.post(path, data={"csrf": planner.csrf}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


async def test_rejected_rows_become_a_list_whose_run_names_the_first(server: Server, box: Box) -> None:
    async with Browser(server) as planner:
        first = await planner.imported(HEADER + ROWS, "list.csv")
        assert "Correct 3 rejected rows here" in await planner.text(f"/runs/{first['run']}")
        place = await posted(planner, f"/runs/{first['run']}/follow-up")
        upload = place.split("/")[2]
        assert await posted(planner, f"/runs/{first['run']}/follow-up") == place
        found = await planner.preview(upload)
        assert (found["name"], found["follows"], found["preview"]["rejected"]) == (
            "list-follow-up.csv",
            first["run"],
            3,
        )
        cells = [{"key": "2", "role": "serial", "value": "S1"}, {"key": "3", "role": "expiry", "value": "281231"}]
        await planner.post(
            f"/api/uploads/{upload}/cells", {"cells": [*cells, {"key": "4", "role": "left_out", "value": "yes"}]}
        )
        run = await planner.until(await planner.confirm(upload), "finished")
        assert first["run"] in await planner.text(f"/runs/{run['run']}")
        assert run["run"] in await planner.text(f"/runs/{first['run']}")
        events = (await planner.get(f"/api/runs/{run['run']}"))["events"]
        assert [one["after"]["follows"] for one in events if "follows" in (one["after"] or {})] == [first["run"]]
        summary = json.loads(await planner.text(f"/api/runs/{run['run']}/files/summary.json"))
    assert box.commissioned() == {(GTIN, "R1"), (GTIN, "S1"), (GTIN, "=2")}
    assert summary["outcomes"]["assigned"] == 2


async def test_a_run_without_rejected_rows_has_none_to_correct(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(HEADER + f"R1,{GTIN},B1,281231\n")
        async with planner.http.post(f"/runs/{run['run']}/follow-up", data={"csrf": planner.csrf}) as answer:
            assert answer.status == 409
        assert "rejected rows here" not in await planner.text(f"/runs/{run['run']}")
