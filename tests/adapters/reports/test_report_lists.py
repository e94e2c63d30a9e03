"""assigned.csv and not_assigned.csv, read by Python's csv module and by the report's own reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import column, facts, lines, rejected, serials, window

from importer.reports.csv_fields import restored, spelled
from importer.reports.csv_lists import csv_lines, header_line
from importer.reports.writing import write_reports

CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
HEADER = "SerialNumber,GTIN,Batch,ExpirationDate,row,outcome,code,message,chunk,attempts,recorded_at"

legal = st.text(alphabet=CSET82, min_size=1, max_size=20)
as_read = st.text(st.characters(codec="utf-8"), max_size=30) | st.builds(
    str.__add__, st.sampled_from("=+-@\t\r "), legal
)


def texts(values: list[str]) -> pa.StringArray:
    return pa.array(values, pa.string())


def field_of(value: str) -> str:
    return spelled(texts([value]))[0].as_py()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        pytest.param("00012", "00012", id="leading zeros stand"),
        pytest.param("1E5", "1E5", id="an exponent stands"),
        pytest.param("NA", "NA", id="NA stands"),
        pytest.param("", "", id="an empty cell stays empty"),
        pytest.param("a,b", '"a,b"', id="a comma is quoted"),
        pytest.param('"q', '"""q"', id="a quote is doubled"),
        pytest.param("a;b", '"a;b"', id="a delimiter of other countries is quoted"),
        pytest.param("line\r\nbreak", '"line\r\nbreak"', id="a line break is quoted"),
        pytest.param("a=1", "a=1", id="an equals sign inside stands"),
        pytest.param("=1+1", '"=""=1+1"""', id="a formula is wrapped"),
        pytest.param("+1", '"=""+1"""', id="a plus is wrapped"),
        pytest.param("-1", '"=""-1"""', id="a minus is wrapped"),
        pytest.param("@SUM(A1)", '"=""@SUM(A1)"""', id="an at sign is wrapped"),
        pytest.param("\t=1", '"=""\t=1"""', id="a tab in front is wrapped"),
        pytest.param("\rx", '"=""\rx"""', id="a carriage return in front is wrapped"),
        pytest.param(" =1", '"="" =1"""', id="a blank before a formula is wrapped"),
        pytest.param("\uff1d1", '"=""\uff1d1"""', id="a full-width equals sign is wrapped"),
        pytest.param("\ufeff\u00a0=1", '"=""\ufeff\u00a0=1"""', id="blanks that can't be seen are wrapped"),
        pytest.param('="0012"', '"=""=""""0012"""""""', id="what looks like the wrapper is wrapped again"),
        pytest.param("é", "é", id="a letter outside ASCII stands"),
        pytest.param(" x", " x", id="a blank before a plain value stands"),
    ],
)
def test_a_value_is_spelled_so_that_no_spreadsheet_runs_it(value: str, field: str) -> None:
    assert field_of(value) == field


@given(st.lists(legal | as_read))
def test_a_csv_reader_and_the_unwrapping_give_every_value_back(values: list[str]) -> None:
    text = "".join(f"x,{field.as_py()}\r\n" for field in spelled(texts(values)))
    read = [row[1] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    assert restored(texts(read)).to_pylist() == values


@given(st.lists(legal | as_read, min_size=1), st.integers(0, 5))
def test_a_slice_of_a_column_is_spelled_as_its_values_are_one_by_one(values: list[str], start: int) -> None:
    part = texts(values).slice(start)
    assert spelled(part).to_pylist() == [field_of(value) for value in part.to_pylist()]


@given(st.lists(st.tuples(legal, as_read, as_read), min_size=1, max_size=20))
def test_lines_read_by_a_csv_reader_hold_every_column(rows: list[tuple[str, str, str]]) -> None:
    batch = window(*({"serial": serial, "batch": number, "message": message} for serial, number, message in rows))
    text = header_line([]) + b"".join(csv_lines(batch, []))
    read = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True))
    names = ("SerialNumber", "Batch", "message")
    assert [tuple(restored(texts([row[name] for name in names])).to_pylist()) for row in read] == rows


