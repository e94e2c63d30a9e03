"""A person says where the header stands and what the columns hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter
from saying import refused

from importer.errors import SourceError
from importer.readers.opening import open_head
from importer.sources.opening import open_source
from importer.sources.options import SourceOptions

GTIN = "09520001010019"
LIST = f"Delivery;12\n\nPack;Article;Lot;Best\nA1;{GTIN};B1;281231\n"
COLUMNS = {"Pack": "serial", "Article": "gtin", "Best": "expiry"}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(text)
    return path


def test_any_row_can_be_said_to_be_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, LIST)
    source = open_source(path, SourceOptions(columns=COLUMNS, header_row=3))
    assert source.reading.sheets[0].header_row == 3
    assert [row["serial"] for rows in source for row in rows.table.to_pylist()] == ["A1"]


def test_a_header_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with refused(SourceError, "no row 9 that could be its header"):
        open_source(written(tmp_path, LIST), SourceOptions(columns=COLUMNS, header_row=9))


def test_a_column_can_be_said_to_be_of_no_use(tmp_path: Path) -> None:
    text = f"Serial,GTIN,Batch,Exp,Code\nA1,{GTIN},x,281231,B7\n"
    options = SourceOptions(columns={"Batch": "", "Code": "batch"})
    assert [
        row["batch"] for rows in open_source(written(tmp_path, text), options) for row in rows.table.to_pylist()
    ] == ["B7"]


@pytest.mark.parametrize("text", [LIST, LIST.replace(";", "\t"), "a;b\n1;2\n3;4\n"])
def test_the_first_rows_are_shown_whether_a_list_is_found_in_them_or_not(tmp_path: Path, text: str) -> None:
    (sheet,) = open_head(written(tmp_path, text), SourceOptions())
    delimiter = "\t" if "\t" in text else ";"
    assert [list(row) for row in sheet.rows] == [
        line.split(delimiter) if line else [] for line in text.rstrip("\n").split("\n")
    ]


def test_all_sheets_of_a_workbook_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("One").write_string("B2", "x")
        book.add_worksheet("Two").hide()
    found = open_head(path, SourceOptions())
    assert [(sheet.name, sheet.hidden) for sheet in found] == [("One", False), ("Two", True)]
    assert [list(row) for row in found[0].rows] == [["", ""], ["", "x"]]
