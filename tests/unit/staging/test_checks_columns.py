from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from importer.gs1 import codes
from importer.model import Parsed, Reject
from importer.rows.tables import REJECTS, ROWS
from importer.staging.checks import CHECKED, Checked, CheckSettings, check
from importer.words.recording import recorded

TODAY = date(2026, 11, 22)
Row = tuple[str, str, str, str]
GOOD: Row = ("S1", "04006381333931", "L1", "271130")


def rows(*values: Row) -> pa.Table:
    columns = zip(*values, strict=True) if values else [[], [], [], []]
    return pa.table([list(range(2, len(values) + 2)), *map(list, columns)], schema=ROWS)


def run(table: Any, faults: dict[int, Reject] | None = None, settings: CheckSettings | None = None) -> Checked:
    return check(table, faults or {}, settings or CheckSettings(), TODAY)


def one_by_one(value: Row, settings: CheckSettings) -> tuple[Row | Reject, tuple[str, ...]]:
    """The rule of a row, as plainly as it can be said."""
    serial, gtin, batch, expiry = value
    results = [
        codes.parse_gtin(gtin, check_digit=settings.gtin_check_digit),
        codes.parse_batch(batch),
        codes.parse_expiry(
            expiry,
            today=TODAY,
            date_order=settings.date_order,
            day_00=settings.day_00,
            expired=settings.expired,
        ),
        codes.parse_serial(serial),
    ]
    rejects = [result for result in results if isinstance(result, Reject)]
    if rejects:
        return min(rejects, key=lambda reject: reject.code == "expiry_zero_lost"), ()
    parsed = [result for result in results if isinstance(result, Parsed)]
    gtin, batch, expiry, serial = (result.value for result in parsed)
    return (serial, gtin, batch, expiry), tuple(note for result in parsed for note in result.notes)


_ODD = ["", " ", "A ", "\ufeffA", "A B", "A\u200bB", "\u0410B", "x" * 20, "x" * 21, "A\x1d", "1.23E+15", "2-Sep"]
_SERIALS = st.sampled_from([*_ODD, "NA", "007", "1E5", "2027-01-01 ", "\u20282-Sep", "12-34", "Jan-27"]) | st.text(
    max_size=22
)
_GTINS = st.sampled_from(
    ["04006381333931", " 4006381333931", "4006381333931.0", "01234567891234", "36000291452", "", "x"]
)
_EXPIRIES = st.sampled_from(
    ["271130", "2027-11-30", "11/2027", "221115", "50131", "202711", "05/06/2027", "", "271100 "]
)
_ROWS = st.lists(st.tuples(_SERIALS, _GTINS, st.sampled_from(["L1", "L1 ", *_ODD]), _EXPIRIES), max_size=12)
_SETTINGS = st.builds(
    CheckSettings,
    gtin_check_digit=st.sampled_from(["error", "warn", "off"]),
    expired=st.sampled_from(["error", "warn", "off"]),
    date_order=st.sampled_from(["", "dmy", "mdy"]),
    day_00=st.sampled_from(["keep", "last-day"]),
)


@runs(deadline=None, derandomize=True)
@given(_ROWS, _SETTINGS, st.integers(0, 3), st.integers(0, 3))
def test_whole_columns_give_what_each_value_gives_alone(
    values: list[Row], settings: CheckSettings, skipped: int, cut: int
) -> None:
    table = rows(*values).slice(skipped)
    table = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    values = values[skipped:]
    alone = [one_by_one(value, settings) for value in values]

    checked = run(table, settings=settings)

    assert [tuple(row.values())[1:] for row in checked.table.to_pylist()] == [
        result for result, _ in alone if not isinstance(result, Reject)
    ]
    assert [(row["key"], row["code"], row["details"]) for row in checked.rejects.to_pylist()] == [
        (key, result.code, recorded(result))
        for key, (result, _) in enumerate(alone, start=2 + skipped)
        if isinstance(result, Reject)
    ]
    assert checked.notes == Counter(note for _, notes in alone for note in notes)


def test_good_rows_keep_their_keys_and_come_in_the_form_that_is_sent() -> None:
    checked = run(rows((" S1", "4006381333931", "L1", "2027-11-30"), ("S2", "x", "L1", "271130"), GOOD))
    assert checked.table.schema.equals(CHECKED)
    assert checked.table.to_pydict() == {
        "key": [2, 4],
        "serial": ["S1", "S1"],
        "gtin": ["04006381333931"] * 2,
        "batch": ["L1", "L1"],
        "expiry": ["271130", "271130"],
    }


