from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importer.model import Reject
from importer.readers.opening import open_original
from importer.rows.tables import Rows
from importer.sources.corrections import LEFT_OUT, _settles
from importer.sources.opening import SourceOptions, open_source
from importer.sources.original import read_original

HEADER = "SerialNumber,GTIN,Batch,ExpirationDate\n"
GOOD = "04012345000030,B1,271130\n"


def read(tmp_path: Path, text: str, edits: Mapping[str, Mapping[str, str]]) -> list[Rows]:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + text)
    return list(open_source(path, SourceOptions(edits=edits)))


def test_an_edit_replaces_the_values_of_its_row_alone(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, f"S 1,{GOOD}S2,{GOOD}", {"2": {"serial": "S1", "batch": "B2"}})
    assert rows.table["serial"].to_pylist() == ["S1", "S2"]
    assert rows.table["batch"].to_pylist() == ["B2", "B1"]


def test_a_row_that_is_left_out_is_rejected_as_such(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, f"S1,{GOOD}S2,{GOOD}", {"3": {"left_out": "yes"}})
    assert rows.faults == {1: LEFT_OUT}


def test_the_width_of_a_row_is_forgiven_once_somebody_has_entered_its_values(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, "S1,oops,04012345000030,B1,271130\n", {"2": {"gtin": "04012345000030", "batch": "B1"}})
    assert not rows.faults


def given_back(path: Path, edits: Mapping[str, Mapping[str, str]]) -> list[tuple[int, list[Any]]]:
    (sheet,) = read_original(path, SourceOptions(edits=edits)).sheets
    return [(row, list(cells)) for row, cells in sheet.rows() if row > 1]


def test_a_list_is_given_back_with_its_corrections_in_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Note,SerialNumber,GTIN,Batch,ExpirationDate\n" + "".join(f"n{i},S {i},{GOOD}" for i in range(3)))
    edits = {"2": {"serial": "S0", "expiry": "281130"}, "4": {"left_out": "yes"}}
    assert given_back(path, edits) == [
        (2, ["n0", "S0", "04012345000030", "B1", "281130"]),
        (3, ["n1", "S 1", "04012345000030", "B1", "271130"]),
        (4, []),
    ]


def test_a_ragged_row_is_given_back_with_what_was_entered_for_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER[:-1] + ",Note\nS1,oops,04012345000030,B1,271130,n,1\nS2,04012345000030\n")
    edit = {"serial": "S1", "gtin": "04012345000030", "batch": "B1", "expiry": "271130"}
    assert given_back(path, {"2": edit, "3": {**edit, "serial": "S2"}}) == [
        (2, ["S1", "04012345000030", "B1", "271130", ""]),
        (3, ["S2", "04012345000030", "B1", "271130", ""]),
    ]


def test_a_number_that_somebody_vouched_for_is_given_back_as_text(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["SerialNumber", "GTIN", "Batch", "ExpirationDate"])
    sheet.append([12, "04012345000030", "B1", "271130"])
    book.save(path)
    assert given_back(path, {"2": {"confirmed": "yes"}}) == [(2, ["12", "04012345000030", "B1", "271130"])]


@pytest.mark.parametrize(
    ("edit", "settled"),
    [
        pytest.param({"batch": "B2"}, False, id="another_cell"),
        pytest.param({"serial": "0012"}, True, id="that_cell"),
        pytest.param({"serial": "12", "confirmed": "yes"}, True, id="vouched_for"),
        pytest.param({"serial": "12"}, False, id="nothing_changed"),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reject("serial_numeric_cell", "serial"), id="numeric"),
        pytest.param(Reject("boolean_cell", "serial"), id="boolean"),
    ],
)
def test_a_damaged_cell_stays_damaged_until_that_cell_is_settled(
    fault: Reject, edit: dict[str, str], settled: bool
) -> None:
    before = {"serial": "12", "gtin": "04012345000030", "batch": "B1", "expiry": "271130"}
    assert _settles(edit, before, fault) is settled


def test_an_edit_goes_into_the_columns_that_a_header_further_down_names(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}A,{GOOD}GTIN,SerialNumber,ExpirationDate,Batch\n04012345000030,B B,271130,B1\n")
    options = SourceOptions(edits={"4": {"serial": "BB", "batch": "B2"}})
    (sheet,) = open_original(path, options).sheets
    assert list(sheet.rows())[-1] == (4, ["04012345000030", "BB", "271130", "B2"])
