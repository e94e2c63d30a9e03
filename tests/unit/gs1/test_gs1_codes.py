from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.gs1.characters import CSET_82, OUTER
from importer.gs1.codes import parse_batch, parse_serial
from importer.model import Parsed, Reject
from importer.words.language import language

say = language("en").say

LEGAL = [
    *("NA", "null", "TRUE", "1E5", "007", "00012", "=1+1", '"q', "a,b", "-1", "x" * 20, "a", "N/A"),
    *("1-2", "12-34-5678", "A.B", "1E+", "SEP2", "100000000000000", "'0012", "_", "+49", "%20"),
]

DAMAGED = [
    *("1.23E+15", "1.23e+15", "1E+15", "-1.5E+10", "1,23E+15", "1.23E15", "2.2E-5"),
    *("2027-01-01", "2027/1/1", "01.11.2027", "1/2/27", "11/30/2027", "30-11-2027", "2-Sep", "02-Sep-27", "Jan-27"),
]

REST = "is not allowed there. Take it from the source system."
WRONG = {
    "empty": ("", "missing", "The serial is missing. Enter 1 to 20 characters."),
    "only_zero_width": ("\u200b\ufeff", "missing", "The serial is missing. Enter 1 to 20 characters."),
    "too_long": (
        "A" * 21,
        "too_long",
        f'Serial "{"A" * 21}" has 21 characters; GS1 allows at most 20. Check that the right column is used.',
    ),
    "far_too_long_is_shortened": (
        "A" * 5000,
        "too_long",
        (
            f'Serial "{"A" * 30}…{"A" * 9}" has 5,000 characters; GS1 allows at most 20. '
            "Check that the right column is used."
        ),
    ),
    "space_inside": ("A B", "character", f'Serial "A B": character 2 is SPACE, which {REST}'),
    "no_break_space_inside": (
        "A\xa0B",
        "character",
        f'Serial "A\\xa0B": character 2 is NO-BREAK SPACE, which {REST}',
    ),
    "zero_width_inside": (
        "A\u200bB",
        "character",
        f'Serial "A\\u200bB": character 2 is ZERO WIDTH SPACE, which {REST}',
    ),
    "line_break_inside": ("A\nB", "character", f'Serial "A\\x0aB": character 2 is LINE BREAK, which {REST}'),
    "separator_at_the_end": (
        "AB\x1d",
        "character",
        f'Serial "AB\\x1d": character 3 is GROUP SEPARATOR (FNC1), which {REST}',
    ),
    "bell": ("A\x07", "character", f'Serial "A\\x07": character 2 is CONTROL CHARACTER U+0007, which {REST}'),
    "hash": ("#1", "character", f'Serial "#1": character 1 is "#" (NUMBER SIGN), which {REST}'),
    "accent": (
        "caf\xe9",
        "character",
        f'Serial "caf\xe9": character 4 is "\xe9" (LATIN SMALL LETTER E WITH ACUTE), which {REST}',
    ),
    "replacement_character": (
        "A\ufffd",
        "character",
        f'Serial "A\ufffd": character 2 is "\ufffd" (REPLACEMENT CHARACTER), which {REST}',
    ),
}

LOOKALIKES = {
    "cyrillic_a": ("\u0410", "A"),
    "cyrillic_small_o": ("\u043e", "o"),
    "cyrillic_three": ("\u0417", "3"),
    "greek_omicron": ("\u039f", "O"),
    "greek_small_nu": ("\u03bd", "v"),
    "turkish_dotless_i": ("\u0131", "i"),
    "zero_with_a_stroke": ("\xd8", "0"),
    "full_width_digit": ("\uff11", "1"),
    "full_width_letter": ("\uff21", "A"),
    "arabic_digit": ("\u0663", "3"),
    "superscript": ("\xb2", "2"),
    "mathematical_letter": ("\U0001d400", "A"),
    "ligature": ("\ufb01", "fi"),
    "en_dash": ("\u2013", "-"),
    "minus": ("\u2212", "-"),
    "non_breaking_hyphen": ("\u2011", "-"),
    "smart_apostrophe": ("\u2019", "'"),
    "smart_quote": ("\u201d", '"'),
    "backtick": ("`", "'"),
    "ellipsis": ("\u2026", "..."),
    "multiplication_sign": ("\xd7", "x"),
}


@pytest.mark.parametrize("text", LEGAL)
def test_a_legal_serial_passes_as_it_stands(text: str) -> None:
    assert parse_serial(text) == Parsed(text)


@settings(deadline=None, derandomize=True)
@given(st.text(CSET_82, min_size=1, max_size=20))
def test_every_text_of_cset_82_is_a_serial_and_a_batch_number(text: str) -> None:
    serial, batch = parse_serial(text), parse_batch(text)
    assert isinstance(serial, Parsed)
    assert isinstance(batch, Parsed)
    assert serial.value == batch.value == text


@settings(deadline=None, derandomize=True)
@given(st.text(OUTER, min_size=1), st.text(CSET_82, min_size=1, max_size=20), st.text(OUTER))
def test_what_surrounds_a_serial_is_stripped_with_a_note(before: str, serial: str, after: str) -> None:
    result = parse_serial(before + serial + after)
    assert isinstance(result, Parsed)
    assert result.value == serial
    assert "serial_trimmed" in result.notes


@settings(deadline=None, derandomize=True)
@given(st.characters(exclude_characters=CSET_82 + OUTER))
def test_no_other_character_is_let_in(char: str) -> None:
    result = parse_serial(f"A{char}B")
    assert isinstance(result, Reject)
    assert say(result).startswith('Serial "A')
    assert "character 2 is " in say(result)


@pytest.mark.parametrize("text", DAMAGED)
def test_a_serial_that_a_spreadsheet_may_have_damaged_passes_with_a_warning(text: str) -> None:
    assert parse_serial(text) == Parsed(text, ("serial_looks_damaged",))


@pytest.mark.parametrize(("text", "code", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_serial_is_rejected_in_words(text: str, code: str, message: str) -> None:
    found = parse_serial(text)
    assert isinstance(found, Reject)
    assert (found.code, found.role, say(found)) == (f"serial_{code}", "serial", message)


@pytest.mark.parametrize(("char", "ascii_text"), LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_a_lookalike_is_rejected_with_what_was_probably_meant(char: str, ascii_text: str) -> None:
    result = parse_batch(f"L{char}7")
    assert isinstance(result, Reject)
    assert result.code == "batch_lookalike"
    assert say(result).startswith(f'Batch "L{char}7": character 2 is "{char}" (')
    assert say(result).endswith(f'), probably meant as "{ascii_text}". Type "{ascii_text}" in its place.')


def test_a_batch_number_is_held_to_the_same_rules_under_its_own_codes() -> None:
    assert parse_batch(" L1 ") == Parsed("L1", ("batch_trimmed",))
    assert parse_batch("1.2E+07") == Parsed("1.2E+07", ("batch_looks_damaged",))
    assert parse_batch("") == Reject("batch_missing", "batch", {"most": 20})


def test_case_is_never_changed() -> None:
    assert parse_serial("aBc") == Parsed("aBc")
