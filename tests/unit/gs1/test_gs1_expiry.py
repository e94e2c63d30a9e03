from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.gs1.expiry import DateOrder, Day00, OnExpired, parse_expiry, restored_expiry
from importer.model import Parsed, Reject
from importer.words.language import language

say = language("en").say

TODAY = date(2026, 11, 22)
ENTER = "Enter it as YYMMDD, such as 271130."


def parse(
    text: str,
    *,
    today: date = TODAY,
    date_order: DateOrder = "",
    day_00: Day00 = "keep",
    expired: OnExpired = "warn",
) -> Parsed | Reject:
    return parse_expiry(text, today=today, date_order=date_order, day_00=day_00, expired=expired)


RIGHT = {
    "yymmdd": ("271130", "271130", ()),
    "iso": ("2027-11-30", "271130", ()),
    "eight_digits": ("20271130", "271130", ()),
    "year_first_with_slashes": ("2027/11/30", "271130", ()),
    "year_first_without_zeros": ("2028-2-9", "280209", ()),
    "dots": ("30.11.2027", "271130", ()),
    "dots_without_zeros": ("5.6.2027", "270605", ()),
    "dots_are_day_first": ("05.06.2027", "270605", ()),
    "dots_with_one_reading": ("11.30.2027", "271130", ()),
    "slashes_day_first": ("30/11/2027", "271130", ()),
    "slashes_month_first": ("11/30/2027", "271130", ()),
    "hyphens_day_first": ("30-11-2027", "271130", ()),
    "both_readings_are_one_day": ("05/05/2027", "270505", ()),
    "month_and_year": ("11/2027", "271100", ("expiry_month_only",)),
    "month_and_year_with_a_dot": ("9.2027", "270900", ("expiry_month_only",)),
    "year_and_month": ("2027-11", "271100", ("expiry_month_only",)),
    "day_00": ("271100", "271100", ()),
    "day_00_with_slashes": ("00/11/2027", "271100", ()),
    "date_cell": ("2027-11-30 00:00:00", "271130", ()),
    "date_cell_with_a_t": ("2027-11-30T00:00:00.000", "271130", ()),
    "number": ("271130.0", "271130", ()),
    "leap_day": ("280229", "280229", ()),
    "valid_yymmdd_is_not_yyyymm": ("301211", "301211", ()),
    "today_is_not_past": ("261122", "261122", ()),
    "yesterday_is_past": ("261121", "261121", ("expiry_past",)),
    "day_00_of_this_month_is_not_past": ("261100", "261100", ()),
    "day_00_of_last_month_is_past": ("261000", "261000", ("expiry_past",)),
    "fifty_years_ahead": ("760101", "760101", ()),
    "fifty_one_years_ahead_is_the_century_before": ("770101", "770101", ("expiry_past",)),
    "blanks_around": ("\ufeff 271130 ", "271130", ("expiry_trimmed",)),
}

WRONG = {
    "empty": ("", "missing", f"The expiry date is missing. {ENTER}"),
    "slashes_both_ways": (
        "05/06/2027",
        "ambiguous",
        f'Expiry "05/06/2027" can be read as 5 June 2027 or 6 May 2027. {ENTER}',
    ),
    "short_year": (
        "30.11.27",
        "ambiguous",
        f'Expiry "30.11.27" has no year of four digits, so it can be read in several ways. {ENTER}',
    ),
    "short_month_and_year": (
        "11/27",
        "ambiguous",
        f'Expiry "11/27" has no year of four digits, so it can be read in several ways. {ENTER}',
    ),
    "month_13": ("271301", "impossible", f'Expiry "271301": there is no month 13. {ENTER}'),
    "month_00": ("270001", "impossible", f'Expiry "270001": there is no month 0. {ENTER}'),
    "day_31_of_a_short_month": ("271131", "impossible", f'Expiry "271131": November 2027 has no day 31. {ENTER}'),
    "no_month_of_any_language": (
        "30 brumaire 2027",
        "format",
        f'Expiry "30 brumaire 2027": "brumaire" is no name of a month that can be read. {ENTER}',
    ),
    "no_leap_year": ("2027-02-29", "impossible", f'Expiry "2027-02-29": February 2027 has no day 29. {ENTER}'),
    "neither_reading": ("31/31/2027", "impossible", f'Expiry "31/31/2027": there is no month 31. {ENTER}'),
    "yyyymm": (
        "202711",
        "yyyymm",
        (
            'Expiry "202711" looks like year and month (YYYYMM) where YYMMDD belongs. '
            "Add the day, or enter 271100 for the end of the month."
        ),
    ),
    "zero_lost": (
        "50131",
        "zero_lost",
        f'Expiry "50131" has 5 digits; a zero may have been lost in front (050131). {ENTER}',
    ),
    "spreadsheets_day_number": (
        "46721",
        "day_number",
        (
            'Expiry "46721" has 5 digits; it may be a spreadsheet\'s number for 30 November 2027. '
            "Check the date and enter it as 271130."
        ),
    ),
    "five_digits_of_nothing": ("99999", "format", f'Expiry "99999" has 5 digits, which is no date. {ENTER}'),
    "year_too_far": (
        "2972-11-30",
        "year",
        'Expiry "2972-11-30": the year 2972 is not within 1977 to 2076. Check the date.',
    ),
    "year_zero": (
        "0000-02-30",
        "year",
        'Expiry "0000-02-30": the year 0 is not within 1977 to 2076. Check the date.',
    ),
    "eight_digits_day_first": ("30112027", "impossible", f'Expiry "30112027": there is no month 20. {ENTER}'),
    "word": ("unknown", "format", f'Expiry "unknown" is in no date format that can be read. {ENTER}'),
    "mixed_separators": (
        "30.11/2027",
        "format",
        f'Expiry "30.11/2027" is in no date format that can be read. {ENTER}',
    ),
    "full_width_digit": (
        "\uff1271130",
        "lookalike",
        (
            'Expiry "\uff1271130": character 1 is "\uff12" (FULLWIDTH DIGIT TWO), probably meant as "2". '
            'Type "2" in its place.'
        ),
    ),
    "non_breaking_hyphen": (
        "2027\u201111\u201130",
        "lookalike",
        (
            'Expiry "2027\u201111\u201130": character 5 is "\u2011" (NON-BREAKING HYPHEN), probably meant as "-". '
            'Type "-" in its place.'
        ),
    ),
    "zero_width_inside": (
        "2711\u200b30",
        "character",
        (
            'Expiry "2711\\u200b30": character 5 is ZERO WIDTH SPACE, which is not allowed there. '
            "Take it from the source system."
        ),
    ),
}


