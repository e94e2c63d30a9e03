from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from importer.reports.marked_list import marked_lines, marked_name
from importer.reports.marked_workbook import MOST_COMMENTS, MarkedBook
from importer.reports.spool import Cursor, Mark
from importer.sources.opening import SourceOptions, open_source
from importer.sources.original import read_original

HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
GTIN = "04006381333931"


def book(path: Path, *rows: Any) -> Path:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"}) as workbook:
        sheet = workbook.add_worksheet("List")
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                (sheet.write_string if isinstance(value, str) else sheet.write)(number, place, value)
        workbook.add_worksheet("Notes").write_string("B2", "as told")
    return path


def marked_book(path: Path, *marks: Mark) -> openpyxl.Workbook:
    made = io.BytesIO()
    MarkedBook(made).write(read_original(path, SourceOptions()), Cursor(iter(marks)))
    return openpyxl.load_workbook(made)


def marked_csv(path: Path, *marks: Mark) -> str:
    return b"".join(
        lines for _, lines in marked_lines(read_original(path, SourceOptions()), Cursor(iter(marks)))
    ).decode("utf-8-sig")


def rejected(row: int, code: str, role: str = "") -> Mark:
    return Mark(row, "rejected", code, role, f"what is wrong with row {row}")


def test_values_stay_as_they_were_and_the_wrong_cell_says_why(tmp_path: Path) -> None:
    day = dt.date(2028, 11, 30)
    path = book(tmp_path / "a.xlsx", ["Week 47"], HEADER, ("=1+1", GTIN, 220, day), (12.5, GTIN, "B1", day))
    sheet = marked_book(path, rejected(3, "batch_numeric_cell", "batch"), rejected(4, "serial_digits_lost", "serial"))[
        "List"
    ]
    midnight = dt.datetime(2028, 11, 30)  # noqa: DTZ001  a workbook's dates have no zone
    assert [[c.value for c in row] for row in sheet.iter_rows()] == [
        ["Week 47", None, None, None, None, None],
        [*HEADER, "importer_reason", "importer_next"],
        ["=1+1", GTIN, 220, midnight, "what is wrong with row 3 (rejected: batch_numeric_cell)", "→ 4"],
        [12.5, GTIN, "B1", midnight, "what is wrong with row 4 (rejected: serial_digits_lost)", None],
    ]
    assert sheet["F3"].hyperlink.location == "'List'!A4"
    assert sheet.auto_filter.ref == "A2:F4"
    comments = {c.coordinate: c.comment.text for row in sheet.iter_rows() for c in row if c.comment}
    assert comments == {
        "C3": "what is wrong with row 3\n(rejected: batch_numeric_cell)",
        "A4": "what is wrong with row 4\n(rejected: serial_digits_lost)",
    }
    assert sheet["C3"].fill.fgColor.rgb == "FFFBDCD8"
    assert sheet["C3"].number_format == "@"
    assert sheet["A3"].fill.fill_type is None


