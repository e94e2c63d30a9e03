from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from importer.rows.tables import ROWS
from importer.staging.checks import Checked, CheckSettings, check
from importer.words.language import language
from importer.words.recording import restored

say = language("en").say

G = "09520101001146"
SCAN = f"(01){G}(17)281130(10)B1(21)A1"
Row = tuple[str, str, str, str]


def run(*rows: Row) -> Checked:
    table = pa.table([list(range(len(rows))), *map(list, zip(*rows, strict=True))], schema=ROWS)
    return check(table, {}, CheckSettings(), date(2026, 11, 22))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((SCAN, "", "", ""), id="nothing beside it"),
        pytest.param((SCAN, G[1:], "B1", "30.11.2028"), id="the same in other words"),
        pytest.param((SCAN, G, "B1 ", ""), id="some of it"),
    ],
)
def test_missing_columns_are_filled_from_the_scan(row: Row) -> None:
    checked = run(("P1", G, "B1", "281130"), row)
    assert checked.table.to_pylist()[1] == {"key": 1, "serial": "A1", "gtin": G, "batch": "B1", "expiry": "281130"}
    assert checked.notes["serial_from_scan"] == 1


def test_day_00_is_the_last_day_and_the_column_decides_what_is_sent() -> None:
    assert run((SCAN, G, "B1", "281100")).table["expiry"].to_pylist() == ["281100"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param((SCAN, "04006381333931", "B1", "281130"), f'the GTIN "{G}", the GTIN\'s column "0400', id="GTIN"),
        pytest.param((SCAN, G, "b1", "281130"), 'the batch "B1", the batch\'s column "b1"', id="batch"),
        pytest.param((SCAN, G, "B1", "281129"), 'the expiry "281130", the expiry\'s column "281129"', id="expiry"),
    ],
)
def test_a_scan_that_contradicts_a_column_is_rejected_and_shown_as_read(row: Row, words: str) -> None:
    reject = run(row).rejects.to_pylist()[0]
    assert (reject["code"], reject["serial"]) == ("scan_mismatch", SCAN)
    assert words in say(restored(reject["code"], reject["details"]))


def test_what_the_scan_says_is_checked_like_anything_else() -> None:
    assert run((f"(01){G}(21)A#1", "", "B1", "281130")).rejects["code"].to_pylist() == ["serial_character"]
    assert run((f"(01){G}(21)A1(17)281331", "", "B1", "")).rejects["code"].to_pylist() == ["expiry_impossible"]


@pytest.mark.parametrize("serial", [f"01{G}21AB", "(21)ABC", "(01)123", "urn:epc:id:x", "http://x/01/1"])
def test_a_legal_serial_is_never_taken_for_a_scan(serial: str) -> None:
    assert run((serial, G, "B1", "281130")).table["serial"].to_pylist() == [serial]


def test_a_legal_serial_that_begins_like_a_scan_is_a_warning() -> None:
    assert run(("(21)ABC", G, "B1", "281130")).notes == {"serial_looks_scanned": 1}
