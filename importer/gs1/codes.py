"""Text becomes a GTIN, a serial, a batch number or an expiry once, here, and is not checked again.

Pure. The rules are those of the GS1 General Specifications; columns of values are the business of `checks`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Literal

from importer.gs1.characters import CSET_82, error_value, foreign, meant, show, trim
from importer.gs1.expiry import DateOrder, Day00, OnExpired, parse_expiry, restored_expiry
from importer.model import Parsed, Reject

__all__ = [
    "DAMAGED",
    "LONGEST",
    "SCANNED",
    "CheckDigit",
    "DateOrder",
    "Day00",
    "OnExpired",
    "check_digit_of",
    "parse_batch",
    "parse_expiry",
    "parse_gtin",
    "parse_serial",
    "restored_expiry",
    "same_value",
]

CheckDigit = Literal["error", "warn", "off"]

LONGEST = 20
"""Characters of a serial or a batch number."""

_GTIN = 14
_GTIN_LENGTHS = (8, 12, 13, 14)
_ZEROS_LOST = (9, 10, 11)

_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_YEAR_4 = "(?:19|20)[0-9][0-9]"
_YEAR = f"(?:{_YEAR_4}|[0-9][0-9])"
_SEPARATORS = ("-", "/", "[.]")
DAMAGED = "|".join(
    [
        r"-?[0-9](?:[.,][0-9]+[Ee][+-]?|[Ee][+-])[0-9]{1,3}",
        *(f"{_YEAR_4}{sep}{_MONTH}{sep}{_DAY}" for sep in _SEPARATORS),
        *(f"{_DAY}{sep}{_MONTH}{sep}{_YEAR}" for sep in _SEPARATORS),
        *(f"{_MONTH}{sep}{_DAY}{sep}{_YEAR}" for sep in _SEPARATORS),
        f"{_DAY}-{_MONTHS}(?:-{_YEAR})?",
        f"{_MONTHS}-[0-9][0-9]",
    ]
)
"""What a spreadsheet makes of a code that it takes for a number or a date: `1.23E+15`, `2027-01-01`, `2-Sep`.
A serial like that is legal, so it is sent, with a warning. To be matched with a whole value, by Python or by RE2.
Each holds a character that is no letter or digit: `1E5` is shaped like many a random serial and gets no warning."""

SCANNED = ("(01)", "(21)")
"""How a scanned code begins. A serial like that is legal, so it is sent, with a warning."""

_DAMAGED = re.compile(DAMAGED)
_NO_CSET_82 = re.compile(f"[^{re.escape(CSET_82)}]")
_NO_DIGIT = re.compile("[^0-9]")
_EXPONENT = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?[Ee]([+]?)([0-9]{1,3})")
_DECIMALS = re.compile(r"([0-9]+)[.,]0+")
_DECORATED = re.compile(
    r"(?:\(01\)|['+=]|(?:GTIN|EAN|NTIN)(?:-?(?:8|12|13|14))?[\s:#]{1,3})?([0-9]{8,14})\.?", re.IGNORECASE
)
_PADDED = re.compile("0{4}[0-9]{14}")
"""A material number of SAP, which has 18 places."""
_SEPARATED = re.compile(r"[0-9]+(?:[ .,'\u2019\u00a0\u202f\u2009_/-][0-9]+)+")
_FRACTION = re.compile(r"[0-9]+[.,][0-9]+")
_ZERO_DECIMALS = re.compile(r"(?<=[ .,'\u2019\u00a0\u202f\u2009][0-9]{3})[.,]0{1,2}$")
_LEAST_MANTISSA = 8
_LEAST_SEPARATED = 12


def parse_gtin(text: str, *, check_digit: CheckDigit) -> Parsed | Reject:
    """Parse a GTIN-8, -12, -13 or -14 into 14 digits: AI (01), GS1 General Specifications 3.3.2.

    Zeros that a spreadsheet took away and a `.0` that it added are mended only where the check digit (7.9.1) proves
    the result, whatever `check_digit` says; and so are separators and exponents that leave all digits in place. Notes:
    `gtin_trimmed`, `gtin_zeros_restored`, `gtin_restored`, `gtin_check_digit` (a wrong one let through by "warn").
    Fewer than 9 digits are never lost zeros: GS1 gives no such number to a product.
    """
    value, trimmed = trim(text)
    notes = ("gtin_trimmed",) if trimmed else ()
    if not value:
        return Reject("gtin_missing", "gtin")
    restored = _digits_of(value)
    digits = restored or value
    if reject := error_value("gtin", value) or _no_gtin(value, digits):
        return reject
    proven = check_digit_of(digits[:-1]) == digits[-1]
    if restored or len(digits) in _ZEROS_LOST:
        repair = "gtin_zeros_restored" if not restored or _DECIMALS.fullmatch(value) else "gtin_restored"
        return Parsed(digits.zfill(_GTIN), (*notes, repair)) if proven else _unproven(value, digits)
    if not proven and check_digit == "error":
        return _wrong_check_digit(value)
    if not proven and check_digit == "warn":
        notes = (*notes, "gtin_check_digit")
    return Parsed(digits.zfill(_GTIN), notes)


def parse_serial(text: str) -> Parsed | Reject:
    """Parse a serial: 1 to 20 characters of CSET 82, AI (21), GS1 General Specifications 3.5.2 and figure 7.11-1.

    Case is never changed. Notes: `serial_trimmed`, `serial_looks_damaged` (legal, but shaped like a spreadsheet's
    exponent or date), `serial_looks_scanned` (legal, but begins like a scanned code).
    """
    return _parse_code("serial", text)


def parse_batch(text: str) -> Parsed | Reject:
    """Parse a batch number: 1 to 20 characters of CSET 82, AI (10), GS1 General Specifications 3.4.1.

    Case is never changed. Notes: `batch_trimmed`, `batch_looks_damaged`.
    """
    return _parse_code("batch", text)


def same_value(role: str, one: str, other: str, *, today: date, date_order: DateOrder) -> bool:
    """Tell whether two spellings of a GTIN, batch or expiry mean the same. What can't be parsed contradicts nothing:
    it is rejected for its own reason. Day 00 is the last day of the month.
    """

    def parse(text: str) -> Parsed | Reject:
        if role == "gtin":
            return parse_gtin(text, check_digit="off")
        if role == "batch":
            return parse_batch(text)
        return parse_expiry(text, today=today, date_order=date_order, day_00="last-day", expired="off")

    first, second = parse(one), parse(other)
    return not isinstance(first, Parsed) or not isinstance(second, Parsed) or first.value == second.value


def check_digit_of(digits: str) -> str:
    """Compute the check digit that follows these digits: GS1 General Specifications 7.9.1, for any length."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _parse_code(role: str, text: str) -> Parsed | Reject:
    value, trimmed = trim(text)
    if not value:
        return Reject(f"{role}_missing", role, {"most": LONGEST})
    if reject := error_value(role, value) or foreign(role, value, _NO_CSET_82):
        return reject
    if len(value) > LONGEST:
        return Reject(f"{role}_too_long", role, {"value": show(value), "n": len(value), "most": LONGEST})
    notes = (f"{role}_trimmed",) if trimmed else ()
    if _DAMAGED.fullmatch(value):
        notes = (*notes, f"{role}_looks_damaged")
    if role == "serial" and value.startswith(SCANNED):
        notes = (*notes, "serial_looks_scanned")
    return Parsed(value, notes)


