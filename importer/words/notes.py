"""Repairs and warnings in a planner's words. Such a row was taken all the same; the code is what scripts see."""

from __future__ import annotations

_WORDS = {
    "batch_looks_damaged": "the batch looks like what a spreadsheet makes of a code (an exponent, a date): compare it",
    "batch_trimmed": "space or an invisible character around the batch was taken off",
    "case_pair": "serials that differ only by upper and lower case: they are different serials",
    "expiry_last_day": "the expiry has no day: the last day of the month is sent",
    "expiry_month_only": "the expiry has no day: 00 is sent, which means the end of the month",
    "expiry_past": "the expiry date has passed",
    "expiry_trimmed": "space or an invisible character around the expiry was taken off",
    "expiry_zero_restored": "the expiry had lost its first zero; the rest of the batch proves it",
    "formula_wrapper": 'the value was written as ="…" to keep a spreadsheet from changing it',
    "gtin_check_digit": "the check digit of the GTIN is wrong",
    "gtin_from_number": "the GTIN stood in a numeric cell; its check digit proves it",
    "gtin_trimmed": "space or an invisible character around the GTIN was taken off",
    "gtin_zeros_restored": "the GTIN had lost its leading zeros; its check digit proves it",
    "serial_from_scan": "a scanned code stood in place of the serial, which was taken out of it",
    "serial_looks_scanned": "the serial begins like a scanned code, (01) or (21): if it is one, enter the serial alone",
    "serial_looks_damaged": "the serial looks like what a spreadsheet makes of a code (exponent or date): compare it",
    "serial_trimmed": "space or an invisible character around the serial was taken off",
}


def note(code: str) -> str:
    """What a code of a repair or warning says."""
    return _WORDS.get(code, code.replace("_", " "))
