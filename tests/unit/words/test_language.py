from __future__ import annotations

from typing import Any

import pytest
from babel.numbers import format_decimal

from importer.model import Message
from importer.words import catalogue
from importer.words.language import language
from importer.words.recording import recorded, restored

_LENGTH = Message("gtin_length", "gtin", {"value": "123", "n": 3})

CASES: dict[str, tuple[Message, str, str]] = {
    "sentence and tip": (
        Message("gtin_zeros", "gtin", {"value": "000"}),
        'GTIN "000" is all zeros, which is no product. Enter the product\'s GTIN.',
        'GTIN "000" besteht nur aus Nullen, das ist kein Produkt. Die GTIN des Produkts eintragen.',
    ),
    "one": (
        Message("gtin_length", "gtin", {"value": "1", "n": 1}),
        'GTIN "1" has 1 digit; 14 are expected, or 8, 12 or 13. Take it from the product\'s master data.',
        'GTIN "1" hat 1 Ziffer; erwartet werden 14, oder 8, 12 oder 13. Aus den Stammdaten übernehmen.',
    ),
    "several, and a case": (
        Message("gtin_length", "gtin", {"case": "unproven", "value": "12345678901", "n": 11}),
        (
            'GTIN "12345678901" has 11 digits; its check digit doesn\'t prove that only zeros are missing. '
            "Enter all 14 digits."
        ),
        (
            'GTIN "12345678901" hat 11 Ziffern; dass nur Nullen fehlen, belegt die Prüfziffer nicht. '
            "Alle 14 Ziffern eintragen."
        ),
    ),
    "role and character": (
        Message("batch_character", "batch", {"value": "A B", "place": 2, "char": " "}),
        'Batch "A B": character 2 is SPACE, which is not allowed there. Take it from the source system.',
        'Charge "A B": Zeichen 2 ist ein Leerzeichen und dort nicht erlaubt. Den Wert aus dem Quellsystem übernehmen.',
    ),
    "dates": (
        Message("expiry_ambiguous", "expiry", {"value": "5/6/2028", "days": ["2028-06-05", "2028-05-06"]}),
        'Expiry "5/6/2028" can be read as 5 June 2028 or 6 May 2028. Enter it as YYMMDD, such as 271130.',
        (
            'Verfalldatum "5/6/2028" lässt sich lesen als 5. Juni 2028 oder 6. Mai 2028. '
            "Als JJMMTT eintragen, etwa 271130."
        ),
    ),
    "month": (
        Message("expiry_impossible", "expiry", {"case": "day", "value": "x", "month": "2028-03", "day": 32}),
        'Expiry "x": March 2028 has no day 32. Enter it as YYMMDD, such as 271130.',
        'Verfalldatum "x": März 2028 hat keinen Tag 32. Als JJMMTT eintragen, etwa 271130.',
    ),
    "numbers are grouped": (
        Message("merged_cell", "gtin", {"first": 999, "last": 1_000_000}),
        (
            "The GTIN stands in cells merged over rows 999 to 1,000,000, only the first of which has it. Unmerge them "
            "and fill the value down, or import with --fill-down."
        ),
        (
            "GTIN: die Zellen der Zeilen 999 bis 1.000.000 sind verbunden, den Wert hat nur die erste. Die "
            "Verbindung lösen und den Wert nach unten ausfüllen, oder mit --fill-down importieren."
        ),
    ),
    "parts in a list": (
        Message(
            "batch_two_expiries",
            "expiry",
            {
                "batch": "B",
                "gtin": "0",
                "n": 2,
                "expiries": [
                    {"code": "expiry_in_rows", "expiry": "281130", "n": 1},
                    {"code": "expiry_in_rows", "expiry": "281231", "n": 2000},
                ],
            },
        ),
        (
            "Batch B of GTIN 0 has 2 expiry dates: 281130 in 1 row and 281231 in 2,000 rows. A batch has one. "
            "Correct the wrong rows."
        ),
        (
            "Charge B der GTIN 0 hat 2 Verfalldaten: 281130 in 1 Zeile und 281231 in 2.000 Zeilen. Eine Charge hat "
            "eines. Die falschen Zeilen berichtigen."
        ),
    ),
    "a list of which some are left out": (
        Message("sheet_missing", "", {"name": "a.xlsx", "sheet": "Z", "sheets": ["A", "B", 3]}),
        'a.xlsx has no sheet "Z". Its sheets: "A", "B" and 3 more. Choose one of them.',
        'a.xlsx hat kein Blatt "Z". Die Blätter: "A", "B" und 3 weitere. Eines davon wählen.',
    ),
    "an empty list": (
        Message("sheet_missing", "", {"name": "a.xlsx", "sheet": "Z", "sheets": []}),
        'a.xlsx has no sheet "Z". Its sheets: nothing. Choose one of them.',
        'a.xlsx hat kein Blatt "Z". Die Blätter: nichts. Eines davon wählen.',
    ),
    "one of several": (
        Message("already_assigned", "", {"runs": ["A", "B", 3]}),
        "Run A, B or one of 3 others has it assigned: not sent again.",
        "Von Lauf A, B oder einem von 3 anderen vergeben: nicht noch einmal gesendet.",
    ),
    "a place and an outcome": (
        Message(
            "duplicate", "", {"where": {"code": "row_of_sheet", "row": "1005", "sheet": "X"}, "outcome": "refused"}
        ),
        "It repeats row 1005 of sheet X, which is refused.",
        "Wiederholt Zeile 1005 des Blatts X, und die ist abgelehnt.",
    ),
    "a message within a message": (
        Message("given_wrong", "", {"option": "gtin", "reason": {"code": "gtin_zeros", "value": "0"}}),
        '--gtin: GTIN "0" is all zeros, which is no product. Enter the product\'s GTIN.',
        '--gtin: GTIN "0" besteht nur aus Nullen, das ist kein Produkt. Die GTIN des Produkts eintragen.',
    ),
    "a value is never taken for a hole": (
        Message("gtin_zeros", "gtin", {"value": "{role} <b>%s</b> {0}"}),
        'GTIN "{role} <b>%s</b> {0}" is all zeros, which is no product. Enter the product\'s GTIN.',
        'GTIN "{role} <b>%s</b> {0}" besteht nur aus Nullen, das ist kein Produkt. Die GTIN des Produkts eintragen.',
    ),
    "bytes": (
        Message("event_too_long", "", {"name": "a.json", "most": 16 << 20}),
        "a.json has an event of more than 16.8 MB, or none in as many. Split it.",
        "a.json hat ein Ereignis von mehr als 16,8 MB, oder keines in so vielen. Die Datei teilen.",
    ),
    "an unknown code": (Message("from_the_future"), "from_the_future", "from_the_future"),
}