@pytest.mark.parametrize(("text", "value", "notes"), RIGHT.values(), ids=RIGHT.keys())
def test_an_expiry_becomes_yymmdd(text: str, value: str, notes: tuple[str, ...]) -> None:
    assert parse(text) == Parsed(value, notes)


@pytest.mark.parametrize(("text", "code", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_expiry_is_rejected_in_words(text: str, code: str, message: str) -> None:
    found = parse(text)
    assert isinstance(found, Reject)
    assert (found.code, found.role, say(found)) == (f"expiry_{code}", "expiry", message)


@pytest.mark.parametrize(
    ("text", "date_order", "value"),
    [
        pytest.param("05/06/2027", "dmy", "270605", id="slashes_day_first"),
        pytest.param("05/06/2027", "mdy", "270506", id="slashes_month_first"),
        pytest.param("05.06.2027", "mdy", "270506", id="dots_month_first"),
        pytest.param("30/11/2027", "mdy", "271130", id="one_reading_wins_over_the_setting"),
        pytest.param("11-30-2027", "dmy", "271130", id="one_reading_wins_over_day_first"),
        pytest.param("2027-05-06", "mdy", "270506", id="year_first_is_not_concerned"),
    ],
)
def test_date_order_decides_what_can_be_read_both_ways(text: str, date_order: DateOrder, value: str) -> None:
    assert parse(text, date_order=date_order) == Parsed(value)


@pytest.mark.parametrize(
    ("text", "value", "notes"),
    [
        pytest.param("280200", "280229", ("expiry_last_day",), id="day_00_in_a_leap_year"),
        pytest.param("11/2027", "271130", ("expiry_month_only", "expiry_last_day"), id="month_and_year"),
        pytest.param("271130", "271130", (), id="a_day_stays"),
    ],
)
def test_day_00_becomes_the_last_day_where_the_setting_says_so(text: str, value: str, notes: tuple[str, ...]) -> None:
    assert parse(text, day_00="last-day") == Parsed(value, notes)


def test_a_past_expiry_is_rejected_where_the_setting_says_so() -> None:
    assert parse("221115", expired="error") == Reject("expiry_past", "expiry", {"value": "221115", "day": "2022-11-15"})


def test_a_past_expiry_passes_unseen_where_the_check_is_off() -> None:
    assert parse("221115", expired="off") == Parsed("221115")


@pytest.mark.parametrize(
    ("text", "today", "notes"),
    [
        pytest.param("030101", date(1999, 6, 1), (), id="next_century"),
        pytest.param("490101", date(1999, 6, 1), (), id="fifty_ahead_of_99"),
        pytest.param("500101", date(1999, 6, 1), ("expiry_past",), id="fifty_one_ahead_of_99"),
        pytest.param("100101", date(2060, 6, 1), (), id="fifty_back_is_next_century"),
        pytest.param("110101", date(2060, 6, 1), ("expiry_past",), id="forty_nine_back"),
    ],
)
def test_the_century_follows_from_today(text: str, today: date, notes: tuple[str, ...]) -> None:

    assert parse(text, today=today) == Parsed(text, notes)


@pytest.mark.parametrize(
    ("text", "day_00", "value"),
    [
        pytest.param("50131", "keep", "050131", id="a_day"),
        pytest.param(" 50131.0", "keep", "050131", id="a_number_with_blanks"),
        pytest.param("50200", "keep", "050200", id="day_00_kept"),
        pytest.param("50200", "last-day", "050228", id="day_00_filled"),
    ],
)
def test_a_lost_zero_can_be_restored_by_who_knows_the_batch(text: str, day_00: Day00, value: str) -> None:
    result = parse(text, day_00=day_00)
    assert isinstance(result, Reject)
    assert result.code == "expiry_zero_lost"
    assert restored_expiry(text, today=TODAY, day_00=day_00) == value


@settings(deadline=None, derandomize=True)
@given(st.dates(min_value=date(1977, 1, 1), max_value=date(2076, 12, 31)))
def test_every_clear_spelling_of_a_day_gives_the_same_expiry(day: date) -> None:
    spellings = ["%y%m%d", "%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%d 00:00:00"]
    assert {parse(day.strftime(form), expired="off") for form in spellings} == {Parsed(day.strftime("%y%m%d"))}


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=12) | st.text("0123456789./- ", max_size=12))
def test_any_text_is_an_expiry_or_a_reject_that_shows_it(text: str) -> None:
    result = parse(text)
    assert isinstance(result, Parsed) or say(result).startswith(("Expiry ", "The expiry date is missing"))
