"""Scans and GTINs as scanners, keyboards and programs spell them. What each means is stated here by hand."""

# ruff: noqa: RUF001  signs of other keyboards

from __future__ import annotations

from pathlib import Path

import pytest
from hard_rows import GTIN
from outcomes import staged
from test_hard_structure import FORMATS

from importer.words.language import Language

SPELLINGS = [
    "\x1d", "è", "ç", "č", "и", "Ã¨", "[FNC1]", "{FNC1}", "<FNC1>", "[GS]", "{GS}", "<GS>", "(GS)", "<F1>", "\\F", "^",
    "^]", "~1", "~d029", "\\u001d", "\\x1d", "\\035", "\\GS", "&#29;", "&#x1d;", "_x001D_", "%1D", "0x1D", "<0x1D>",
    "[0x1D]",
    "{0x1D}", "U+001D", "<group separator>", "\u2194", "\u241d", "\u00ac", "@", "#", "$", "|",
]  # fmt: skip
"""FNC1 as programs and scanners write it."""


def read(path: Path, *scans: str, form: str = "csv") -> tuple[list[tuple[str, ...]], dict[int, str]]:
    rows = [
        ["Barcode", "Note"],
        *([f'"{scan.replace(chr(34), chr(34) * 2)}"' if form == "csv" else scan, "x"] for scan in scans),
    ]
    FORMATS[form](path / "list", rows)
    result = staged(path / "list")
    batches = {n: (b.gtin, b.batch, b.expiry) for n, b in enumerate(result.batches)}
    return [(serial, *batches[n]) for _, (serial, n) in sorted(result.sent.items())], result.codes()


@pytest.mark.parametrize("form", ["csv", "html", "xlsx"])
@pytest.mark.parametrize("fnc1", SPELLINGS)
def test_fnc1_is_known_however_it_is_spelled(tmp_path: Path, fnc1: str, form: str) -> None:
    if form != "csv" and fnc1 in ("\x1d", "_x001D_"):
        pytest.skip("no text of XML or HTML holds it")
    scans = [f"{fnc1}01{GTIN}1728113010B1{fnc1}21S{n}" for n in (1, 2)]
    assert read(tmp_path, *scans, form=form) == ([("S1", GTIN, "B1", "281130"), ("S2", GTIN, "B1", "281130")], {})


@pytest.mark.parametrize("symbology", ["]d2", "]C1", "]Q3", "]e0", "\x1d", "]d2\x1d"])
def test_what_a_scanner_puts_in_front_is_no_part_of_the_code(tmp_path: Path, symbology: str) -> None:
    assert read(tmp_path, f"{symbology}01{GTIN}1728113010B1\x1d21S1") == ([("S1", GTIN, "B1", "281130")], {})


US_TO_GERMAN = dict(zip("yzYZ-_=+;:'\"()[]/?&*@#^<>", 'zyZYß?´`öÖäÄ)=ü+-_/("§&;:', strict=True))
US_TO_FRENCH = dict(
    zip(
        "1234567890aqzwmAQZWM-=;:,.<>/?()!@#$%^&*",
        "&é\"'(-è_çàqawz,QAWZ?)=mM;:./!§901234567 8".replace(" ", ""),
        strict=True,
    )
)
FRENCH_TO_GERMAN = dict(zip("1234567890aqzwAQZW", '!"§$%&/()=qawyQAWY', strict=True))


