"""What stands in a list besides packs, and how rows may be written: one line each, in each format that can hold it.

What must come of each is stated here by hand; nothing of the importer has a say in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from exports import write_html, write_mhtml, write_sylk, write_xml
from hard_rows import GTIN
from outcomes import staged
from saying import refused
from xlsb import write_xlsb

from importer.errors import SourceError

HEAD = ["SerialNumber", "GTIN", "Batch", "ExpirationDate"]
G2 = "00036000291452"


def pack(serial: str, *more: str, gtin: str = GTIN, batch: str = "B1") -> list[str]:
    return [serial, gtin, batch, "281130", *more]


def _write_csv(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> None:
    path.write_text("".join(delimiter.join(row) + "\r\n" for row in rows), encoding, newline="")


def _write_xlsx(path: Path, rows: Sequence[Sequence[str]]) -> None:
    import xlsxwriter  # noqa: PLC0415  only here

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)


FORMATS: dict[str, Callable[[Path, Sequence[Sequence[str]]], None]] = {
    "csv": _write_csv,
    "utf16": lambda path, rows: _write_csv(path, rows, "utf-16", "\t"),
    "xlsx": _write_xlsx,
    "xlsb": write_xlsb,
    "html": write_html,
    "mhtml": write_mhtml,
    "xml": write_xml,
    "sylk": write_sylk,
}


def grid(name: str, rows: list[list[str]], sent: str, codes: str = "", left_out: str = "") -> Any:
    """`sent`: serial/batch of what goes out; `codes`: rejects as row:code; `left_out`: rows that a remark names."""
    return pytest.param(rows, sent.split(), dict(c.split(":") for c in codes.split()), left_out.split(), id=name)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("rows", "sent", "codes", "left_out"),
    [
        grid("header_again", [HEAD, pack("A"), HEAD, pack("B")], "A/B1 B/B1", "", "3"),
        grid("header_in_capitals", [HEAD, pack("A"), [h.upper() for h in HEAD], pack("B")], "A/B1 B/B1", "", "3"),
        grid(
            "header_in_another_language",
            [HEAD, pack("A"), ["Seriennummer", "GTIN", "Charge", "Verfalldatum"], pack("B")],
            "A/B1 B/B1",
            "",
            "3",
        ),
        grid(
            "header_in_another_order",
            [
                HEAD,
                pack("A"),
                ["GTIN", "SerialNumber", "ExpirationDate", "Batch"],
                [GTIN, "B", "281130", "B2"],
                [GTIN, "C", "281130", "B2"],
                HEAD,
                pack("D"),
            ],
            "A/B1 B/B2 C/B2 D/B1",
            "",
            "3 6",
        ),
        grid(
            "second_list_with_a_title",
            [HEAD, pack("A"), [""], ["Second product"], HEAD, pack("B")],
            "A/B1 B/B1",
            "",
            "4 5",
        ),
        grid("rulers", [HEAD, ["----"] * 4, pack("A"), ["=====", "", "", ""], pack("B")], "A/B1 B/B1", "", "2 4"),
        grid("page_number", [HEAD, pack("A"), ["Page 2 of 3", "", "", ""], pack("B")], "A/B1 B/B1", "", "3"),
        grid("page_number_german", [HEAD, pack("A"), ["Seite 2", "", "", ""], pack("B")], "A/B1 B/B1", "", "3"),
        grid(
            "page_head_again",
            [
                ["Serials of line 4, 2026-11-20", "", "", ""],
                HEAD,
                pack("A"),
                ["Serials of line 4, 2026-11-20", "", "", ""],
                HEAD,
                pack("B"),
            ],
            "A/B1 B/B1",
            "",
            "4 5",
        ),
        *(
            grid(f"total_{number}", [HEAD, pack("A"), pack("B"), row], "A/B1 B/B1", "", "4")
            for number, row in enumerate(
                (
                    ["Total", "", "", "2"],
                    ["Total: 2", "", "", ""],
                    ["", "", "Summe", "2"],
                    ["Razem", "2", "", ""],
                    ["Итого", "", "", "2"],
                    ["Toplam: 2", "", "", ""],
                    ["Total général", "", "", "2"],
                    ["Gesamtergebnis", "", "", "2"],
                    ["2 rows", "", "", ""],
                    ["(2 rows affected)", "", "", ""],
                    ["*** End of report ***", "", "", ""],
                    ["Celkem 2", "", "", ""],
                    ["Totaal", "", "", "2"],
                )
            )
        ),
        grid("no_total_where_a_gtin_stands", [HEAD, pack("A"), pack("Total")], "A/B1 Total/B1"),
        grid("an_unknown_word", [HEAD, pack("A"), ["Printed on Monday", "", "", ""]], "A/B1", "3:gtin_missing"),
        grid(
            "said_above_and_again",
            [
                ["Lot: B1", "", ""],
                ["Serial", "GTIN", "Expiry"],
                ["A", GTIN, "281130"],
                ["Lot: B2", "", ""],
                ["B", GTIN, "281130"],
            ],
            "A/B1 B/B2",
            "",
            "4",
        ),
        grid("two_columns_alike", [[*HEAD, "Batch"], pack("A", "B1"), pack("B", "B1")], "A/B1 B/B1"),
        grid("two_columns_one_empty", [[*HEAD, "Batch"], pack("A", ""), pack("B", "")], "A/B1 B/B1"),
        grid(
            "two_columns_first_empty",
            [[*HEAD, "Batch"], ["A", GTIN, "", "281130", "B1"], ["B", GTIN, "", "281130", "B1"]],
            "A/B1 B/B1",
        ),
    ],
)
def test_what_is_no_pack_is_left_out_and_said(
    tmp_path: Path, form: str, rows: list[list[str]], sent: list[str], codes: dict[str, str], left_out: list[str]
) -> None:
    FORMATS[form](tmp_path / "list", rows)
    result = staged(tmp_path / "list")
    got = [f"{serial}/{result.batches[batch].batch}" for _, (serial, batch) in sorted(result.sent.items())]
    assert (got, result.codes()) == (sent, {int(row): code for row, code in codes.items()})
    said = " ".join(str(remark) for remark in result.remarks if "were left out" in str(remark))
    assert all(f" {row}" in said for row in left_out)
    assert bool(said) == bool(left_out)


LIST = f"SerialNumber,GTIN,Batch,ExpirationDate\nA,{GTIN},B1,281130\nB,{GTIN},B1,281130\n"
QUOTED = "".join(f'"{line}"\r\n' for line in LIST.splitlines())
SAP = (
    "20.11.2026                Serial list                {}\n"
    "---------------------------------------------------------\n"
    "|Seriennummer|GTIN          |Charge|Verfall   |\n"
    "|-----------------------------------------|\n"
    "|{}          |04006381333931|B1    |30.11.2028|\n"
)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(QUOTED, id="rows_in_quotes"),
        pytest.param(QUOTED.replace(",", ";"), id="rows_in_quotes_semicolon"),
        pytest.param(QUOTED.replace(",", "\t"), id="rows_in_quotes_tab"),
        pytest.param(QUOTED.replace('"\r', '";;;\r'), id="rows_in_quotes_and_empty_columns"),
        pytest.param(LIST.splitlines()[0] + "\n" + "\n".join(QUOTED.splitlines()[1:]), id="header_without_quotes"),
        pytest.param("".join(f"'{line}'\n" for line in LIST.splitlines()), id="rows_in_apostrophes"),
        pytest.param("".join(f"{line};;;\n" for line in LIST.splitlines()), id="empty_columns_behind"),
        pytest.param(
            "".join('"' + ",".join(f'""{c}""' for c in line.split(",")) + '"\n' for line in LIST.splitlines()),
            id="rows_and_fields_in_quotes",
        ),
        *(
            pytest.param(LIST.replace(",", mark), id=f"between_{mark!r}")
            for mark in (*"~^¦#§$@*|", "\x01", "\x1f", "\x1e", "||", "::", "\t", "   ", " ")
        ),
        pytest.param(LIST.replace(",", "¦").encode("cp1252"), id="broken_bar_of_windows"),
        pytest.param(LIST.replace(",", "¦").encode("cp850"), id="broken_bar_of_dos"),
        pytest.param(LIST.replace("\n", "\r\n") + "\x1a", id="end_mark_of_dos"),
        pytest.param(LIST + "\x1a" + "\0" * 3000, id="end_mark_and_padding"),
        pytest.param(LIST + "\x1a\r\n", id="end_mark_and_line_end"),
        pytest.param(LIST[:-1] + "\x1a", id="end_mark_on_the_last_line"),
        pytest.param(LIST + "\0" * 2_000_000, id="padding"),
        pytest.param(LIST + "\0\0\0\0\r\n" * 9, id="lines_of_padding"),
        pytest.param(LIST.replace(",", "\0\0,").replace("\n", "\0\n"), id="fields_padded"),
        pytest.param(LIST.replace("\nB", "\n\x1a\nB"), id="end_mark_between_rows"),
        pytest.param(LIST + "\x1a" + LIST.replace("A,", "A,").splitlines()[0] + "\n\x1a", id="lists_joined_by_copy"),
        pytest.param(SAP.format(1, "A") + SAP.format(2, "B"), id="sap_list"),
        pytest.param(
            "+---+---+\n"
            + "".join(f"| {line.replace(',', ' | ')} |\n" for line in LIST.splitlines())
            + "+---+---+\n2 rows in set (0.00 sec)\n",
            id="table_of_mysql",
        ),
        pytest.param(
            LIST.replace(",", "|").replace("Date\n", "Date\n----+---+---+---\n") + "(2 rows)\n", id="table_of_psql"
        ),
        pytest.param(
            LIST.replace(",", "|").replace("Date\n", "Date\n:---|:---|:--|---\n").replace("\n", "|\n"), id="markdown"
        ),
        pytest.param(
            LIST.replace("A,", "1,A,").replace("B,0", "2,B,0"),
            id="row_names_of_r",
        ),
        pytest.param(
            LIST.replace("A,", "5,A,").replace("B,0", "17,B,0"),
            id="row_names_of_a_part_in_r",
        ),
        pytest.param(f"{LIST}SerialNumber,GTIN,Batch,ExpirationDate,Note\n", id="a_wider_header_and_no_rows"),
    ],
)  # fmt: skip
def test_a_text_list_is_read_however_its_rows_are_written(tmp_path: Path, content: str | bytes) -> None:
    (tmp_path / "list").write_bytes(content.encode() if isinstance(content, str) else content)
    result = staged(tmp_path / "list")
    assert (result.serials(), result.codes()) == (["A", "B"], {})
    assert {(b.gtin, b.batch, b.expiry) for b in result.batches} == {(GTIN, "B1", "281130")}


@pytest.mark.parametrize(
    ("content", "sent", "codes"),
    [
        pytest.param(
            f"{LIST}SerialNumber,GTIN,Batch,ExpirationDate,Note\nC,{GTIN},B1,281130,x\nD,{GTIN},B1,281130\n",
            ["A", "B", "C"],
            {6: "row_width"},
            id="a_wider_header",
        ),
        pytest.param(
            f"Note,SerialNumber,GTIN,Batch,ExpirationDate\nx,A,{GTIN},B1,281130\n{LIST.replace('A,', 'C,')}",
            ["A", "C", "B"],
            {},
            id="a_narrower_header",
        ),
        pytest.param(
            f"{LIST}Note,SerialNumber,GTIN,Batch,ExpirationDate\nC,{GTIN},B1,281130\n",
            ["A", "B"],
            {5: "row_width"},
            id="rows_that_do_not_follow_their_header",
        ),
        pytest.param(
            f"SerialNumber\tGTIN\tBatch\tExpirationDate\nA\t{GTIN}\t\\N\t281130\nB\t{GTIN}\tB1\t281130\n",
            ["B"],
            {2: "batch_missing"},
            id="null_of_mysql",
        ),
        pytest.param(
            f'"SerialNumber","GTIN","Batch","ExpirationDate"\n"A\\"1","{GTIN}","B1","281130"\n"B",\\N,"B1","281130"\n',
            ['A"1'],
            {3: "gtin_missing"},
            id="quotes_of_mysql",
        ),
        pytest.param(LIST.replace("\nB", "\n\x1aB"), ["A"], {3: "serial_character"}, id="end_mark_before_a_serial"),
        pytest.param("Serial\nA1\nTotal\nB1\n", ["A1", "B1"], {3: "total_row"}, id="a_word_that_may_be_a_serial"),
        pytest.param(
            "SerialNumber,GTIN,Batch,ExpirationDate,Batch\n"
            + "".join(f"S{n},{GTIN},B1,281130,{'B1' if n < 300 else 'B2'}\n" for n in range(302)),
            [f"S{n}" for n in range(300)],
            {302: "columns_differ", 303: "columns_differ"},
            id="columns_that_differ_further_down",
        ),
    ],
)
def test_what_is_in_doubt_is_held_back_by_row(
    tmp_path: Path, content: str, sent: list[str], codes: dict[int, str]
) -> None:
    (tmp_path / "list").write_text(content, "utf-8", newline="")
    options: dict[str, Any] = (
        {"gtin": GTIN, "batch": "B1", "expiry": "281130"} if content.startswith("Serial\n") else {}
    )
    result = staged(tmp_path / "list", **options)
    assert (result.serials(), result.codes()) == (sent, codes)


TWICE = f"SerialNumber,GTIN,Batch,ExpirationDate,Batch\nA,{GTIN},B1,281130,B2\n"


@pytest.mark.parametrize(("place", "batch"), [("#3", "B1"), ("#5", "B2"), (" #5", "B2")])
@pytest.mark.parametrize("form", ["csv", "xlsx", "html"])
def test_a_column_is_chosen_by_its_place(tmp_path: Path, form: str, place: str, batch: str) -> None:
    FORMATS[form](tmp_path / "list", [line.split(",") for line in TWICE.splitlines()])
    result = staged(tmp_path / "list", columns={place: "batch"})
    assert [b.batch for b in result.batches] == [batch]


def test_lists_side_by_side_are_chosen_by_place(tmp_path: Path) -> None:
    _write_xlsx(tmp_path / "list", [[*HEAD, "", *HEAD], [*pack("A"), "", *pack("B", batch="B2")]])
    with refused(SourceError, r"column 1, A.*column 6, F"):
        staged(tmp_path / "list")
    right = {"#6": "serial", "#7": "gtin", "#8": "batch", "#9": "expiry"}
    assert staged(tmp_path / "list", columns=right).serials() == ["B"]


@pytest.mark.parametrize("form", ["csv", "xlsx", "html", "sylk"])
@pytest.mark.parametrize("chosen", ["Pack nr", "#6", "#99"])
def test_a_column_that_is_named_and_not_there_is_an_error(tmp_path: Path, form: str, chosen: str) -> None:
    FORMATS[form](tmp_path / "list", [HEAD, pack("A")])
    with refused(SourceError, r"SerialNumber.*ExpirationDate"):
        staged(tmp_path / "list", columns={chosen: "serial"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(TWICE, r"column 3, C.*column 5, E.*--map batch=#3 or --map batch=#5", id="two_of_a_name"),
        pytest.param(
            "SerialNumber/GTIN/Batch/Expiry\nA/1/2/3\n",
            "names several columns, but stands in one",
            id="unknown_delimiter",
        ),
    ],
)
def test_what_can_not_be_read_says_so(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "list").write_text(content, "utf-8")
    with refused(SourceError, words):
        staged(tmp_path / "list")
