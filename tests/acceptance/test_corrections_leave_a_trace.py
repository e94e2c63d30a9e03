"""What was corrected and accepted on the page stands in ledger, result page and every file of the report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
from commands import Importer
from webserver import GTIN, HEADER, Browser, Server

WRONG = HEADER + f"S 1,{GTIN},B1,281231\n'S2,{GTIN},B1,281231\n'S3,{GTIN},B1,281231\nS4,{GTIN},,281231\n"
ZEROS = HEADER + "".join(f"{n}00000,{GTIN},B1,281231\n" for n in range(100_000_000_000_001, 100_000_000_000_009))


async def test_each_corrected_cell_says_from_what_to_what_by_whom_and_when(server: Server, env: dict[str, str]) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(WRONG)
        await planner.preview(upload)
        await planner.post(f"/api/uploads/{upload}/edits", {"2": {"serial": "=S1"}})
        await planner.post(f"/api/uploads/{upload}/edits", {"2": {"serial": "S1"}, "5": {"left_out": True}})
        run = (await planner.until(await planner.confirm(upload), "finished"))["run"]
        shown = await planner.get(f"/api/runs/{run}")
        page = await planner.text(f"/runs/{run}")
        me = (await planner.get("/api/session"))["user"]
    expected = [("2", "serial", "S 1", "S1", me), ("5", "left_out", "", "yes", me)]
    report = server.directory / "reports" / run
    lines = list(csv.DictReader(io.StringIO((report / "corrections.csv").read_text("utf-8-sig"))))
    assert list(lines[0]) == ["row", "column", "old", "new", "by", "at"]
    assert [(one["row"], one["column"], one["old"], one["new"], one["by"]) for one in lines] == expected
    assert [one["new"] for one in shown["corrections"]] == ["S1", "yes"]
    assert "2 values were corrected or accepted" in page
    assert json.loads((report / "summary.json").read_bytes())["corrections"] == 2
    assert "2 values corrected or accepted on the page" in (report / "report.html").read_text("utf-8")
    sheet = openpyxl.load_workbook(report / "report.xlsx")["Corrections"]
    assert next([cell.value for cell in row][:4] for row in sheet.iter_rows(min_row=2)) == ["2", "serial", "S 1", "S1"]
    verified = Importer(server.directory, env)("verify", run)
    assert verified.code == 0, verified.out


async def test_accepted_suspects_leave_a_trace_and_those_taken_back_do_not(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(ZEROS)
        found = await planner.preview(upload)
        codes = [one["code"] for one in found["preview"]["problems"] if one["code"].startswith("suspect_")]
        assert codes
        await planner.post(f"/api/uploads/{upload}/accept", {"codes": codes})
        await planner.post(f"/api/uploads/{upload}/accept", {"codes": []})
        await planner.post(f"/api/uploads/{upload}/accept", {"codes": codes[:1]})
        run = await planner.until(await planner.confirm(upload), "finished")
    accepted = [(one["row"], one["column"], one["new"]) for one in run["corrections"]]
    assert accepted == [("", "accept", codes[0])]


async def test_a_list_that_nobody_corrected_has_no_such_file(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(HEADER + f"S1,{GTIN},B1,281231\n")
    report: Path = server.directory / "reports" / run["run"]
    assert not (report / "corrections.csv").exists()
    assert json.loads((report / "summary.json").read_bytes())["corrections"] == 0
