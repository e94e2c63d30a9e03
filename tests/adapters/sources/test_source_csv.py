from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from saying import refused, said

from importer.errors import SourceError
from importer.sources.opening import SourceOptions, open_source

HEADER = "SerialNumber,GTIN,Batch,ExpirationDate\n"
Values = list[tuple[int, str, str, str, str]]
Read = Callable[..., tuple[Values, dict[int, str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a list, read it: its rows with their numbers, and the codes of its faults by row."""

    def read(content: str | bytes, **options: str | bool) -> tuple[Values, dict[int, str]]:
        path = tmp_path / "list.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        values: Values = []
        faults: dict[int, str] = {}
        for rows in open_source(path, SourceOptions(**options)):  # type: ignore[arg-type]
            found = rows.table.to_pylist()
            values += [tuple(row.values()) for row in found]
            faults |= {found[i]["key"]: fault.code for i, fault in rows.faults.items()}
        return values, faults

    return read


@pytest.mark.parametrize(
    ("field", "serial"),
    [
        ("00012", "00012"),
        ("1E5", "1E5"),
        ("NA", "NA"),
        ("null", "null"),
        ("=1+1", "=1+1"),
        ('"""q"', '"q'),
        ('"a,b"', "a,b"),
        ("-1", "-1"),
        ('a"b', 'a"b'),
        ('="0012"', "0012"),
        ('"=""=1+1"""', "=1+1"),
        ('"=""a""""b"""', 'a"b'),
        ('"=""a,b"""', "a,b"),
        (" x ", " x "),
        ('"a\nb"', "a\nb"),
        ("TRUE", "TRUE"),
        ("a\x00b", "a\x00b"),
    ],
)
def test_a_serial_comes_through_as_it_stands(read: Read, field: str, serial: str) -> None:
    assert read(f"{HEADER}{field},04006381333931,B1,281130\n") == ([(2, serial, "04006381333931", "B1", "281130")], {})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_end_are_found_out(read: Read, delimiter: str, end: str) -> None:
    lines = ["SN,GTIN,LOT,EXP", "A1,1,2,3", "A2,1,2,3"]
    values, _ = read(end.join(lines).replace(",", delimiter))
    assert values == [(2, "A1", "1", "2", "3"), (3, "A2", "1", "2", "3")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1250"])
def test_the_encoding_is_found_out(read: Read, encoding: str) -> None:
    values, _ = read("Seriennummer;GTIN;Charge;Gültig bis\nA1;1;2;3\n".encode(encoding))
    assert values == [(2, "A1", "1", "2", "3")]


def test_a_cyrillic_code_page_is_recognised_by_its_header(read: Read) -> None:
    values, _ = read("Серийный номер;GTIN;Серия;Срок годности\nA1;1;2;3\n".encode("cp1251"))
    assert values == [(2, "A1", "1", "2", "3")]


def test_a_line_that_declares_the_separator_is_no_row(read: Read) -> None:
    assert read("sep=;\nSN;GTIN;LOT;EXP\nA,1;1;2;3\n")[0] == [(2, "A,1", "1", "2", "3")]


def test_rows_are_numbered_as_a_spreadsheet_does(read: Read) -> None:
    values, faults = read(f'Title\n\n{HEADER}A,1,"2\n2",3\n\n,,,\n  , ,,\nB,1,2\nC,1,2,3,4\nD,1,2,3\n')
    assert [v[:2] for v in values] == [(4, "A"), (8, "B"), (9, "C"), (10, "D")]
    assert faults == {8: "row_width", 9: "row_width"}


def test_trailing_empty_fields_are_nothing(read: Read) -> None:
    assert read(f"{HEADER}A,1,2,3,,\nB,1,2,3\n,,,,,,\nC,1,2,3,,,,\n")[1] == {}


def test_trailing_empty_fields_of_every_row_hide_no_extra_value(read: Read) -> None:
    values, faults = read(f"{HEADER}A,1,2,3,\nB,1,2,3,\nC,1,2,3,x\nD,1,2,3,\n")
    assert (len(values), faults) == (4, {4: "row_width"})


def test_what_the_report_adds_may_be_left_out_of_a_row(read: Read) -> None:
    values, faults = read("SerialNumber,GTIN,Batch,ExpirationDate,row,outcome,code\nA,1,2,3,17,rejected,x\nB,1,2,3\n")
    assert (len(values), faults) == (2, {})


def test_one_byte_that_is_no_text_costs_one_row(read: Read) -> None:
    good = HEADER.encode() + b"A,1,2,3\n" * 60_000
    values, faults = read(good + b"B\xff,1,2,3\nC\xfe,1\n" + b"A,1,2,3\n" * 10)
    assert len(values) == 60_012
    assert values[60_000] == (60_002, "B\\xff", "1", "2", "3")
    assert faults == {60_002: "undecodable", 60_003: "row_width"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('"A,1,2,3\nB,1,2,3\n', id="never closed"),
        pytest.param('A,1,2,"3\nB,1,2,3\n', id="never closed in the last column"),
        pytest.param('"A,1,2,3\nB,1,2,3\n"C,1,2,3\n', id="closed by the next one"),
        pytest.param('"A"B,1,2,3\n', id="text behind the closing one"),
        pytest.param('"A,1,2,3\n' + "B,1,2,3\n" * 400_000, id="never closed in a long file"),
    ],
)
def test_a_stray_quotation_mark_loses_no_row_in_silence(read: Read, body: str) -> None:
    with refused(SourceError, "quotation"):
        read(HEADER + body)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="no bytes"),
        pytest.param(b"\n\n", "is empty", id="blank rows only"),
        pytest.param(HEADER.encode(), "a header and no rows", id="header without rows"),
        pytest.param(bytes(range(32)) * 50, "is no text", id="binary"),
        pytest.param(b"%PDF-1.7 ...", "is a PDF", id="a PDF"),
        pytest.param(b"<html><table>", "holds no table", id="a web page"),
        pytest.param(b"x" * 3_000_000, "first line is longer", id="a first line without end"),
        pytest.param(HEADER.encode() + b"x" * 3_000_000, "longer than 1 MB", id="a line without end"),
        pytest.param(gzip.compress(HEADER.encode() * 99)[:60], "damaged or cut off", id="a cut-off .gz"),
        pytest.param(b"PK\x03\x04abc", "damaged or cut off", id="a cut-off .zip"),
    ],
)
def test_what_can_not_be_read_is_said_in_one_line(read: Read, content: bytes, message: str) -> None:
    with refused(SourceError, message) as caught:
        read(content)
    assert "\n" not in said(caught.value)


