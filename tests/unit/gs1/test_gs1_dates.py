# ruff: noqa: RUF001  dates in other languages, one beside the other

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date, get_month_names
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.gs1.expiry import DateOrder, parse_expiry
from importer.gs1.months import MONTHS, fold, month_of
from importer.model import Parsed, Reject
from importer.words.language import language

say = language("en").say
TODAY = date(2026, 11, 22)
LANGUAGES = ("en", "de", "fr", "it", "es", "pt", "pl", "cs", "ru", "nl", "tr")


def parse(text: str, date_order: DateOrder = "", accept: tuple[str, ...] = ()) -> Parsed | Reject:
    return parse_expiry(text, today=TODAY, date_order=date_order, day_00="keep", expired="off", accept=accept)


THE_30TH = (
    """
30-Nov-2027|30 NOV 2027|30NOV2027|30.Nov.2027|Nov 30, 2027|2027-Nov-30|30. Nov 2027|30/Nov/2027|30-nov.-2027
30 novembre 2027|30-Kas-2027|30 de noviembre de 2027|30 de novembro de 2027|30 listopada 2027 r.|30. listopadu 2027
30 ноября 2027 г.|30 Kasım 2027 Salı|KASIM 30 2027|30 XI 2027|30.XI.2027|November 30th, 2027|30th of November 2027
Tuesday, November 30, 2027|Dienstag, 30. November 2027|30\u00a0novembre\u00a02027|30 Nov 2027
2027. 11. 30.|30.11.2027.|30. 11. 2027|30.11.2027 г.|30.11.2027 r.|2027年11月30日|2027년 11월 30일|2027 11 30|30 11 2027
2027-11-30 00:00:00|30.11.2027 0:00:00|11/30/2027 12:00:00 AM|2027-11-30T00:00:00Z|2027-11-30T00:00:00.000Z
2027-11-30T00:00:00+01:00|2027-11-30T00:00:00.000+0000|2027-11-30T00:00+01:00[Europe/Berlin]|2027-11-30T00:00Z
2027-11-30Z|2027-11-30+01:00|20271130T000000Z|20271130T0000|20271130000000|2027-11-30-00.00.00.000000
Tue Nov 30 2027 00:00:00 GMT+0100 (Central European Standard Time)|Tue Nov 30 00:00:00 CET 2027
Tue, 30 Nov 2027 00:00:00 GMT|Nov 30 2027 12:00AM|Nov 30 2027 12:00:00:000AM|2027-11-30 00:00:00.0000000 +00:00
30-NOV-2027 12.00.00.000000000 AM|30.11.2027 0.00.00|30.11.2027 00.00|30/11/2027 00h00|30.11.2027, 00:00:00
30.11.2027 00:00 Uhr|30/11/2027 à 00:00|30.11.2027 00:00:00 ÖÖ|30/11/2027 12:00:00 a. m.|30/11/2027 0:00
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize("text", THE_30TH)
def test_every_spelling_that_leaves_no_doubt_is_that_day(text: str) -> None:
    assert parse(text) == Parsed("271130")


@pytest.mark.parametrize(
    "text",
    [
        "NOV-2027",
        "Nov 2027",
        "nov. 2027",
        "Nov./2027",
        "NOV2027",
        "2027 Nov",
        "2027年11月",
        "XI 2027",
        "ноябрь 2027 г.",
        "11 2027",
    ],
)
def test_a_month_without_a_day_is_a_month(text: str) -> None:
    assert parse(text) == Parsed("271100", ("expiry_month_only",))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_that_unicode_knows_in_a_language_of_the_headers_is_known(language: str) -> None:
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for number, name in get_month_names(width, context, language).items():
                assert month_of(name.strip(".")) == number


def test_no_name_is_that_of_two_months() -> None:
    names = [{fold(name) for name in names} for names in MONTHS]
    assert sum(map(len, names)) == len(set().union(*names))


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        pytest.param("30-Nov-27", "30 November 2027 or 27 November 2030", id="day_or_year_first"),
        pytest.param("30NOV27", "30 November 2027 or 27 November 2030", id="without_separators"),
        pytest.param("Nov-27", "no year of four digits", id="month_and_day_or_year"),
        pytest.param("Nov 30", "no year of four digits", id="month_and_day"),
        pytest.param("27-Nov", "no year of four digits", id="day_and_month"),
        pytest.param("27 11 30", "no year of four digits", id="three_short_numbers"),
    ],
)
def test_what_can_be_read_in_two_ways_is_never_guessed(text: str, ways: str) -> None:
    found = parse(text)
    assert isinstance(found, Reject)
    assert found.code == "expiry_ambiguous"
    assert ways in say(found)


@pytest.mark.parametrize(
    ("text", "order", "value"),
    [
        ("30-Nov-27", "dmy", "271130"),
        ("30-Nov-27", "mdy", "271130"),
        ("30.11.27", "dmy", "271130"),
        ("05/06/28", "mdy", "280506"),
        ("30-Nov-45", "", "451130"),
        ("31/12/99", "", "991231"),
    ],
)
def test_a_short_year_counts_where_the_order_is_known_or_the_only_one(text: str, order: DateOrder, value: str) -> None:
    assert parse(text, order) == Parsed(value)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2027-11-29T23:00:00.000Z", "29 November 2027 or 30 November 2027"),
        ("2027-11-29 22:00:00", "29 November 2027 or 30 November 2027"),
        ("11/29/2027 11:59:59 PM", "29 November 2027 or 30 November 2027"),
        ("11/29/2027 12:00:00 PM", "29 November 2027 or 30 November 2027"),
        ("2027-11-29T24:00:00", "29 November 2027 or 30 November 2027"),
        ("Mon Nov 29 23:00:00 CET 2027", "29 November 2027 or 30 November 2027"),
        ("29 novembre 2027 22h00", "29 November 2027 or 30 November 2027"),
        ("20271129230000", "29 November 2027 or 30 November 2027"),
        ("2027-11-30 01:00", "29 November 2027 or 30 November 2027"),
        ("46720.99944", "29 November 2027 or 30 November 2027"),
        ("46720,9167", "29 November 2027 or 30 November 2027"),
    ],
)
def test_another_time_than_midnight_puts_the_day_in_doubt(text: str, days: str) -> None:
    found = parse(text)
    assert isinstance(found, Reject)
    assert found.code == "suspect_time_of_day"
    assert days in say(found)


def test_an_accepted_time_of_day_leaves_the_day_as_written() -> None:
    assert parse("2027-11-29T23:00:00Z", accept=("suspect_time_of_day",)) == Parsed("271129", ("suspect_time_of_day",))


def test_an_accepted_time_does_not_prove_a_spreadsheets_number() -> None:
    found = parse("46720.99944", accept=("suspect_time_of_day",))
    assert isinstance(found, Reject)
    assert found.code == "expiry_day_number"


def test_seconds_after_midnight_pass_with_a_warning() -> None:
    assert parse("2027-11-30T00:00:43") == Parsed("271130", ("expiry_time_dropped",))


@pytest.mark.parametrize(
    "text",
    [
        "30 brumaire 2027",
        "30 брюмера 2027",
        "Nov 302027",
        "30 Nov 027",
        "30-11.2027",
        "30 Nov 2027 Dec",
        "2027-11-30 25:00",
        "2027-11-30 13:00 PM",
        "2027-11-30 00:60",
        "2027:11:30",
        "2027-W48-2",
        "2027-334",
        "1827529200000",
        "30 Nov 2027 2027",
        "Nov",
        "2027",
        "30 11",
        "30 30 Nov 2027",
    ],
)
def test_what_is_no_date_is_rejected(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Reject)


def test_a_word_that_is_no_month_is_named() -> None:
    found = parse("30 brumaire 2027")
    assert isinstance(found, Reject)
    assert '"brumaire" is no name of a month' in say(found)


def test_a_month_with_a_letter_of_another_alphabet_is_a_lookalike() -> None:
    found = parse("30 N\u043ev 2027")
    assert isinstance(found, Reject)
    assert found.code == "expiry_lookalike"


@settings(deadline=None, derandomize=True)
@given(
    st.dates(min_value=date(1977, 1, 1), max_value=date(2076, 12, 31)),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["d MMMM y", "dd-MMM-y", "MMM d, y", "y MMMM dd", "d. MMMM y", "EEEE, d MMMM y", "MMMM d y"]),
)
def test_a_day_spelled_in_any_language_is_that_day(day: date, language: str, form: str) -> None:
    assert parse(format_date(day, form, language)) == Parsed(day.strftime("%y%m%d"))


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.text("0123456789 ./-:TZ+NOVnovPMam,", max_size=30))
def test_any_text_is_a_date_or_a_reject(text: str) -> None:
    assert isinstance(parse(text), Parsed | Reject)
