"""What can be suspect about legal values, as public codes (CONTRACT, "Suspect values").

Pure. Each is found elsewhere: in a date by `expiry`, in a batch number by `nothing`, in columns by `staging.suspects`.
"""

from __future__ import annotations

from enum import StrEnum


class Suspect(StrEnum):
    """Why a legal value is held back until a person has taken it from the source, or accepted it."""

    COMMON_MARK = "suspect_common_mark"
    """Every value of the column begins or ends with a mark, such as an apostrophe."""
    EXPONENTS = "suspect_exponents"
    """A spreadsheet shows long numbers as 1.23457E+17: digits are lost."""
    ZEROS_BEHIND = "suspect_zeros_behind"
    """Digits that all end in zeros behind the fifteenth, which is what a spreadsheet keeps of a number."""
    SEVERAL_SERIALS = "suspect_several_serials"
    """A cell holds a list or a range of serials."""
    ZEROS_LOST = "suspect_zeros_lost"
    """Serials of one length but for some that are shorter: their leading zeros may have been dropped."""
    DATES = "suspect_dates"
    """Codes of which a spreadsheet has made dates, such as 2-Sep."""
    ESCAPED = "suspect_escaped"
    """A program has written characters as HTML or an address has them: A&amp;B, A%2FB."""
    REPEATED = "suspect_repeated"
    """Most rows repeat a few serials, many times each: cut off, filled down, or no serials at all."""
    PLACEHOLDER = "suspect_placeholder"
    """A word that stands for "nothing" in place of a batch number, such as N/A."""
    TIME_OF_DAY = "suspect_time_of_day"
    """A date with another time than midnight may mean the day before or after."""
