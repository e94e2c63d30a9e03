"""A row that was rejected stays so in a list that comes back, until a person has changed it."""

from __future__ import annotations

import pytest

from importer.rows.returned import Returned, marked, returned, unmarked

ROW = ("1.23456789012346E+19", "09520001010019", "B1", "290101")
CODE = "serial_digits_lost"
SAID = "The serial is a number of 20 digits: its digits are lost."
MESSAGE = marked(SAID, CODE, ROW)


def test_an_unchanged_row_stays_rejected_for_the_same_reason() -> None:
    assert returned("rejected", CODE, MESSAGE, ROW) == Returned(CODE, SAID, proven=True)
    assert unmarked(MESSAGE) == SAID


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(("1.23457E+19", *ROW[1:]), id="exponent with fewer digits"),
        pytest.param(("1,23457e19", *ROW[1:]), id="exponent as another country writes it"),
        pytest.param((ROW[0], "9520001010019", *ROW[2:]), id="zeros in front of the GTIN"),
        pytest.param((f" {ROW[0]} ", *ROW[1:]), id="blanks"),
    ],
)
def test_what_a_spreadsheet_makes_of_a_row_changes_nothing(values: tuple[str, ...]) -> None:
    assert returned("rejected", CODE, MESSAGE, values) is not None


@pytest.mark.parametrize("place", range(4))
def test_a_row_of_which_one_value_was_changed_is_checked_like_any_other(place: int) -> None:
    values = [*ROW]
    values[place] = "12345678901234567890"
    assert returned("rejected", CODE, MESSAGE, values) is None


@pytest.mark.parametrize("outcome", ["refused", "unsent", "unknown", "duplicate", "assigned", ""])
def test_only_what_was_rejected_stays_so(outcome: str) -> None:
    assert returned(outcome, CODE, MESSAGE, ROW) is None


@pytest.mark.parametrize("code", ["", "  ", "B-17", "Code 5"])
def test_a_row_whose_code_was_emptied_or_is_no_code_is_checked(code: str) -> None:
    assert returned("rejected", code, MESSAGE, ROW) is None


def test_a_code_that_was_changed_is_no_code_of_this_row() -> None:
    assert returned("rejected", "serial_length", MESSAGE, ROW) is None


def test_a_row_without_its_mark_is_held_back_where_its_values_show_nothing_wrong() -> None:
    assert returned("rejected", "row_width", SAID, ROW) == Returned("row_width", SAID, proven=False)
    assert returned("rejected", "serial_length", SAID, ROW) is None
