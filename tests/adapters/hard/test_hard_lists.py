"""Hard lists, one line each: what only shows in several rows, or in how a list is laid out."""

# ruff: noqa: RUF001  headers are in other languages

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hard_rows import GTIN
from outcomes import staged
from saying import refused

from importer.errors import SourceError
from importer.staging.checks import CheckSettings

HEAD = "SerialNumber,GTIN,Batch,ExpirationDate\n"
FIVE = "SerialNumber,GTIN,Batch,ExpirationDate,ManufacturingDate\n"
G2 = "00036000291452"
REST = f"{GTIN},B1,281130"
ZERO = f"{HEAD}A,{GTIN},B1,050131\nB,{GTIN},B1,50131\n"


def case(name: str, content: str | bytes, sent: str = "", codes: str = "", **options: Any) -> Any:
    """`sent` are the serials that go out; `codes` the rejects as row:code."""
    return pytest.param(content, sent.split(), dict(c.split(":") for c in codes.split()), options, id=name)


@pytest.mark.parametrize(
    ("content", "sent", "codes", "options"),
    [
        case("repeats", f"{HEAD}A,{REST}\nA,{REST}\nB,{REST}\n", "A B"),
        case(
            "conflict_batch", f"{HEAD}A,{REST}\nA,{GTIN},B2,281130\n", "", "2:conflict_in_source 3:conflict_in_source"
        ),
        case("same_serial_other_gtin", f"{HEAD}A,{REST}\nA,{G2},B1,281130\n", "A A"),
        case("expiries", f"{HEAD}A,{REST}\nB,{GTIN},B1,281231\n", "", "2:batch_two_expiries 3:batch_two_expiries"),
        case("zero_restored", ZERO, "A B"),
        case("zero_not_proven", f"{HEAD}A,{GTIN},B1,050131\nB,{GTIN},B2,50131\n", "A", "3:expiry_zero_lost"),
        case("case_pair", f"{HEAD}ab,{REST}\nAB,{REST}\n", "ab AB"),
        case("total_row", f"{HEAD}A,{REST}\nTotal,,,1\n", "A"),
        case("footer", f"{HEAD}A,{REST}\nPrinted on Monday\n", "A", "3:row_width"),
        case("blank_rows", f"{HEAD}\nA,{REST}\n\n,,,\nB,{REST}\n\n", "A B"),
        case("row_too_long", f"{HEAD}A,{REST},x\nB,{REST}\n", "B", "2:row_width"),
        case("row_too_short", f"{HEAD}A,{GTIN}\nB,{REST}\n", "B", "2:row_width"),
        case("optional_column_left_out", f"{FIVE}A,{REST}\nB,{REST}\n", "A B"),
        case("optional_column_left_out_once", f"{FIVE}A,{REST}\nB,{REST},261130\n", "B", "2:row_width"),
        case("optional_column_and_another", f"{FIVE}A,{GTIN},281130\nB,{GTIN},281130\n", "", "2:row_width 3:row_width"),
        case("trailing_commas", f"{HEAD}A,{REST},,\nB,{REST}\n", "A B"),
        case("sep_line", f"sep=;\n{HEAD}A,{REST}\n".replace(",", ";"), "A"),
        case("pipes", f"{HEAD}A,{REST}\n".replace(",", "|"), "A"),
        case("old_mac", f"{HEAD}A,{REST}\n".replace("\n", "\r"), "A"),
        case("quoted_break", f'{HEAD}A,{GTIN},"B1\n",281130\nB,{REST}\n', "A B"),
        case("wrapper", f'{HEAD}="0012",{REST}\n', "0012"),
        case("gzip", gzip.compress(f"{HEAD}A,{REST}\n".encode()), "A"),
        case("utf16", f"{HEAD}A,{REST}\n".encode("utf-16"), "A"),
        case("cp1250", f"Sériové číslo;GTIN;Šarže;Použitelné do\nA;{GTIN};B1;281130\n".encode("cp1250"), "A"),
        case("cp1251", f"Серийный номер;GTIN;Серия;Годен до\nA;{GTIN};B1;281130\n".encode("cp1251"), "A"),
        case("polish", f"Numer seryjny;GTIN;Nr serii;Data ważności\nA;{GTIN};B1;281130\n", "A"),
        case("german", f"Seriennummer;GTIN;Charge;Verfalldatum\nA;{GTIN};B1;281130\n", "A"),
        case("french", f"N° de série;Code GTIN;N° de lot;Date de péremption\nA;{GTIN};B1;281130\n", "A"),
        case("turkish", f"Seri numarası;Barkod;Parti no;Son kullanma tarihi\nA;{GTIN};B1;281130\n", "A"),
        case("title", f"Week 47\n\n{HEAD}A,{REST}\n", "A"),
        case("said_above", f"GTIN: {GTIN}\nLot: B1\nExpiry: 281130\nSerial\nA\nB\n", "A B"),
        case("given", "Serial\nA,1\nB;2\n", "A,1 B;2", gtin=GTIN, batch="B1", expiry="281130"),
        case("no_header", "".join(f"SN{n}0000000,{REST}\n" for n in (1, 2, 3)), "SN10000000 SN20000000 SN30000000"),
        case("fill_down", f"{HEAD}A,{REST}\nB,,,\n", "A B", fill_down=True),
        case("map", f"Code,GTIN,Batch,Expiry\nA,{REST}\n", "A", columns={"Code": "serial"}),
        case("report_back", f"{HEAD[:-1]},row,outcome,code,message\nA,{REST},7,rejected,x,y\nB,{REST}\n", "A B"),
        case("scans_alone", f"Barcode\n(01){GTIN}(17)281130(10)B1(21)A\n(01){GTIN}(17)281130(10)B1(21)B,1\n", "A B,1"),
        case("scans_no_header", f"01{GTIN}1728113010B1\x1d21A\n01{GTIN}1728113010B1\x1d21B;1\n", "A B;1"),
        case("undecodable", f"{HEAD}A\xff,{REST}\nB,{REST}\n".encode("latin-1"), "B", "2:undecodable"),
    ],
)
def test_each_hard_list_comes_to_what_it_must(
    tmp_path: Path, content: str | bytes, sent: list[str], codes: dict[str, str], options: dict[str, Any]
) -> None:
    path = tmp_path / "list"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    result = staged(path, **options)
    assert (result.serials(), result.codes()) == (sent, {int(row): code for row, code in codes.items()})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("Serial,GTIN,Batch\nA,1,2\n", r'has no column for the expiry\. Found: "Serial"', id="no_expiry"),
        pytest.param("SN,Serial,GTIN,Lot,Exp\nA,A,1,2,3\n", 'for the serial: "SN" .* and "Serial" ', id="two"),
        pytest.param("Foo,Bar\nA,B\n", 'has no header that names its columns; its first row is "Foo"', id="no_names"),
        pytest.param(f'{HEAD}"A,{REST}\nB,{REST}\n', "quotation mark", id="open_quote"),
        pytest.param(HEAD, "a header and no rows", id="no_rows"),
        pytest.param(f"urn:epc:id:sgtin:4006381.033393.1\n{'urn:epc:id:sgtin:4006381.033393.2'}\n",
                     "hold no batch and expiry. Give one value for all rows with --batch --expiry", id="bare_scans"),
        pytest.param("<html><table></table>", "holds no table", id="a_web_page"),
        pytest.param('<?xml version="1.0"?><a>EPCISDocument</a>', "no commissioning event", id="no_events"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_says_what_to_do(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "list").write_text(content, "utf-8")
    with refused(SourceError, words):
        staged(tmp_path / "list")


@pytest.mark.parametrize(
    ("settings", "text", "outcome"),
    [
        pytest.param({"date_order": "dmy"}, "05/06/2028", "280605", id="day_first"),
        pytest.param({"date_order": "mdy"}, "05/06/2028", "280506", id="month_first"),
        pytest.param({"day_00": "last-day"}, "11/2028", "281130", id="last_day"),
        pytest.param({"day_00": "last-day"}, "280200", "280229", id="last_day_of_a_leap_year"),
        pytest.param({"expired": "error"}, "221115", "expiry_past", id="past"),
        pytest.param({"expired": "off"}, "221115", "221115", id="past_let_through"),
    ],
)
def test_settings_decide_on_dates(tmp_path: Path, settings: dict[str, Any], text: str, outcome: str) -> None:
    (tmp_path / "list").write_text(f"{HEAD}A,{GTIN},B1,{text}\n")
    result = staged(tmp_path / "list", CheckSettings(**settings))
    assert (result.batches[0].expiry if result.sent else result.rejects[2].code) == outcome


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        pytest.param(f"{HEAD}ab,{REST}\nAB,{REST}\nC,{REST}\n", {"case_pair": 2}, id="case_pair"),
        pytest.param(f'{HEAD}="A",{REST}\n="#",{REST}\n', {"formula_wrapper": 1}, id="not_of_a_rejected_row"),
        pytest.param(f"{HEAD}A ,{REST}\n", {"serial_trimmed": 1}, id="trimmed"),
        pytest.param(f"{HEAD}1.2E+9,{REST}\n", {"serial_looks_damaged": 1}, id="looks_damaged"),
        pytest.param(f"{HEAD}(21)A,{REST}\n", {"serial_looks_scanned": 1}, id="looks_scanned"),
        pytest.param(f"{HEAD}A,{GTIN},B1,221130\n", {"expiry_past": 1}, id="past"),
        pytest.param(f"{HEAD}A,{GTIN},B1,11/2028\n", {"expiry_month_only": 1}, id="month_only"),
        pytest.param(f"{HEAD}A,36000291452,B1,281130\n", {"gtin_zeros_restored": 1}, id="gtin_zeros"),
        pytest.param(ZERO, {"expiry_zero_restored": 1, "expiry_past": 1}, id="zero"),
    ],
)  # fmt: skip
def test_what_was_repaired_or_is_worth_a_look_is_counted(tmp_path: Path, content: str, notes: dict[str, int]) -> None:
    (tmp_path / "list").write_text(content)
    found = staged(tmp_path / "list").notes
    assert found == notes
