"""template: an empty list that can be filled in and imported."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from commands import Importer
from lists import packs
from readback import Report


def fill_csv(path: Path) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((*row, "") for row in packs(3))


def fill_xlsx(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    for row in packs(3):
        book["Serials"].append(row)
    book.save(path)


@pytest.mark.parametrize(("name", "fill"), [("list.csv", fill_csv), ("list.xlsx", fill_xlsx)], ids=["csv", "xlsx"])
def test_a_template_that_is_filled_in_is_assigned(
    name: str, fill: Callable[[Path], None], importer: Importer, report: Callable[[], Report]
) -> None:
    assert importer("template", name).code == 0
    empty = importer("check", name)
    assert (empty.code, len(empty.errors)) == (2, 1)
    fill(importer.cwd / name)
    assert importer("run", "--sandbox", name).code == 0
    assert report().outcomes == {"assigned": 3}


def test_a_file_that_is_there_is_not_replaced(importer: Importer) -> None:
    file = importer.cwd / "list.csv"
    file.write_text("mine", "utf-8")
    done = importer("template", "list.csv")
    assert (done.code, done.out, len(done.errors)) == (2, "", 1)
    assert file.read_text("utf-8") == "mine"
