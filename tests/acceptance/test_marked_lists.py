"""The planner's own list comes back with its wrong cells marked; put right in place, the rest of it goes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
from boxes import Box
from commands import Importer
from readback import Report

GTIN = "04006381333931"
ROWS = [("A1", GTIN, "B1", "281130"), (12, GTIN, "B1", "281130"), ("A3", GTIN, "B1", "30.02.2028")]


def write_book(path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (("SerialNumber", "GTIN", "Batch", "ExpirationDate"), *ROWS):
        sheet.append(list(row))
    workbook.save(path)


def test_a_marked_workbook_that_was_put_right_sends_only_what_was_not_assigned(
    importer: Importer, sandbox: Callable[..., Box], report: Callable[[], Report]
) -> None:
    box = sandbox()
    write_book(importer.cwd / "list.xlsx")
    assert importer("run", "list.xlsx", env=box.env).code == 3
    marked = report().directory / "list-marked.xlsx"
    workbook = openpyxl.load_workbook(marked)
    sheet = workbook["Sheet"]
    assert [c.coordinate for row in sheet.iter_rows() for c in row if c.comment] == ["A3", "D4"]
    sheet["A3"], sheet["D4"] = "00012", "281130"
    workbook.save(importer.cwd / "mended.xlsx")

    done = importer("run", "mended.xlsx", "--json", env=box.env)

    assert done.code == 0
    assert done.json["outcomes"] | {"assigned": 2, "already_assigned": 1} == done.json["outcomes"]


def test_a_marked_text_list_that_was_put_right_sends_only_what_was_not_assigned(
    importer: Importer, sandbox: Callable[..., Box], report: Callable[[], Report]
) -> None:
    box = sandbox()
    lines = ["SerialNumber;GTIN;Batch;ExpirationDate", f"A1;{GTIN};B1;281130", f"A 2;{GTIN};B1;281130"]
    (importer.cwd / "list.csv").write_text("\n".join(lines))
    assert importer("run", "list.csv", env=box.env).code == 3
    marked = (report().directory / "list-marked.csv").read_text("utf-8-sig")
    assert f"A 2;{GTIN};B1;281130;rejected;serial_character;" in marked
    (importer.cwd / "mended.csv").write_text(marked.replace("A 2;", "A2;"), "utf-8")

    done = importer("run", "mended.csv", "--json", env=box.env)

    assert done.code == 0
    assert done.json["outcomes"] | {"assigned": 1, "already_assigned": 1} == done.json["outcomes"]


def test_a_list_that_is_not_there_any_more_is_named_in_the_summary(
    importer: Importer, sandbox: Callable[..., Box], report: Callable[[], Report]
) -> None:
    box = sandbox()
    write_book(importer.cwd / "list.xlsx")
    importer("run", "list.xlsx", env=box.env)
    (importer.cwd / "list.xlsx").unlink()
    importer("report", report().directory.name, env=box.env)
    assert not (report().directory / "list-marked.xlsx").exists()
    assert "list.xlsx is not there any more" in report().summary["reading"]["remarks"][-1]