def test_a_missing_cell_is_coloured_where_it_belongs(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", HEADER, ("A1", GTIN, "B1"), (None, GTIN, "B1", "281130"))
    sheet = marked_book(path, rejected(2, "expiry_missing", "expiry"), rejected(3, "serial_missing", "serial"))["List"]
    assert [bool(sheet[cell].comment) for cell in ("D2", "A3")] == [True, True]


def test_other_sheets_come_along(tmp_path: Path) -> None:
    assert (
        marked_book(book(tmp_path / "a.xlsx", HEADER, ("A1", GTIN, "B1", "281130")))["Notes"]["B2"].value == "as told"
    )


@pytest.mark.parametrize("code", ["conflict_in_source", "scan_mismatch", "row_width"])
def test_what_belongs_to_no_single_cell_is_said_at_the_serial(tmp_path: Path, code: str) -> None:
    sheet = marked_book(book(tmp_path / "a.xlsx", HEADER, ("A1", GTIN, "B1", "281130")), rejected(2, code))["List"]
    assert sheet["A2"].comment is not None


def test_a_marked_workbook_is_read_as_the_list_was(tmp_path: Path) -> None:
    rows = [("A1", int(GTIN), "B1", dt.date(2028, 11, 30)), (12, GTIN, "B1", "281130"), (True, GTIN, "B1", "281130")]
    path = book(tmp_path / "a.xlsx", ["Title"], [], HEADER, *rows)
    made = tmp_path / "b.xlsx"
    with made.open("wb") as file:
        MarkedBook(file).write(read_original(path, SourceOptions()), Cursor(iter([rejected(5, "serial_numeric_cell")])))

    def read(path: Path) -> list[Any]:
        return [(rows.table.to_pylist(), rows.faults) for rows in open_source(path, SourceOptions())]

    assert read(made) == read(path)


def test_a_workbook_that_is_marked_twice_has_its_reasons_once(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", HEADER, ("A 1", GTIN, "B1", "281130"), ("A 2", GTIN, "B1", "281130"))
    again = tmp_path / "b.xlsx"
    marked_book(path, rejected(2, "serial_character", "serial"), rejected(3, "x")).save(again)
    sheet = marked_book(again, rejected(3, "x"))["List"]
    assert [c.value for c in sheet[1]] == [*HEADER, "importer_reason", "importer_next"]
    assert [sheet[f"E{row}"].value for row in (2, 3)] == [None, "what is wrong with row 3 (rejected: x)"]


def test_of_many_wrong_rows_all_have_a_reason_and_the_first_ones_a_comment(tmp_path: Path) -> None:
    rows = [(f"A {n}", GTIN, "B1", "281130") for n in range(MOST_COMMENTS + 10)]
    path = book(tmp_path / "a.xlsx", HEADER, *rows)
    sheet = marked_book(path, *(rejected(2 + n, "serial_character", "serial") for n in range(len(rows))))["List"]
    cells = [(sheet[f"A{2 + n}"].comment, sheet[f"E{2 + n}"].value) for n in range(len(rows))]
    assert sum(1 for comment, _ in cells if comment) == MOST_COMMENTS
    assert all(reason for _, reason in cells)


LIST = """Week 47
SerialNumber;GTIN;Batch;ExpirationDate
="007";1;2;3

"a;""b";1;2;3
short;1
long;1;2;3;4
"""


def test_a_text_list_gets_three_more_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(LIST.encode())
    text = marked_csv(
        path, Mark(3, "assigned", "", "", ""), rejected(5, "x"), rejected(6, "x"), rejected(7, "row_width")
    )
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=";")) == [
        ["Week 47"],
        [*HEADER, "outcome", "code", "message"],
        ["007", "1", "2", "3", "assigned", "", ""],
        ["", "", "", ""],
        ['a;"b', "1", "2", "3", "rejected", "x", "what is wrong with row 5"],
        ["short", "1", "", "", "rejected", "x", "what is wrong with row 6"],
        ["long", "1", "2", "3", "4", "rejected", "row_width", "what is wrong with row 7"],
    ]


def test_a_marked_text_list_keeps_its_row_numbers_and_values(tmp_path: Path) -> None:
    path, again = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes(LIST.encode())
    again.write_text(marked_csv(path, *(rejected(row, "x") for row in (3, 5, 6, 7))), "utf-8", newline="")

    def read(path: Path) -> list[Any]:
        return [row for rows in open_source(path, SourceOptions()) for row in rows.table.to_pylist()]

    assert read(again) == read(path)


def test_a_list_that_comes_back_for_a_second_time_has_the_columns_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("SerialNumber,GTIN,Batch,ExpirationDate,outcome,code,message\nA,1,2,3,rejected,x,old\n", "utf-8")
    assert marked_csv(path, Mark(2, "assigned", "", "", "")).splitlines()[1] == "A,1,2,3,assigned,,"


@pytest.mark.parametrize(
    ("name", "book", "marked"),
    [
        ("list.xlsx", True, "list-marked.xlsx"),
        ("old.XLS", True, "old-marked.xlsx"),
        ("list.csv.gz", False, "list-marked.csv"),
        ("list.v2.txt", False, "list.v2-marked.csv"),
    ],
)
def test_the_marked_list_is_named_after_the_list(name: str, book: bool, marked: str) -> None:
    assert marked_name(name, book=book) == marked
