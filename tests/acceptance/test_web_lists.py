"""A list on the page before it is confirmed: how it was read, what is wrong, what was corrected."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
import xlsxwriter
from boxes import Box
from webserver import GTIN, HEADER, Browser, Server, rows


async def test_the_preview_says_how_a_list_was_read_and_what_it_would_take(server: Server) -> None:
    async with Browser(server) as planner:
        found = (await planner.preview(await planner.upload(rows(10_000))))["preview"]
    assert (found["rows"], found["to_send"], found["requests"], found["rejected"]) == (10_000, 10_000, 10, 0)
    assert found["batches"] == [
        {"gtin": GTIN, "batch": "B1", "expiry_date": "281231", "rows": 10_000, "to_send": 10_000}
        | {"already_assigned": 0, "duplicate": 0, "rejected": 0}
    ]
    assert found["reading"]["sheets"][0]["columns"]["serial"] == "SerialNumber"


async def test_columns_can_be_chosen_where_the_list_leaves_a_doubt(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(f"Pack no,GTIN,Batch,Exp\nA1,{GTIN},B1,281231\n")
        found = await planner.preview(upload)
        assert found["state"] == "failed"
        assert found["headers"] == ["Pack no", "GTIN", "Batch", "Exp"]
        page = await planner.text(f"/uploads/{upload}/mapping")
        assert 'aria-label="Column 1, Pack no, is taken for"' in page
        found = await planner.post(f"/api/uploads/{upload}/options", {"column_serial": "Pack no"})
    assert found["preview"]["to_send"] == 1


async def test_a_corrected_cell_is_checked_at_once_and_imported_as_corrected(server: Server, box: Box) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(HEADER + f"S 1,{GTIN},B1,281231\nS2,{GTIN},B1,281231\nS 3,{GTIN},B1,281231\n")
        problems = (await planner.preview(upload))["preview"]["problems"]
        keys = [row["key"] for problem in problems for row in problem["examples"]]
        edit = {"serial": "S1", "gtin": GTIN, "batch": "B1", "expiry": "281231"}
        found = await planner.post(f"/api/uploads/{upload}/edits", {keys[0]: edit, keys[1]: {"left_out": True}})
        assert found["preview"]["to_send"] == 2
        assert [problem["code"] for problem in found["preview"]["problems"]] == ["left_out"]
        run = await planner.until(await planner.confirm(upload), "finished")
        listed = await planner.text(f"/api/runs/{run['run']}/files/assigned.csv")
    assert box.commissioned() == {(GTIN, "S1"), (GTIN, "S2")}
    assert [line.split(",")[4] for line in listed.splitlines()[1:]] == ["2", "3"]
    assert verified(server, run["run"]) == 0


async def test_a_person_can_vouch_only_where_that_settles_something(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(HEADER + f"S 1,{GTIN},B1,281231\nS2,{GTIN},B1,281231,more\n")
        await planner.preview(upload)
        page = await planner.text(f"/uploads/{upload}/fix")
        found = await planner.post(f"/api/uploads/{upload}/edits", {"3": {"confirmed": True}})
    assert 'name="left_out:2"' in page
    assert 'name="confirmed:2"' not in page
    assert 'name="confirmed:3"' in page
    assert found["preview"]["to_send"] == 1


async def test_nobody_can_vouch_for_a_value_whose_digits_are_lost(server: Server) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEADER.strip().split(","), ["", GTIN, "B1", "281231"]]):
            sheet.write_row(number, 0, row)
        sheet.write_number(1, 0, 12345678901234567890)
    async with Browser(server) as planner:
        upload = await planner.upload(made.getvalue(), "list.xlsx")
        await planner.preview(upload)
        page = await planner.text(f"/uploads/{upload}/fix")
        found = await planner.post(f"/api/uploads/{upload}/edits", {"2": {"confirmed": True}})
    assert 'name="left_out:2"' in page
    assert 'name="confirmed:2"' not in page
    assert [problem["code"] for problem in found["preview"]["problems"]] == ["serial_digits_lost"]


def verified(server: Server, run: str) -> int:
    """The exit code of `importer verify`."""
    command = [sys.executable, "-m", "importer", "verify", run]
    return subprocess.run(command, cwd=server.directory, capture_output=True, check=False).returncode


async def test_what_was_changed_since_it_was_seen_is_not_confirmed(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(3))
        seen = (await planner.preview(upload))["preview"]["seen"]
        await planner.post(f"/api/uploads/{upload}/edits", {"2": {"serial": "OTHER"}})
        answer = await planner.post(f"/api/uploads/{upload}/confirm", {"seen": seen}, status=409)
    assert answer["error"] == "changed"


async def test_a_list_that_was_imported_says_so(server: Server) -> None:
    async with Browser(server) as planner:
        first = await planner.imported(rows(5))
        found = (await planner.preview(await planner.upload(rows(5))))["preview"]
    assert [run["run"] for run in found["imported_before"]] == [first["run"]]
    assert (found["to_send"], found["already_assigned"]) == (0, 5)


async def test_the_marked_list_says_what_is_wrong_and_can_be_dropped_again(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(HEADER + f"S 1,{GTIN},B1,281231\n=1+1,{GTIN},B1,281231\n")
        await planner.preview(upload)
        async with planner.http.get(f"/uploads/{upload}/marked") as answer:
            workbook = await answer.read()
        again = await planner.upload(workbook, "list-marked.csv")
        found = (await planner.preview(again))["preview"]
    assert (found["rows"], found["to_send"], found["rejected"]) == (2, 1, 1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after_the_import"])
async def test_a_marked_list_holds_what_was_corrected_on_the_page(server: Server, before: bool) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(HEADER + "".join(f"S {i},{GTIN},B1,281231\n" for i in range(4)))
        await planner.post(f"/api/uploads/{upload}/edits", {"2": {"serial": "S0"}, "3": {"left_out": True}})
        path = f"/uploads/{upload}/marked"
        if not before:
            run = await planner.until(await planner.confirm(upload), "finished")
            path = next(f"/runs/{run['run']}/files/{one['name']}" for one in run["files"] if one["kind"] == "marked")
        marked = await planner.text(path)
        found = (await planner.preview(await planner.upload(marked, "list-marked.csv")))["preview"]
    assert [line.split(",")[0] for line in marked.splitlines()[1:]] == ["S0", "", "S 2", "S 3"]
    assert (found["rows"], found["rejected"], found["to_send" if before else "already_assigned"]) == (3, 2, 1)


async def test_suspect_values_can_be_said_to_be_right_and_the_run_keeps_that(server: Server, box: Box) -> None:
    serials = "".join(f"'A{number},{GTIN},B1,281231\n" for number in range(3))
    async with Browser(server) as planner:
        upload = await planner.upload(HEADER + serials)
        found = (await planner.preview(upload))["preview"]
        assert [problem["code"] for problem in found["problems"]] == ["suspect_common_mark"]
        assert 'name="accept" value="suspect_common_mark"' in await planner.text(f"/uploads/{upload}")
        found = await planner.post(f"/api/uploads/{upload}/accept", {"codes": ["suspect_common_mark"]})
        assert (found["preview"]["to_send"], found["preview"]["warnings"]) == (3, {"suspect_common_mark": 3})
        run = await planner.until(await planner.confirm(upload), "finished")
        summary = json.loads(await planner.text(f"/api/runs/{run['run']}/files/summary.json"))
    assert box.commissioned() == {(GTIN, f"'A{number}") for number in range(3)}
    assert summary["settings"]["input"]["accept"] == ["suspect_common_mark"]
