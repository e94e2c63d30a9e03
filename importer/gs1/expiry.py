"""Text becomes an expiry date, YYMMDD: AI (17), GS1 General Specifications 3.4.7. Imported through `gs1`.

Pure: today is an argument. How dates are written is `dates`; which of them is meant, and is good, is decided here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from importer.gs1.characters import error_value, foreign, meant, show, trim
from importer.gs1.dates import Clock, Dated, Reading, UnknownWord, read_date
from importer.gs1.months import month_of
from importer.gs1.suspect import Suspect
from importer.model import Parsed, Reject

DateOrder = Literal["", "dmy", "mdy"]
Day00 = Literal["keep", "last-day"]
OnExpired = Literal["error", "warn", "off"]

_BACK, _AHEAD = 49, 50

_DECIMALS = re.compile(r"([0-9]{5,8})[.,]0+")
_DIGITS = re.compile(r"[0-9]{5,6}|[0-9]{8}")
_DAY_AND_TIME = re.compile(r"([0-9]{5})[.,]([0-9]+)")
_NO_DATE = re.compile(r"[^0-9A-Za-z./ :,'\-]")

_DAY_ZERO = date(1899, 12, 30)
"""Day 0 of a spreadsheet's calendar."""
_DAY = 24 * 3600
_NOTHING = 60
"""So many seconds after midnight are a rounding of some program's, not a time of day."""


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


@dataclass(frozen=True, slots=True)
class _Found:
    """A date that is meant, whether it was written without a day, and the time of day beside it."""

    date: _Date
    month_only: bool = False
    clock: Clock | None = None


def parse_expiry(
    text: str,
    *,
    today: date,
    date_order: DateOrder,
    day_00: Day00,
    expired: OnExpired,
    accept: Collection[str] = (),
) -> Parsed | Reject:
    """Parse an expiry into YYMMDD. A batch may be used on its last day: it is past from the day after.

    `date_order` decides only where a date can be read both ways; with dots, such a date is day first without it. Five
    digits are `expiry_zero_lost`: see `restored_expiry`. A time of day other than midnight puts the day in doubt:
    `suspect_time_of_day`, unless `accept` has it, which means the day as written. Notes: `expiry_trimmed`,
    `expiry_month_only` (MM/YYYY became day 00 or the last day), `expiry_last_day` (day 00 became the last day),
    `expiry_time_dropped` (seconds after midnight were left out), `suspect_time_of_day` (accepted), `expiry_past` (let
    through by "warn").
    """
    value, trimmed = trim(text)
    if not value:
        return Reject("expiry_missing", "expiry")
    plain = _plain(value)
    if Suspect.TIME_OF_DAY in accept and (match := _DAY_AND_TIME.fullmatch(plain)):
        plain = match[1]
    found = _read(plain, value, today, date_order)
    time = _time_of_day(found, value, accept)
    if isinstance(found, Reject):
        return found
    if isinstance(time, Reject):
        return time
    notes = ("expiry_trimmed", *time) if trimmed else time
    if found.month_only:
        notes = (*notes, "expiry_month_only")
    said = found.date
    if said.day == 0 and day_00 == "last-day":
        notes = (*notes, "expiry_last_day")
        said = _Date(said.year, said.month, said.last_day())
    if said.end() < today and expired == "error":
        return _wrong("expiry_past", value, day=said.end().isoformat())
    if said.end() < today and expired == "warn":
        notes = (*notes, "expiry_past")
    return Parsed(f"{said.year % 100:02}{said.month:02}{said.day:02}", notes)


def _time_of_day(found: _Found | Reject, value: str, accept: Collection[str]) -> tuple[str, ...] | Reject:
    """The notes on the time of day beside a date."""
    if isinstance(found, Reject) or not found.clock or not found.clock.seconds:
        return ()
    if found.clock.seconds < _NOTHING:
        return ("expiry_time_dropped",)
    return (Suspect.TIME_OF_DAY.value,) if Suspect.TIME_OF_DAY in accept else _in_doubt(value, found.date, found.clock)


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
    """Leave out what spreadsheets and programs add to a number: `.0`."""
    decimals = _DECIMALS.fullmatch(value)
    return decimals[1] if decimals else value


def _read(plain: str, value: str, today: date, date_order: DateOrder) -> _Found | Reject:
    if _DIGITS.fullmatch(plain):
        return _digits(plain, value, today)
    if match := _DAY_AND_TIME.fullmatch(plain):
        return _day_and_time(match, value, today)
    found = read_date(plain)
    if isinstance(found, Dated):
        return _meant(found, value, today, date_order)
    if reject := error_value("expiry", value):
        return reject
    if isinstance(found, UnknownWord) and not month_of("".join(meant(char) or char for char in found.word)):
        return _wrong("expiry_format", value, case="month", word=show(found.word))
    return foreign("expiry", value, _NO_DATE) or _wrong("expiry_format", value)


