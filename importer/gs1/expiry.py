"""Text becomes an expiry date, YYMMDD: AI (17), GS1 General Specifications 3.4.7. Imported through `gs1`.

Pure: today is an argument.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from importer.gs1.characters import error_value, foreign, show, trim
from importer.model import Parsed, Reject

DateOrder = Literal["", "dmy", "mdy"]
Day00 = Literal["keep", "last-day"]
OnExpired = Literal["error", "warn", "off"]

_BACK, _AHEAD = 49, 50

_MIDNIGHT = re.compile(r"[ T]00:00(?::00(?:\.0+)?)?\Z")
_DECIMALS = re.compile(r"([0-9]{5,8})[.,]0+")
_MONTH_ONLY = re.compile(r"[0-9]{1,2}[-/.][0-9]{4}|[0-9]{4}[-/.][0-9]{1,2}")
_NO_DATE = re.compile(r"[^0-9A-Za-z./ :-]")

_DAY_ZERO = date(1899, 12, 30)
"""Day 0 of a spreadsheet's calendar."""


@dataclass(frozen=True, slots=True)
class _Date:
    """A date as written. Day 0 is the last day of the month."""

    year: int
    month: int
    day: int

    def last_day(self) -> int:
        return calendar.monthrange(self.year, self.month)[1]

    def exists(self) -> bool:
        return self.year > 0 and self.month in range(1, 13) and self.day <= self.last_day()

    def end(self) -> date:
        return date(self.year, self.month, self.day or self.last_day())


def parse_expiry(
    text: str, *, today: date, date_order: DateOrder, day_00: Day00, expired: OnExpired
) -> Parsed | Reject:
    """Parse an expiry into YYMMDD. A batch may be used on its last day: it is past from the day after.

    `date_order` decides only where a date can be read both ways; with dots, such a date is day first without it. Five
    digits are `expiry_zero_lost`: see `restored_expiry`. Notes: `expiry_trimmed`, `expiry_month_only` (MM/YYYY became
    day 00 or the last day), `expiry_last_day` (day 00 became the last day), `expiry_past` (let through by "warn").
    """
    value, trimmed = trim(text)
    if not value:
        return Reject("expiry_missing", "expiry")
    plain = _plain(value)
    found = _read(plain, value, today, date_order)
    if isinstance(found, Reject):
        return found
    notes = ("expiry_trimmed",) if trimmed else ()
    if _MONTH_ONLY.fullmatch(plain):
        notes = (*notes, "expiry_month_only")
    if found.day == 0 and day_00 == "last-day":
        notes = (*notes, "expiry_last_day")
        found = _Date(found.year, found.month, found.last_day())
    if found.end() < today and expired == "error":
        return _wrong("expiry_past", value, day=found.end().isoformat())
    if found.end() < today and expired == "warn":
        notes = (*notes, "expiry_past")
    return Parsed(f"{found.year % 100:02}{found.month:02}{found.day:02}", notes)


def restored_expiry(text: str, *, today: date, day_00: Day00) -> str:
    """Give the YYMMDD that a value rejected as `expiry_zero_lost` would be with its zero, in the form that is sent.

    Nothing in the value proves it: only other rows of the same batch that have the same expiry do.
    """
    digits = "0" + _plain(trim(text)[0])
    found = _yymmdd(digits, today)
    return digits[:4] + f"{found.last_day():02}" if found.day == 0 and day_00 == "last-day" else digits


def full_year(year: int, today: date) -> int:
    """Add the century to a two-digit year: GS1 General Specifications 7.12, 49 years back to 50 ahead."""
    ahead = year - today.year % 100
    century = today.year - today.year % 100
    if ahead > _AHEAD:
        return century - 100 + year
    if ahead < -_BACK:
        return century + 100 + year
    return century + year


def _plain(value: str) -> str:
    """Leave out what spreadsheets and programs add to a date or a number: midnight, `.0`."""
    value = _MIDNIGHT.sub("", value)
    decimals = _DECIMALS.fullmatch(value)
    return decimals[1] if decimals else value


