from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.gs1.codes import CheckDigit, check_digit_of, parse_gtin
from importer.model import Parsed, Reject
from importer.words.language import language

say = language("en").say

RIGHT = {
    "fourteen_digits": ("04006381333931", "04006381333931", ()),
    "vendors_sample_corrected": ("01234567891231", "01234567891231", ()),
    "gtin_13_is_padded": ("4006381333931", "04006381333931", ()),
    "gtin_12_is_padded": ("036000291452", "00036000291452", ()),
    "gtin_8_is_padded": ("96385074", "00000096385074", ()),
    "eleven_digits_lost_a_zero": ("36000291452", "00036000291452", ("gtin_zeros_restored",)),
    "nine_digits_lost_zeros": ("100000153", "00000100000153", ("gtin_zeros_restored",)),
    "number_with_decimals": ("4006381333931.0", "04006381333931", ("gtin_zeros_restored",)),
    "number_with_a_decimal_comma": ("4006381333931,00", "04006381333931", ("gtin_zeros_restored",)),
    "blanks_around": (" 04006381333931\t", "04006381333931", ("gtin_trimmed",)),
    "bom_in_front": ("\ufeff04006381333931", "04006381333931", ("gtin_trimmed",)),
}

WRONG = {
    "empty": ("", "gtin_missing", "The GTIN is missing. Enter the 14 digits of the product."),
    "only_blanks": (" \xa0", "gtin_missing", "The GTIN is missing. Enter the 14 digits of the product."),
    "check_digit_of_the_vendors_sample": (
        "01234567891234",
        "gtin_check_digit",
        (
            'GTIN "01234567891234" ends in 4, but its check digit is 1: a digit is wrong. '
            "Compare it with the product's master data."
        ),
    ),
    "decimals_that_nothing_proves": (
        "4006381333930.0",
        "gtin_check_digit",
        (
            'GTIN "4006381333930" ends in 0, but its check digit is 1: a digit is wrong. '
            "Compare it with the product's master data."
        ),
    ),
    "exponent": (
        "4.00638E+12",
        "gtin_exponent",
        (
            'GTIN "4.00638E+12" was cut short by a spreadsheet: its last digits are lost. '
            "Take it from the source system and enter it as text."
        ),
    ),
    "exponent_with_a_comma": (
        "4,00638E+12",
        "gtin_exponent",
        (
            'GTIN "4,00638E+12" was cut short by a spreadsheet: its last digits are lost. '
            "Take it from the source system and enter it as text."
        ),
    ),
    "lost_zeros_that_nothing_proves": (
        "36000291453",
        "gtin_length",
        (
            'GTIN "36000291453" has 11 digits; its check digit doesn\'t prove that only zeros are missing. '
            "Enter all 14 digits."
        ),
    ),
    "too_short_for_any_product": (
        "17",
        "gtin_length",
        'GTIN "17" has 2 digits; 14 are expected, or 8, 12 or 13. Take it from the product\'s master data.',
    ),
    "too_long": (
        "0104006381333931",
        "gtin_length",
        (
            'GTIN "0104006381333931" has 16 digits; 14 are expected, or 8, 12 or 13. '
            "Take it from the product's master data."
        ),
    ),
    "all_zeros": (
        "00000000000000",
        "gtin_zeros",
        'GTIN "00000000000000" is all zeros, which is no product. Enter the product\'s GTIN.',
    ),
    "hyphens": (
        "4-006381-333932",
        "gtin_not_digits",
        (
            'GTIN "4-006381-333932": character 2 is "-" (HYPHEN-MINUS), which is not allowed there. '
            "Take it from the source system."
        ),
    ),
    "space_inside": (
        "4006381 333932",
        "gtin_not_digits",
        'GTIN "4006381 333932": character 8 is SPACE, which is not allowed there. Take it from the source system.',
    ),
    "letter_o_for_zero": (
        "4OO6381333931",
        "gtin_lookalike",
        (
            'GTIN "4OO6381333931": character 2 is "O" (LATIN CAPITAL LETTER O), probably meant as "0". '
            'Type "0" in its place.'
        ),
    ),
    "full_width_digit": (
        "\uff14006381333931",
        "gtin_lookalike",
        (
            'GTIN "\uff14006381333931": character 1 is "\uff14" (FULLWIDTH DIGIT FOUR), probably meant as "4". '
            'Type "4" in its place.'
        ),
    ),
    "arabic_digit": (
        "\u0664006381333931",
        "gtin_lookalike",
        (
            'GTIN "\u0664006381333931": character 1 is "\u0664" (ARABIC-INDIC DIGIT FOUR), probably meant as "4". '
            'Type "4" in its place.'
        ),
    ),
}


@pytest.mark.parametrize(("text", "value", "notes"), RIGHT.values(), ids=RIGHT.keys())
def test_a_gtin_becomes_fourteen_digits(text: str, value: str, notes: tuple[str, ...]) -> None:
    assert parse_gtin(text, check_digit="error") == Parsed(value, notes)


@pytest.mark.parametrize(("text", "code", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_gtin_is_rejected_in_words(text: str, code: str, message: str) -> None:
    found = parse_gtin(text, check_digit="error")
    assert isinstance(found, Reject)
    assert (found.code, found.role, say(found)) == (code, "gtin", message)


def test_a_wrong_check_digit_is_a_warning_where_the_setting_says_so() -> None:
    assert parse_gtin("01234567891234", check_digit="warn") == Parsed("01234567891234", ("gtin_check_digit",))


def test_a_wrong_check_digit_passes_unseen_where_the_check_is_off() -> None:
    assert parse_gtin("01234567891234", check_digit="off") == Parsed("01234567891234")


@pytest.mark.parametrize("setting", ["error", "warn", "off"])
def test_lost_zeros_need_proof_whatever_the_setting_says(setting: CheckDigit) -> None:
    result = parse_gtin("36000291453", check_digit=setting)
    assert isinstance(result, Reject)
    assert result.code == "gtin_length"


@settings(deadline=None, derandomize=True)
@given(st.text("0123456789", min_size=13, max_size=13).filter(lambda digits: digits.strip("0")))
def test_exactly_one_check_digit_fits(digits: str) -> None:
    fits = [last for last in "0123456789" if isinstance(parse_gtin(digits + last, check_digit="error"), Parsed)]
    assert fits == [check_digit_of(digits)]