def test_spellings_of_one_value_share_one_place_in_the_dictionary() -> None:
    checked = run(rows(GOOD, ("S2", "4006381333931", "L1 ", "30.11.2027")))
    assert [checked.table[role].dictionary.to_pylist() for role in ("gtin", "batch", "expiry")] == [
        ["04006381333931"],
        ["L1"],
        ["271130"],
    ]


def test_rejects_show_the_values_as_read() -> None:
    checked = run(rows(GOOD, (" S 2", "4006381333931", "L1", "2027-11-30")))
    assert checked.rejects.schema.equals(REJECTS)
    assert checked.rejects.to_pylist() == [
        {
            "key": 3,
            "serial": " S 2",
            "gtin": "4006381333931",
            "batch": "L1",
            "expiry": "2027-11-30",
            "code": "serial_character",
            "details": '{"role":"serial","value":"S 2","place":2,"char":" "}',
        }
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        pytest.param(("", "x", "", "y"), "gtin_not_digits", id="gtin_before_all_others"),
        pytest.param(("", "4006381333931", "", "y"), "batch_missing", id="batch_before_expiry_and_serial"),
        pytest.param(("", "4006381333931", "L1", "y"), "expiry_format", id="expiry_before_serial"),
        pytest.param(("", "4006381333931", "L1", "50131"), "serial_missing", id="a_lost_zero_comes_last"),
    ],
)
def test_a_row_that_is_wrong_in_several_ways_has_one_reject(row: Row, code: str) -> None:
    assert run(rows(row)).rejects["code"].to_pylist() == [code]


def test_what_the_source_rejected_stays_rejected_for_its_reason() -> None:
    checked = run(
        rows(GOOD, GOOD, ("", "", "", "")), faults={1: Reject("ragged", "serial"), 2: Reject("ragged", "gtin")}
    )
    assert checked.table["key"].to_pylist() == [2]
    assert checked.rejects["details"].to_pylist() == ['{"role":"serial"}', '{"role":"gtin"}']


def test_notes_count_good_rows_only() -> None:
    checked = run(rows(("S1 ", *GOOD[1:]), ("S2 ", "x", "L1", "271130"), ("2-Sep", "4006381333931 ", "L1", "221115")))
    assert checked.notes == Counter(serial_trimmed=1, serial_looks_damaged=1, gtin_trimmed=1, expiry_past=1)


def test_rows_that_lost_only_a_zero_are_offered_with_it() -> None:
    checked = run(rows(GOOD, ("S2 ", "4006381333931", "L1", "50131"), ("S3", "x", "L1", "50131")))
    assert checked.rejects["key"].to_pylist() == [3, 4]
    assert checked.restorable.schema.equals(CHECKED)
    assert checked.restorable.to_pylist() == [
        {"key": 3, "serial": "S2", "gtin": "04006381333931", "batch": "L1", "expiry": "050131"}
    ]


def test_no_rows_give_no_rows() -> None:
    checked = run(rows())
    assert (checked.table.num_rows, checked.rejects.num_rows, checked.restorable.num_rows) == (0, 0, 0)
    assert not checked.notes


def test_a_record_batch_is_checked_like_a_table() -> None:
    batch = rows(GOOD, GOOD, GOOD).to_batches()[0].slice(1, 1)
    assert run(batch).table["key"].to_pylist() == [3]


def test_a_column_that_holds_one_value_as_a_dictionary_is_read() -> None:
    table = rows(GOOD, ("S2", *GOOD[1:]))
    table = table.set_column(2, "gtin", pa.array([GOOD[1]] * 2).dictionary_encode())
    assert run(table).table["gtin"].to_pylist() == [GOOD[1]] * 2


def test_an_empty_cell_may_come_as_null() -> None:
    table = rows(GOOD).set_column(3, "batch", pa.array([None], pa.string()))
    assert run(table).rejects["code"].to_pylist() == ["batch_missing"]


@pytest.mark.parametrize("text", ["1.23E+15", "2027-01-01", "1/2/27", "02-Sep-27", "Jan-27", "-1.5E+10", "1,2E7"])
def test_a_damaged_serial_among_clean_ones_is_found(text: str) -> None:
    values = [(f"SN-{number}", *GOOD[1:]) for number in range(100)]
    values[57] = (text, *GOOD[1:])
    assert run(rows(*values)).notes == Counter(serial_looks_damaged=1)