def _read(plain: str, value: str, today: date, date_order: DateOrder) -> _Date | Reject:
    for pattern, read in _FORMS:
        if match := pattern.fullmatch(plain):
            found = read(match, value, today, date_order)
            return found if isinstance(found, Reject) else _checked(found, value, today)
    return error_value("expiry", value) or foreign("expiry", value, _NO_DATE) or _wrong("expiry_format", value)


def _six_digits(match: re.Match[str], value: str, today: date, _: DateOrder) -> _Date | Reject:
    digits = match[0]
    found = _yymmdd(digits, today)
    as_month = _Date(int(digits[:4]), int(digits[4:]), 0)
    if not found.exists() and as_month.exists() and _in_window(as_month, today):
        return _wrong("expiry_yyyymm", value, digits=f"{digits[2:]}00")
    return found


def _five_digits(match: re.Match[str], value: str, today: date, _: DateOrder) -> Reject:
    if _yymmdd(f"0{match[0]}", today).exists():
        return _wrong("expiry_zero_lost", value, digits=f"0{match[0]}")
    day = _DAY_ZERO + timedelta(days=int(match[0]))
    if _in_window(_Date(day.year, day.month, day.day), today):
        return _wrong("expiry_day_number", value, day=day.isoformat(), digits=f"{day:%y%m%d}")
    return _wrong("expiry_format", value, case="five_digits")


def _year_first(match: re.Match[str], *_: object) -> _Date:
    return _Date(int(match[1]), int(match[3]), int(match[4] or 0))


def _year_last(match: re.Match[str], value: str, _: date, date_order: DateOrder) -> _Date | Reject:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    readings = {"dmy": _Date(year, second, first), "mdy": _Date(year, first, second)}
    possible = {order: found for order, found in readings.items() if found.exists()}
    order = date_order or ("dmy" if match[2] == "." else "")
    if len(set(possible.values())) > 1 and not order:
        return _wrong("expiry_ambiguous", value, days=[found.end().isoformat() for found in possible.values()])
    return possible.get(order) or next(iter(possible.values()), readings["dmy"])


def _short_year(_: re.Match[str], value: str, *__: object) -> Reject:
    return _wrong("expiry_ambiguous", value, case="short_year")


_FORMS: tuple[tuple[re.Pattern[str], Callable[..., _Date | Reject]], ...] = (
    (re.compile(r"[0-9]{6}"), _six_digits),
    (re.compile(r"[0-9]{5}"), _five_digits),
    (re.compile(r"([0-9]{4})()([0-9]{2})([0-9]{2})"), _year_first),
    (re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})(?:\2([0-9]{1,2}))?"), _year_first),
    (re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})"), _year_last),
    (re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})"), lambda match, *_: _Date(int(match[2]), int(match[1]), 0)),
    (re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}(?:[-/.][0-9]{1,2})?"), _short_year),
)


def _checked(found: _Date, value: str, today: date) -> _Date | Reject:
    if found.month not in range(1, 13):
        return _wrong("expiry_impossible", value, month=found.month)
    if not _in_window(found, today):
        window = {"first": str(today.year - _BACK), "last": str(today.year + _AHEAD)}
        return _wrong("expiry_year", value, year=str(found.year), **window)
    if not found.exists():
        month = f"{found.year:04}-{found.month:02}"
        return _wrong("expiry_impossible", value, case="day", month=month, day=found.day)
    return found


def _yymmdd(digits: str, today: date) -> _Date:
    return _Date(full_year(int(digits[:2]), today), int(digits[2:4]), int(digits[4:]))


def _in_window(found: _Date, today: date) -> bool:
    return found.year == full_year(found.year % 100, today)


def _wrong(code: str, value: str, **values: object) -> Reject:
    return Reject(code, "expiry", {"value": show(value), **values})
