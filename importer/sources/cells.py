"""What one spreadsheet cell says: its text, and why it can't be trusted where a spreadsheet may have damaged it.

Pure; one cell at a time. What is text in the sheet is never looked at here.
"""

from __future__ import annotations

import datetime as dt

from importer.model import Reject
from importer.sources.columns import spoken

EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; from here on the last ones may have become zeros."""

_TIP = "format the column as text and take the {role} from the source system"


def text_of(value: object) -> str:
    """A cell's value as text: a date as 2027-11-30, a whole number as its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return str(int(value)) if _is_whole(value) and abs(value) < EXACT else f"{value:.15G}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def fault_of(role: str, value: object) -> Reject | None:
    """Why a cell of this role can't be used as it stands."""
    if isinstance(value, bool):
        message = (
            f"The {spoken(role)} is the truth value {text_of(value)}: enter it as text, in a column formatted as text."
        )
        return Reject("boolean_cell", message)
    if isinstance(value, (int, float)):
        return _number_fault(role, value)
    if isinstance(value, dt.datetime | dt.date) and role == "expiry":
        return None
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        tip = "enter the date" if role == "expiry" else _TIP.format(role=spoken(role))
        what = "a time" if isinstance(value, dt.time | dt.timedelta) else "a date"
        return Reject(
            f"{role}_date_cell", f"The spreadsheet made {what} of the {spoken(role)} ({text_of(value)}): {tip}."
        )
    return None


def _number_fault(role: str, value: float) -> Reject | None:
    shown, tip = text_of(value), _TIP.format(role=spoken(role))
    if role == "expiry":
        return None
    if not _is_whole(value) or abs(value) >= EXACT:
        message = f"The {spoken(role)} stands in a numeric cell, as {shown}: its digits are lost; {tip}."
        return Reject(f"{role}_digits_lost", message)
    if role == "gtin":
        return None
    message = f"The {spoken(role)} {shown} stands in a numeric cell, which drops leading zeros and turns 22E1 into 220"
    return Reject(f"{role}_numeric_cell", f"{message}: {tip}.")


def missing_value(role: str, what: str) -> Reject:
    """The fault of a cell that shows `what`, such as #N/A, or holds a formula without a value (`what` is empty)."""
    if what:
        return Reject("error_cell", f"The {spoken(role)} is the error {what}: correct the formula, or enter the value.")
    return Reject(
        "formula_without_value",
        f"The {spoken(role)} is a formula whose value was never computed: open the file in a spreadsheet and save it.",
    )


def merged(role: str, first: int, last: int) -> Reject:
    """The fault of a cell that is merged with the one above."""
    return Reject(
        "merged_cell",
        f"The {spoken(role)} stands in cells merged over rows {first:,} to {last:,}, only the first of which has it: "
        f"unmerge them and fill the value down, or import with --fill-down.",
    )


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()