STRETCHES = {
    "of_one_batch": [{}] * 200,
    "of_two_chunks": [{"chunk": "7"}] * 100 + [{"chunk": "8", "message": "a,b"}] * 100,
    "whose_serials_grow": [{"serial": f"S{number}"} for number in range(950, 1150)],
    "whose_serials_are_quoted": [{"serial": f",{number}"} for number in range(100, 300)],
    "whose_serials_look_like_formulas": [{"serial": f"={number}"} for number in range(100, 300)],
    "whose_serials_are_empty": [{"serial": "", "code": "c"}] * 200,
    "whose_batch_is_empty": [{"batch": "", "code": "c"}] * 200,
}


@pytest.mark.parametrize("sheet_names", [[], ["March", "=April"]], ids=["one_sheet", "two_sheets"])
@pytest.mark.parametrize("rows", STRETCHES.values(), ids=STRETCHES.keys())
@pytest.mark.parametrize("first", [2, 905, (1 << 32) - 100], ids=["", "a_digit_more", "another_sheet"])
def test_lines_of_a_long_stretch_are_those_of_its_rows_one_by_one(
    rows: list[dict[str, Any]], sheet_names: list[str], first: int
) -> None:
    whole = window(*rows, first=first)
    alone = [line for place in range(len(whole)) for line in csv_lines(whole.slice(place, 1), sheet_names)]
    assert b"".join(csv_lines(whole, sheet_names)) == b"".join(alone)


@pytest.mark.parametrize("name", ["serial", "key"])
@pytest.mark.parametrize("count", [1, 200])
def test_a_row_without_a_value_is_no_line(name: str, count: int) -> None:
    rows = window(*([{}] * count), {name: None})
    with pytest.raises(ValueError, match="a value that is null"):
        list(csv_lines(rows, []))


def test_rows_stand_in_the_file_of_their_fate_in_source_order(tmp_path: Path) -> None:
    first = window({"serial": "A"}, rejected("B"), {"serial": "C", "outcome": "already_assigned"})
    second = window({"serial": "D", "outcome": "duplicate", "good": True}, rejected("E"), first=5)
    write_reports(tmp_path, facts(), [first, second], ["csv"])
    assert column(tmp_path / "assigned.csv", "SerialNumber") == ["A", "C", "D"]
    assert column(tmp_path / "assigned.csv", "row") == ["2", "4", "5"]
    assert column(tmp_path / "not_assigned.csv", "row") == ["3", "6"]


def test_a_list_begins_with_a_byte_order_mark_and_the_public_header(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [], ["csv"])
    assert (tmp_path / "assigned.csv").read_bytes() == b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n"


def test_every_line_ends_in_crlf(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window(*serials("A", "B"))], ["csv"])
    data = (tmp_path / "assigned.csv").read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == 3
    assert data.endswith(b"\r\n")


def test_a_list_read_from_several_sheets_names_the_sheet_in_its_last_column(tmp_path: Path) -> None:
    rows = [{"serial": "A", "key": 7}, {"serial": "B", "key": (1 << 32) + 2}]
    write_reports(tmp_path, facts(sheet_names=["March", "=April"]), [window(*rows)], ["csv"])
    (first, second) = lines(tmp_path / "assigned.csv")
    assert list(first)[-1] == "sheet"
    assert (first["row"], first["sheet"], second["row"], second["sheet"]) == ("7", "March", "2", '="=April"')


def test_a_window_larger_than_a_slice_comes_whole(tmp_path: Path) -> None:
    count = 70_000
    rows = window(*({"serial": f"S{number:06}"} for number in range(count)))
    write_reports(tmp_path, facts(), [rows], ["csv"])
    assert column(tmp_path / "assigned.csv", "SerialNumber") == rows["serial"].to_pylist()