def test_missing_files_and_directories_are_named(tmp_path: Path) -> None:
    with refused(SourceError, "is a directory"):
        open_source(tmp_path, SourceOptions())
    with refused(SourceError, "does not exist"):
        open_source(tmp_path / "nothing.csv", SourceOptions())


def test_a_packed_list_is_read_as_it_is(read: Read, tmp_path: Path) -> None:
    text = (HEADER + "A,1,2,3\n" * 50_000).encode()
    assert len(read(gzip.compress(text))[0]) == 50_000
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.csv", text)
    assert len(read((tmp_path / "x.zip").read_bytes())[0]) == 50_000
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as archive:
        archive.writestr("other.csv", text)
    with refused(SourceError, "holds 2 files"):
        read((tmp_path / "x.zip").read_bytes())


def test_one_value_for_all_rows_makes_no_serial_of_a_total(read: Read) -> None:
    values, faults = read("SN\nA1\nTotal\n", gtin="04006381333931", batch="B1", expiry="281130")
    assert values == [(2, "A1", "04006381333931", "B1", "281130"), (3, "Total", "04006381333931", "B1", "281130")]
    assert faults == {3: "total_row"}


def test_values_are_repeated_down_only_on_demand(read: Read) -> None:
    content = f"{HEADER}A,G1,B1,E1\nB,,,\nC,G2,B2,\n"
    assert read(content)[0][1] == (3, "B", "", "", "")
    assert read(content, fill_down=True)[0][1:] == [(3, "B", "G1", "B1", "E1"), (4, "C", "G2", "B2", "E1")]


def test_a_list_of_one_column_is_not_cut_at_the_commas_of_its_serials(read: Read) -> None:
    values, faults = read("SN\nA,1\nB;2\n", gtin="1", batch="2", expiry="3")
    assert ([v[1] for v in values], faults) == (["A,1", "B;2"], {})


def test_the_reading_says_how_the_list_was_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Seriennummer;GTIN;Charge;Verfall;Schicht\nA;1;2;3;früh\n", "utf-8-sig")
    reading = open_source(path, SourceOptions()).reading
    assert (reading.format, reading.encoding, reading.delimiter) == ("csv", "utf-8", ";")
    assert reading.sheets[0].header_row == 1
    assert reading.sheets[0].columns["batch"] == "Charge"
    assert list(map(said, reading.remarks)) == ['list.csv: columns not used: "Schicht".']


def test_an_unknown_encoding_is_named(read: Read) -> None:
    with refused(SourceError, 'the encoding "latin-99" is not known'):
        read(HEADER + "A,1,2,3\n", encoding="latin-99")


def test_a_sheet_that_a_csv_can_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}A1,04006381333931,B1,281130\n", "utf-8")
    with refused(SourceError, r'^list\.csv is no workbook and has no sheet "May". Leave --sheet out\.$'):
        open_source(path, SourceOptions(sheet="May"))
    assert sum(rows.table.num_rows for rows in open_source(path, SourceOptions(sheet="all"))) == 1