def _digits_of(value: str) -> str:
    """The digits behind what a program added to them: decimals of zeros, separators, an exponent that leaves all of
    them in place, the identifier (01); "" where there is nothing of it. The check digit has to prove them.
    """
    if decimals := _DECIMALS.fullmatch(value):
        return decimals[1]
    digits = ""
    if exponent := _EXPONENT.fullmatch(value):
        digits = _expanded(exponent[1], exponent[2] or "", bool(exponent[3]), int(exponent[4]))
    elif decorated := _DECORATED.fullmatch(value):
        digits = decorated[1] if decorated[1] != value else ""
    elif _PADDED.fullmatch(value):
        digits = value[4:]
    elif _SEPARATED.fullmatch(value) and not _FRACTION.fullmatch(value):
        digits = re.sub("[^0-9]", "", _ZERO_DECIMALS.sub("", value))
        digits = digits if len(digits) >= _LEAST_SEPARATED else ""  # one date in ten passes as a GTIN-8
    known = len(digits) in (*_GTIN_LENGTHS, *_ZEROS_LOST) and digits.strip("0")
    return digits if known and check_digit_of(digits[:-1]) == digits[-1] else ""


def _expanded(whole: str, fraction: str, signed: bool, exponent: int) -> str:
    """A number with an exponent in full; "" where digits are missing.

    `4.006381333931E12` holds them all, and Java's `Double.toString`, which writes no sign, leaves out no digit but
    zeros at the end. Others cut: one digit may be missing, since only a zero can be proven there.
    """
    digits = whole + fraction
    missing = exponent - len(fraction)
    least = _LEAST_MANTISSA if not signed else max(_LEAST_MANTISSA, len(whole) + exponent - 1)
    if missing < 0 or len(digits) < least or len(digits) + missing not in (*_GTIN_LENGTHS, *_ZEROS_LOST):
        return ""
    return digits + "0" * missing


def _no_gtin(value: str, digits: str) -> Reject | None:
    shown = {"value": show(value)}
    if digits == value and _EXPONENT.fullmatch(value):
        return Reject("gtin_exponent", "gtin", shown)
    if not (digits.isascii() and digits.isdigit()):
        found = foreign("gtin", value, _NO_DIGIT, _digit_meant)
        return replace(found, code="gtin_not_digits") if found and found.code == "gtin_character" else found
    if len(digits) not in (*_GTIN_LENGTHS, *_ZEROS_LOST):
        return Reject("gtin_length", "gtin", {**shown, "n": len(digits)})
    if not digits.strip("0"):
        return Reject("gtin_zeros", "gtin", shown)
    return None


def _digit_meant(char: str) -> str:
    text = {"O": "0", "o": "0", "I": "1", "l": "1"}.get(meant(char) or char, meant(char))
    return text if text.isdigit() else ""


def _unproven(value: str, digits: str) -> Reject:
    if len(digits) in _GTIN_LENGTHS:
        return _wrong_check_digit(digits)
    return Reject("gtin_length", "gtin", {"case": "unproven", "value": show(value), "n": len(digits)})


def _wrong_check_digit(value: str) -> Reject:
    values = {"value": show(value), "found": value[-1], "right": check_digit_of(value[:-1])}
    return Reject("gtin_check_digit", "gtin", values)