# --- digits alone --------------------------------------------------------------------------------------------------


def _digits(digits: str, value: str, today: date) -> _Found | Reject:
    if len(digits) == len("YYMMDD"):
        return _six_digits(digits, value, today)
    if len(digits) == len("46721"):
        return _five_digits(digits, value, today)
    return _checked(_Date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), value, today)


def _six_digits(digits: str, value: str, today: date) -> _Found | Reject:
    found = _yymmdd(digits, today)
    as_month = _Date(int(digits[:4]), int(digits[4:]), 0)
    if not found.exists() and as_month.exists() and _in_window(as_month, today):
        return _wrong("expiry_yyyymm", value, digits=f"{digits[2:]}00")
    return _checked(found, value, today)


def _five_digits(digits: str, value: str, today: date) -> Reject:
    if _yymmdd(f"0{digits}", today).exists():
        return _wrong("expiry_zero_lost", value, digits=f"0{digits}")
    day = _DAY_ZERO + timedelta(days=int(digits))
    if _in_window(_Date(day.year, day.month, day.day), today):
        return _wrong("expiry_day_number", value, day=day.isoformat(), digits=f"{day:%y%m%d}")
    return _wrong("expiry_format", value, case="five_digits")


def _day_and_time(match: re.Match[str], value: str, today: date) -> Reject:
    """46720.99944 is a spreadsheet's number for a moment."""
    day = _DAY_ZERO + timedelta(days=int(match[1]))
    found = _Date(day.year, day.month, day.day)
    if not _in_window(found, today):
        return _wrong("expiry_format", value)
    seconds = round(float(f"0.{match[2]}") * _DAY)
    hour, minute = divmod(seconds // 60, 60)
    return _in_doubt(value, found, Clock(f"{hour:02}:{minute:02}:{seconds % 60:02}", seconds))


# --- what is meant by a date that was written out ------------------------------------------------------------------


def _meant(dated: Dated, value: str, today: date, date_order: DateOrder) -> _Found | Reject:
    if not dated.readings:
        return _no_century(value)
    ways = {reading.order: (_dated(reading, today), reading) for reading in dated.readings}
    possible = {order: found for order, (found, _) in ways.items() if found.exists()}
    order = date_order or dated.usual
    order = "dmy" if order and order not in ways else order  # either order puts the year behind a month's name
    if len(set(possible.values())) > 1 and order not in possible:
        short = any(reading.short for reading in dated.readings)
        return _no_century(value) if short and "mdy" in ways else _two_ways(value, possible.values())
    chosen = order if order in possible else next(iter(possible or ways))
    found = _checked(ways[chosen][0], value, today)
    month_only = chosen in ("my", "ym")
    return found if isinstance(found, Reject) else _Found(found.date, month_only, dated.clock)


def _dated(reading: Reading, today: date) -> _Date:
    return _Date(full_year(reading.year, today) if reading.short else reading.year, reading.month, reading.day)


def _no_century(value: str) -> Reject:
    return _wrong("expiry_ambiguous", value, case="short_year")


def _two_ways(value: str, ways: Collection[_Date]) -> Reject:
    return _wrong("expiry_ambiguous", value, days=[found.end().isoformat() for found in dict.fromkeys(ways)])


def _checked(found: _Date, value: str, today: date) -> _Found | Reject:
    if found.month not in range(1, 13):
        return _wrong("expiry_impossible", value, month=found.month)
    if not _in_window(found, today):
        window = {"first": str(today.year - _BACK), "last": str(today.year + _AHEAD)}
        return _wrong("expiry_year", value, year=str(found.year), **window)
    if not found.exists():
        month = f"{found.year:04}-{found.month:02}"
        return _wrong("expiry_impossible", value, case="day", month=month, day=found.day)
    return _Found(found)


def _in_doubt(value: str, found: _Date, clock: Clock) -> Reject:
    """Midnight of one zone is an evening or a morning of another: the day before or after may be meant."""
    written = found.end()
    first = written if clock.seconds * 2 >= _DAY else written - timedelta(days=1)
    second = first + timedelta(days=1)
    return _wrong(
        Suspect.TIME_OF_DAY.value,
        value,
        time=clock.text,
        days=[first.isoformat(), second.isoformat()],
        first=f"{first:%y%m%d}",
        second=f"{second:%y%m%d}",
    )


def _yymmdd(digits: str, today: date) -> _Date:
    return _Date(full_year(int(digits[:2]), today), int(digits[2:4]), int(digits[4:]))


def _in_window(found: _Date, today: date) -> bool:
    return found.year == full_year(found.year % 100, today)


def _wrong(code: str, value: str, **values: object) -> Reject:
    return Reject(code, "expiry", {"value": show(value), **values})
