"""report.xlsx, read by openpyxl and by calamine: every cell as it went in, and nothing that a spreadsheet runs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape
from python_calamine import CalamineWorkbook
from report_builders import facts, rejected, serials, window

from importer.model import Batch
from importer.reports.publishing import Drafts
from importer.reports.summary import BatchTally, SourceFacts
from importer.reports.workbook import WorkbookReport
from importer.reports.workbook_xml import Column, sheet_rows, xml_size
from importer.reports.writing import write_reports

CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
legal = st.text(alphabet=CSET82, min_size=1, max_size=20)

HARD = [
    "00012", "1E5", "NA", "null", "TRUE", "=1+1", "-1", "+1", "@x", '"q', "a,b", "<b>&amp;</b>", "_x0041_",
    " lead", "trail ", "two\nlines", "tab\there", "http://x.example/", "é€",
    "DI8U86IYQI9KS4G87WGI", "12345678901234567890",
]  # fmt: skip


def book(tmp_path: Path, *windows: pa.RecordBatch, **values: object) -> Workbook:
    write_reports(tmp_path, facts(**values), windows, ["xlsx"])
    return load_workbook(tmp_path / "report.xlsx")


def column(workbook: Workbook, sheet: str, header: str) -> list[Any]:
    rows = list(workbook[sheet].iter_rows(values_only=True))
    place = rows[0].index(header)
    return [row[place] for row in rows[1:]]


def by_calamine(path: Path, sheet: str, place: int) -> list[object]:
    return [row[place] for row in CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()[1:]]


def test_the_sheets_stand_in_the_order_of_the_contract(tmp_path: Path) -> None:
    assert book(tmp_path).sheetnames == ["Summary", "Batches", "Not assigned", "Assigned"]


def test_every_code_is_a_text_cell_with_the_value_as_it_stands(tmp_path: Path) -> None:
    workbook = book(tmp_path, window(*serials(*HARD)))
    cells = [row[0] for row in workbook["Assigned"].iter_rows(min_row=2)]
    assert [unescape(str(cell.value)) for cell in cells] == HARD
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert {cell.number_format for cell in cells} == {"@"}


def test_another_reader_gives_the_same_values(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window(*serials(*HARD, "line\r\nbreak"))], ["xlsx"])
    assert by_calamine(tmp_path / "report.xlsx", "Assigned", 0) == [*HARD, "line\r\nbreak"]


@given(values=st.lists(legal, min_size=1, max_size=30))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_legal_serial_comes_back(tmp_path: Path, values: list[str]) -> None:
    write_reports(tmp_path, facts(), [window(*serials(*values))], ["xlsx"])
    assert by_calamine(tmp_path / "report.xlsx", "Assigned", 0) == values


@given(st.lists(st.text(max_size=12), min_size=1), st.integers(2, 1_000_000))
def test_the_size_of_the_rows_is_never_underestimated(values: list[str], first: int) -> None:
    columns = [Column(pa.array(values, pa.string())), Column(pa.array(values, pa.string()).dictionary_encode())]
    assert sum(buffer.size for buffer in sheet_rows(columns, first, ["12", "12"])) <= xml_size(columns)


def test_windows_that_alternate_between_the_lists_keep_the_source_order(tmp_path: Path) -> None:
    windows = [window({"serial": f"A{n}"}, rejected(f"B{n}"), first=2 * n) for n in range(1, 5)]
    workbook = book(tmp_path, *windows)
    assert column(workbook, "Assigned", "SerialNumber") == ["A1", "A2", "A3", "A4"]
    assert column(workbook, "Not assigned", "SerialNumber") == ["B1", "B2", "B3", "B4"]
    assert column(workbook, "Not assigned", "row") == [3, 5, 7, 9]


@pytest.mark.parametrize(
    ("rows", "sheets"),
    [
        pytest.param(0, [0], id="none"),
        pytest.param(3, [3], id="one sheet to the brim"),
        pytest.param(4, [3, 1], id="one row more"),
        pytest.param(7, [3, 3, 1], id="three sheets"),
    ],
)
def test_a_sheet_that_is_full_goes_on_in_a_next_one(tmp_path: Path, rows: int, sheets: list[int]) -> None:
    names = [f"S{number}" for number in range(rows)]
    with Drafts(tmp_path) as drafts:
        report = WorkbookReport(drafts, facts(), most_rows=3)
        for part in (names[:2], names[2:]):
            if part:
                report.add(window(*serials(*part)), good=True)
        report.finish()
        drafts.publish(set())
    workbook = load_workbook(tmp_path / "report.xlsx")
    found = [name for name in workbook.sheetnames if name.startswith("Assigned")]
    assert found == ["Assigned", "Assigned 2", "Assigned 3"][: len(sheets)]
    assert [workbook[name].max_row - 1 for name in found] == sheets
    assert [value for name in found for value in column(workbook, name, "SerialNumber")] == names


def test_lists_have_a_frozen_header_a_filter_and_colours(tmp_path: Path) -> None:
    sheet = book(tmp_path, window({}, {}))["Assigned"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:K3"
    assert [str(area.sqref) for area in sheet.conditional_formatting] == ["F2:F3"]


def test_a_list_from_several_sheets_shows_the_sheet(tmp_path: Path) -> None:
    rows = window({"key": 2}, {"key": (1 << 32) + 2})
    assert column(book(tmp_path, rows, sheet_names=["March", "April"]), "Assigned", "sheet") == ["March", "April"]


def test_batches_are_listed_with_their_counts_as_numbers(tmp_path: Path) -> None:
    batches = [BatchTally(Batch("01234567891231", "007", "271130"), {"assigned": 5, "refused": 1})]
    workbook = book(tmp_path, batches=batches)
    header, row = workbook["Batches"].iter_rows(values_only=True)
    assert dict(zip(header, row, strict=True)).items() >= {
        "GTIN": "01234567891231", "Batch": "007", "rows": 6, "assigned": 5, "refused": 1, "unsent": 0
    }.items()  # fmt: skip


def test_the_summary_says_whether_the_identity_holds(tmp_path: Path) -> None:
    text = [row[2] for row in book(tmp_path, identity_holds=False)["Summary"].iter_rows(values_only=True)]
    assert "IS NOT the sum of the seven: run importer verify" in text


def test_names_from_outside_are_no_formulas_in_the_summary(tmp_path: Path) -> None:
    sheet = book(tmp_path, source=SourceFacts("=cmd.csv", "00", 1, 3), user="=1+1", codes={"=x": 1})["Summary"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}


def test_a_cell_longer_than_a_spreadsheet_holds_is_cut_visibly(tmp_path: Path) -> None:
    workbook = book(tmp_path, window(rejected("x" * 40_000)))
    assert column(workbook, "Not assigned", "SerialNumber") == ["x" * 16_000 + "…"]


def test_the_workbook_is_a_sound_zip_that_names_no_clock_but_the_run(tmp_path: Path) -> None:
    book(tmp_path, window({}))
    with zipfile.ZipFile(tmp_path / "report.xlsx") as file:
        assert file.testzip() is None
        assert b"2026-11-22T07:16:10Z" in file.read("docProps/core.xml")