@pytest.mark.parametrize(
    ("keys", "meant", "serial"),
    [
        pytest.param(US_TO_GERMAN, f"(01){GTIN}(17)281130(10)B1(21)ZY-1_2", "ZY-1_2", id="german_computer"),
        pytest.param(US_TO_GERMAN, f"]d201{GTIN}1728113010B1\x1d21ZY-12", "ZY-12", id="german_computer_symbology"),
        pytest.param(US_TO_GERMAN, f"01{GTIN}1728113010B1\x1d21YZ-12", "YZ-12", id="german_computer_and_a_dash"),
        pytest.param(US_TO_FRENCH, f"01{GTIN}1728113010B1\x1d21AQ12", "AQ12", id="french_computer"),
        pytest.param(US_TO_FRENCH, f"(01){GTIN}(17)281130(10)B1(21)Q7W", "Q7W", id="french_computer_brackets"),
        pytest.param(FRENCH_TO_GERMAN, f"01{GTIN}1728113010B1\x1d2112345", "12345", id="shifted_digits"),
    ],
)
def test_what_a_scanner_typed_for_another_keyboard_is_read_as_it_was_meant(
    tmp_path: Path, keys: dict[str, str], meant: str, serial: str
) -> None:
    typed = "".join(keys.get(char, char) for char in meant)
    assert read(tmp_path, typed) == ([(serial, GTIN, "B1", "281130")], {})


@pytest.mark.parametrize(
    ("scan", "code"),
    [
        pytest.param(f"01{GTIN}1728113010B121S1", "scan_ambiguous", id="lost_separator"),
        pytest.param(f"01{GTIN}1728113010LOT4711AB2121SERIAL1234567890AB", "scan_ambiguous", id="lost_and_long"),
        pytest.param(f"01{GTIN}21ABCDEFGH1728113010B1", "scan_ambiguous", id="lost_behind_the_serial"),
    ],
)
def test_a_scan_that_lost_its_separators_is_a_row_that_says_so(tmp_path: Path, scan: str, code: str) -> None:
    assert read(tmp_path, scan) == ([], {2: code})
    reject = next(iter(staged(tmp_path / "list").rejects.values()))
    assert "separators (FNC1) were lost" in Language("en").say(reject)


GTINS = {
    "4.006381333931E12": GTIN, "4.006381333931E+12": GTIN, "4,006381333931E12": GTIN, "4006381333931E0": GTIN,
    "4.006381333931e+012": GTIN, "4.006381333931E+12 ": GTIN, "9.6385074E7": "00000096385074",
    "4006381333931,00": GTIN, "4006381333931.000": GTIN, "4006381333931.": GTIN, "4 006381 333931": GTIN,
    "4-006381-333931": GTIN, "4.006.381.333.931": GTIN, "4'006'381'333'931": GTIN, "4’006’381’333’931": GTIN,
    "4.006.381.333.931,00": GTIN, "40 06381 33393 1": GTIN, "4_006_381_333_931": GTIN, "(01)04006381333931": GTIN,
    "'04006381333931": GTIN, "GTIN 04006381333931": GTIN, "EAN: 4006381333931": GTIN, "000004006381333931": GTIN,
    "4.0063813339E12": "04006381333900", "3.6000291452E10": "00036000291452",
    "4.00638E+12": "gtin_exponent", "4.00638133393E+12": "gtin_exponent", "4.0063813339E+12": "gtin_exponent",
    "4.0E12": "gtin_exponent", "4.006381333932E12": "gtin_exponent", "4 006381 333932": "gtin_not_digits",
    "4-006381-333932": "gtin_not_digits", "30.11.2027": "gtin_not_digits", "2027-11-30": "gtin_not_digits",
    "40063813339.31": "gtin_not_digits", "4006381333931.5": "gtin_not_digits", "4.006381333931D12": "gtin_not_digits",
}  # fmt: skip
"""As a program wrote it, and the GTIN that its check digit proves, or why it is none."""


@pytest.mark.parametrize("form", ["csv", "xlsx", "xlsb", "html", "sylk"])
@pytest.mark.parametrize("text", GTINS)
def test_a_gtin_is_restored_where_its_check_digit_proves_it(tmp_path: Path, text: str, form: str) -> None:
    cell = f'"{text}"' if form == "csv" else text
    FORMATS[form](tmp_path / "list", [["SerialNumber", "GTIN", "Batch", "ExpirationDate"], ["A", cell, "B1", "281130"]])
    result = staged(tmp_path / "list")
    assert [*result.codes().values(), *(b.gtin for b in result.batches)] == [GTINS[text]]