@pytest.mark.parametrize(("message", "english", "german"), CASES.values(), ids=CASES)
def test_a_message_is_said_in_each_language(message: Message, english: str, german: str) -> None:
    assert language("en").say(message) == english
    assert language("de").say(message) == german


@pytest.mark.parametrize("message", [message for message, _, _ in CASES.values()], ids=CASES)
def test_what_is_recorded_says_the_same_again(message: Message) -> None:
    again = restored(message.code, recorded(message))
    assert again == message
    assert language("de").say(again) == language("de").say(message)


def test_a_message_without_role_and_values_takes_no_room() -> None:
    assert recorded(Message("answer_lost")) == ""


def test_sentence_and_tip_can_be_had_apart() -> None:
    assert language("en").sentence(_LENGTH) == 'GTIN "123" has 3 digits; 14 are expected, or 8, 12 or 13.'
    assert language("en").tip(_LENGTH) == "Take it from the product's master data."


@pytest.mark.parametrize(
    ("method", "value", "english", "german"),
    [
        ("number", 999, "999", "999"),
        ("number", 12_480, "12,480", "12.480"),
        ("number", -1234, "-1,234", "-1.234"),
        ("number", 1234.56, "1,234.6", "1.234,6"),
        ("number", 3.0, "3", "3"),
        ("bytes", 999, "999 B", "999 B"),
        ("bytes", 12_345_678, "12.3 MB", "12,3 MB"),
        ("bytes", 5_000_000_000, "5 GB", "5 GB"),
        ("span", None, "\u2013", "\u2013"),
        ("span", 0.44, "0.4 s", "0,4 s"),
        ("span", 75, "1 min 15 s", "1 min 15 s"),
        ("span", 18_600, "5 h 10 min", "5 h 10 min"),
        ("span", 183_600, "2 d 3 h", "2 T 3 h"),
        ("expiry", "271130", "30 Nov 2027", "30.11.2027"),
        ("expiry", "271100", "Nov 2027", "11.2027"),
        ("expiry", "271332", "271332", "271332"),
        ("expiry", "Nov 27", "Nov 27", "Nov 27"),
        ("moment", "", "\u2013", "\u2013"),
    ],
)
def test_numbers_times_and_dates_are_the_language_s(method: str, value: Any, english: str, german: str) -> None:
    assert getattr(language("en"), method)(value) == english
    assert getattr(language("de"), method)(value) == german


@pytest.mark.parametrize(
    ("char", "english", "german"),
    [
        ("\t", "TAB", "ein Tabulator"),
        ("\xa0", "NO-BREAK SPACE", "ein geschütztes Leerzeichen"),
        ("\x07", "CONTROL CHARACTER U+0007", "ein Steuerzeichen (U+0007)"),
        ("О", '"О" (CYRILLIC CAPITAL LETTER O)', '"О" (CYRILLIC CAPITAL LETTER O)'),  # noqa: RUF001  the point of it
    ],
)
def test_a_character_is_shown_if_it_can_be_and_named(char: str, english: str, german: str) -> None:
    assert language("en").character(char) == english
    assert language("de").character(char) == german


def test_what_to_do_about_a_group_is_its_code_s_before_its_outcome_s() -> None:
    assert language("en").group("left_out", "rejected") == "Nothing to do."
    assert language("en").group("gtin_zeros", "rejected").startswith("They have not been sent.")
    assert language("de").title("gtin_zeros") == "GTIN aus lauter Nullen"


def test_a_warning_says_what_was_done_and_what_to_do() -> None:
    assert language("en").warning("expiry_past") == "the expiry date has passed. Check the date."


@pytest.mark.parametrize("tag", catalogue.LANGUAGES)
def test_thousands_are_grouped_as_the_locale_does(tag: str) -> None:
    assert language(tag).number(1234567) == format_decimal(1234567, locale=tag)
