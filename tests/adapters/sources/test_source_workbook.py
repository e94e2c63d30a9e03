from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from saying import refused, said

from importer.errors import SourceError
from importer.sources.opening import SourceOptions, open_source
from importer.words.language import language

HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
GTIN = "04006381333931"
GOOD = ("A1", GTIN, "B1", "281130")
Cells = Sequence[Sequence[Any]]
Book = Callable[..., Path]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Write a workbook: text stays text, a number a number, `dt.date` a date cell, None an empty one."""

    def book(*sheets: Cells, names: Sequence[str] = ()) -> Path:
        path = tmp_path / "list.xlsx"
        with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"}) as workbook:
            for number, cells in enumerate(sheets):
                sheet = workbook.add_worksheet(names[number] if names else None)
                for row, values in enumerate(cells):
                    for column, value in enumerate(values):
                        write = sheet.write_string if isinstance(value, str) and value else sheet.write
                        write(row, column, value)
        return path

    return book


def read(path: Path, **options: str | bool) -> tuple[list[tuple[Any, ...]], dict[int, str], dict[str, int]]:
    values: list[tuple[Any, ...]] = []
    faults: dict[int, str] = {}
    notes: dict[str, int] = {}
    for rows in open_source(path, SourceOptions(**options)):  # type: ignore[arg-type]
        found = rows.table.to_pylist()
        values += [tuple(row.values()) for row in found]
        faults |= {found[i]["key"]: fault.code for i, fault in rows.faults.items()}
        notes |= {code: int(mask.sum()) for code, mask in rows.notes.items()}
    return values, faults, notes


@pytest.mark.parametrize(
    "serial", ["00012", "1E5", "NA", "null", "=1+1", '"q', "a,b", "-1", " x ", "TRUE", "2027-01-01"]
)
def test_a_text_cell_comes_through_as_it_stands(book: Book, serial: str) -> None:
    assert read(book([HEADER, (serial, *GOOD[1:])])) == ([(2, serial, *GOOD[1:])], {}, {})


@pytest.mark.parametrize(
    ("row", "values", "code"),
    [
        pytest.param((12, *GOOD[1:]), ("12", *GOOD[1:]), "serial_numeric_cell", id="serial as a number"),
        pytest.param((1.5, *GOOD[1:]), ("1.5", *GOOD[1:]), "serial_digits_lost", id="serial as a fraction"),
        pytest.param((10**15, *GOOD[1:]), ("1E+15", *GOOD[1:]), "serial_digits_lost", id="serial of 16 digits"),
        pytest.param((0, *GOOD[1:]), ("0", *GOOD[1:]), "serial_numeric_cell", id="serial that is zero"),
        pytest.param((True, *GOOD[1:]), ("TRUE", *GOOD[1:]), "boolean_cell", id="serial as a truth value"),
        pytest.param(
            (dt.date(2027, 1, 1), *GOOD[1:]), ("2027-01-01", *GOOD[1:]), "serial_date_cell", id="serial as a date"
        ),
        pytest.param(
            ("A1", GTIN, 220, "281130"), ("A1", GTIN, "220", "281130"), "batch_numeric_cell", id="batch as a number"
        ),
        pytest.param(
            ("A1", 4.5, "B1", "281130"), ("A1", "4.5", "B1", "281130"), "gtin_digits_lost", id="GTIN as a fraction"
        ),
        pytest.param(
            ("A1", GTIN, "B1", False), ("A1", GTIN, "B1", "FALSE"), "boolean_cell", id="expiry as a truth value"
        ),
    ],
)
def test_what_a_spreadsheet_has_damaged_is_a_fault(
    book: Book, row: Sequence[Any], values: Sequence[str], code: str
) -> None:
    assert read(book([HEADER, GOOD, row, GOOD]))[:2] == ([(2, *GOOD), (3, *values), (4, *GOOD)], {3: code})


def test_a_fault_says_the_value_and_what_to_do(book: Book) -> None:
    rows = next(iter(open_source(book([HEADER, (12345678901234567890, *GOOD[1:])]), SourceOptions())))
    assert language("en").say(rows.faults[0]) == (
        "The serial stands in a numeric cell, as 1.23456789012346E+19: its digits are lost. Format the column as text "
        "and take the serial from the source system."
    )


def test_every_bad_cell_of_the_same_value_is_a_fault(book: Book) -> None:
    assert read(book([HEADER, *[("A1", 4.5, "B1", "281130")] * 3]))[1] == dict.fromkeys((2, 3, 4), "gtin_digits_lost")


def test_numbers_and_dates_that_can_be_trusted_become_text(book: Book) -> None:
    row = ("A1", 4006381333931, "B1", dt.date(2028, 11, 30))
    values, faults, notes = read(book([HEADER, row, ("A2", GTIN, "B1", 50131)]))
    assert values == [(2, "A1", "4006381333931", "B1", "2028-11-30"), (3, "A2", GTIN, "B1", "50131")]
    assert (faults, notes) == ({}, {"gtin_from_number": 1})


def test_error_cells_and_formulas_without_a_value_are_faults(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (
        HEADER,
        GOOD,
        ("A2", GTIN, "=A1", "281130"),
        ("#N/A", GTIN, "B1", "281130"),
        (None, "#REF!", None, None),
    ):
        sheet.append(row)
    workbook.save(tmp_path / "list.xlsx")
    values, faults, _ = read(tmp_path / "list.xlsx")
    assert faults == {3: "formula_without_value", 4: "error_cell", 5: "error_cell"}
    assert [v[1] for v in values] == ["A1", "A2", "#N/A", ""]


def test_a_list_may_begin_anywhere_and_blank_rows_are_no_data(book: Book) -> None:
    cells: Cells = [
        [None, "Serials"],
        [],
        [None, *HEADER],
        [],
        [None, *GOOD],
        [None, " ", "  "],
        [None, *GOOD],
        [None, "Total"],
    ]
    assert [v[:2] for v in read(book(cells))[0]] == [(5, "A1"), (7, "A1")]


def test_the_sheet_that_holds_the_list_is_found(book: Book) -> None:
    path = book([["Read me"]], [HEADER, GOOD], [], names=["Notes", "Serials", "Empty"])
    source = open_source(path, SourceOptions())
    assert source.sheet_names == ("Serials",)
    assert list(map(said, source.reading.remarks)) == ['list.xlsx: sheets without a list: "Notes".']


def test_several_lists_need_a_choice(book: Book) -> None:
    path = book([HEADER, GOOD], [HEADER, ("A2", *GOOD[1:])], names=["May", "June"])
    with refused(SourceError, r'a list on 2 sheets: "May" and "June". Choose one with --sheet NAME'):
        open_source(path, SourceOptions())
    assert read(path, sheet="June")[0] == [(2, "A2", *GOOD[1:])]
    assert [v[0] for v in read(path, sheet="all")[0]] == [2, 1 << 32 | 2]
    with refused(SourceError, r'no sheet "July"\. Its sheets: "May" and "June"'):
        open_source(path, SourceOptions(sheet="July"))


def test_what_is_hidden_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("Serials")
        for row, values in enumerate([HEADER, GOOD, GOOD]):
            sheet.write_row(row, 0, values)
        sheet.set_row(2, None, None, {"hidden": True})
        hidden = workbook.add_worksheet("Old")
        hidden.write_row(0, 0, HEADER)
        hidden.hide()
    assert tuple(map(said, open_source(path, SourceOptions()).reading.remarks)) == (
        'list.xlsx: hidden sheets not read: "Old". --sheet NAME reads one.',
        'list.xlsx, sheet "Serials": hidden rows are read like all others: 3.',
    )


def test_merged_cells_need_fill_down(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for row, values in enumerate([HEADER, GOOD, ("A2", GTIN, None, "281130"), ("A3", GTIN, "B2", "281130")]):
            sheet.write_row(row, 0, values)
        sheet.merge_range(1, 2, 2, 2, "B1")
    assert read(path)[1] == {3: "merged_cell"}
    assert read(path, fill_down=True)[:2] == (
        [(2, *GOOD), (3, "A2", GTIN, "B1", "281130"), (4, "A3", GTIN, "B2", "281130")],
        {},
    )


def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_read(book: Book, tmp_path: Path) -> None:
    path = book([HEADER, GOOD])
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet("L").write(1_048_575, 16_383, "x")
    with refused(SourceError, "reaches to row 1,048,576 and column 16,384"):
        open_source(path, SourceOptions())


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_read(book: Book) -> None:
    path = book([HEADER, GOOD])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet9.xml", "<worksheet/>")
        archive.filelist[-1].file_size = 1200 << 20
    with refused(SourceError, r"unpacks to 1\.3 GB"):
        open_source(path, SourceOptions())


@pytest.mark.parametrize("kept", [100, 2000, -30])
def test_a_cut_off_workbook_is_said_in_one_line(book: Book, kept: int) -> None:
    path = book([HEADER, GOOD])
    path.write_bytes(path.read_bytes()[:kept])
    with refused(SourceError, "damaged or cut off") as caught:
        open_source(path, SourceOptions())
    assert "\n" not in said(caught.value)


def test_the_content_decides_and_not_the_name(book: Book) -> None:
    path = book([HEADER, GOOD])
    assert read(path.rename(path.with_suffix(".csv")))[0] == [(2, *GOOD)]


def test_a_header_without_rows_is_an_error(book: Book) -> None:
    with refused(SourceError, "a header and no rows"):
        read(book([HEADER]))


def converted(path: Path, extension: str) -> Path:
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", extension, "--outdir", str(path.parent), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path.with_suffix(f".{extension}")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice writes these formats")
@pytest.mark.parametrize("extension", ["xls", "ods"])
def test_the_older_formats_are_read_alike(book: Book, tmp_path: Path, extension: str) -> None:
    path = book([HEADER, GOOD, (12, *GOOD[1:]), ("A3", 4006381333931, "B1", dt.date(2028, 11, 30))])
    values, faults, notes = read(converted(path, extension))
    assert values == [(2, *GOOD), (3, "12", *GOOD[1:]), (4, "A3", "4006381333931", "B1", "2028-11-30")]
    assert (faults, notes) == ({3: "serial_numeric_cell"}, {"gtin_from_number": 1})


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice writes these formats")
@pytest.mark.parametrize("extension", ["xls", "ods"])
def test_a_row_of_nothing_but_errors_is_a_row(tmp_path: Path, extension: str) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for row, cells in enumerate([HEADER, GOOD, ("=NA()",) * 4, GOOD]):
            for column, cell in enumerate(cells):
                write = sheet.write_formula if cell == "=NA()" else sheet.write_string
                write(row, column, cell, None, *(["#N/A"] if cell == "=NA()" else []))
    found, faults, _ = read(converted(path, extension))
    assert [row[:2] for row in found] == [(2, "A1"), (3, "#N/A"), (4, "A1")]
    assert faults == {3: "error_cell"}
