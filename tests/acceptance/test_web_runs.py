"""Finding runs: paging, filters, what needs attention, a listing for a spreadsheet; lists that wait as one picture."""

from __future__ import annotations

import csv
import io
from typing import Any

from browsing import WITH_CHROMIUM, Person
from webserver import GTIN, HEADER, Browser, Server, rows

WRONG = HEADER + f"S 1,{GTIN},B1,281231\nR1,{GTIN},B1,281231\n"


async def test_runs_with_open_rows_need_attention_and_look_so(server: Server) -> None:
    async with Browser(server) as planner:
        good = await planner.imported(rows(3, start=100), "good.csv")
        bad = await planner.imported(WRONG, "bad.csv")
        found = await planner.get("/api/runs")
        assert {one["run"]: one["attention"] for one in found["runs"]} == {good["run"]: False, bad["run"]: True}
        assert [one["run"] for one in (await planner.get("/api/runs?state=open"))["runs"]] == [bad["run"]]
        page = await planner.text("/runs?state=open")
        assert "Finished, rows open" in page
        assert 'class="state s-finished s-open"' in page
        assert "good.csv" not in page


async def test_the_listing_holds_all_that_fit_and_pages_hold_some(server: Server) -> None:
    async with Browser(server) as planner:
        runs = [await planner.imported(rows(1, start=number), f"=list{number}.csv") for number in range(3)]
        found = await planner.get("/api/runs?start=2")
        assert (found["total"], [one["run"] for one in found["runs"]]) == (3, [runs[0]["run"]])
        listed = list(csv.DictReader(io.StringIO((await planner.text("/runs.csv")).removeprefix("\ufeff"))))
        assert [line["run"] for line in listed] == [run["run"] for run in reversed(runs)]
        assert [(line["assigned"], line["attention"], line["exit_code"]) for line in listed] == [
            ("1", "false", "0")
        ] * 3
        assert listed[0]["source"] == '="=list2.csv"'
        filtered = list(csv.DictReader(io.StringIO(await planner.text("/runs.csv?file=list1"))))
        assert [line["source"] for line in filtered] == ['="=list1.csv"']


async def test_runs_are_found_by_where_they_went(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(1))
        target = (await planner.get("/api/runs"))["runs"][0]["target"]
        async with planner.http.get("/api/runs", params={"target": target}) as answer:
            assert [one["run"] for one in (await answer.json())["runs"]] == [run["run"]]
        assert (await planner.get("/api/runs?target=sandbox"))["runs"] == []


async def test_a_scanned_code_is_read_as_what_it_is(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(1))
        serial = "S00000000"
        for code in (
            f"(01){GTIN}(21){serial}",
            f"]d201{GTIN}17281231\x1d21{serial}",
            f"https://id.gs1.org/01/{GTIN}/21/{serial}",
        ):
            async with planner.http.get("/serials", params={"serial": code}) as answer:
                page = await answer.text()
            assert f"Read from the scanned code: serial {serial}, GTIN {GTIN}." in page, code
            assert run["run"] in page
        async with planner.http.get("/serials", params={"serial": "urn:epc:id:sgtin:1.2.A"}) as answer:
            assert 'class="note bad"' in await answer.text()


async def test_lists_that_wait_are_one_picture(server: Server) -> None:
    async with Browser(server) as planner:
        for name, content in (
            ("a.csv", rows(5)),
            ("Müller & Söhne; März [2].csv", WRONG),
            ("c.csv", "no list at all\n"),
        ):
            await planner.preview(await planner.upload(content, name))
        waiting = (await planner.get("/api/overview"))["waiting"]
        assert {one["name"]: (one["state"], one["to_send"], one["rejected"]) for one in waiting} == {
            "a.csv": ("ready", 5, 0),
            "Müller & Söhne; März [2].csv": ("ready", 1, 1),
            "c.csv": ("failed", 0, 0),
        }
        assert "3 lists together: 6 to send, 1 wrong." in await planner.text("/")


@WITH_CHROMIUM
def test_an_upload_can_be_cancelled_and_leaving_is_asked_about(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    session = planner.context.new_cdp_session(page)
    page.goto("/")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#file", {"name": "long.csv", "mimeType": "text/csv", "buffer": rows(60_000).encode()})
    page.wait_for_selector(".cancel:visible")
    page.on("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.evaluate("location.assign('/runs')")
    assert asked.value.type == "beforeunload"
    page.click(".cancel")
    page.wait_for_selector("text=The upload was cancelled")
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    page.goto("/")
    assert page.locator("text=long.csv").count() == 0
    assert not planner.complaints
