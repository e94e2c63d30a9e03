"""One grammar of dates, for texts, cells and EPCIS: what a date says as it is written, in every way it can be read.

Pure. It knows no today and no rule: which of several readings holds, and whether a date is good for an expiry, is the
business of `expiry`.
"""

# ruff: noqa: RUF001  the marks are in other languages

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from importer.gs1.months import month_of, says_nothing

_LONGEST_MONTH = 31
_LONGEST = 100
"""Characters of the longest date that is looked at: one with a weekday, a time and a zone's long name."""
_HOURS, _HALF, _MINUTE = 24, 12, 60
_SHORT, _FULL = 2, 4
"""Digits of a year."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a date, which need not exist."""

    order: str
    """ymd, dmy or mdy; ym and my where there is no day."""
    year: int
    month: int
    day: int = 0
    """0 stands for the last day of the month, written as such or not at all."""
    short: bool = False
    """The year has two digits: its century is to be added."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day, as written."""

    text: str
    seconds: float
    """Since midnight: up to 86,400, which is the midnight that ends the day."""


@dataclass(frozen=True, slots=True)
class Dated:
    """What a text says. `usual` is the order that counts where none was chosen: with dots, the day comes first.
    Without `readings` nothing tells the year from the day.
    """

    readings: tuple[Reading, ...]
    usual: str = ""
    clock: Clock | None = None


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A date in letters but for this word, which is no month in any language that is known."""

    word: str


def read_date(text: str) -> Dated | UnknownWord | None:
    """Read a date with separators or a month's name, perhaps with a time of day behind it; None if it is none.

    Dates of digits alone are `expiry`'s, but for those that go on with a time (20271130T000000Z, 20271130000000).
    """
    if len(text) > _LONGEST:
        return None
    unknown: UnknownWord | None = None
    for rest, clock in _without_time(re.sub(r"\s+", " ", text)):
        found = (_compact(rest) if clock else None) or _numbers(rest) or _words(rest)
        if isinstance(found, Dated):
            return replace(found, clock=clock)
        unknown = unknown or found
    return unknown


# --- the time of day -----------------------------------------------------------------------------------------------

_ZONES = (
    *("UTC", "GMT", "CET", "CEST", "MEZ", "MESZ", "WET", "WEST", "EET", "EEST", "BST", "IST", "MSK", "TRT"),
    *("EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "JST", "KST", "HKT", "SGT", "AEST", "AEDT"),
)
_OFFSET = r"[+\-\u2212][0-9]{2}:?(?:[0-9]{2})?"
_NAMED = r"(?: ?\[[\w/+-]+\]| ?\([\w .+:-]+\))?"  # [Europe/Berlin], (Central European Standard Time)
_ZONE = rf"(?: ?(?:Z|(?:{'|'.join(_ZONES)})(?:{_OFFSET})?|{_OFFSET})(?![0-9A-Za-z]))?{_NAMED}"
_HALF_DAY = r"(?: ?(?P<half>[AaPp]\.? ?[Mm]\.?|[Öö][ÖöSs]|dop\.?|odp\.?)(?![A-Za-z]))?"
_END = rf"{_HALF_DAY}(?: ?(?:Uhr|hrs?|h|uur|ч)\.?(?![A-Za-z]))?{_ZONE}"
_AT = r"(?:(?:at|um|om|à|às|alle(?: ore)?|a las|o|v|в|saat) )?"
_HOUR, _OF_TWO = "(?P<hour>[0-9]{1,2})", "(?P<hour>[0-9]{2})"
_MINUTE_OF, _SECOND_OF = "(?P<minute>[0-9]{2})", "(?P<second>[0-9]{2})"
_PART_OF = "(?P<part>[0-9]{1,9})"
_NEITHER = "(?P<part>)(?P<half>)"
_ISO_DAY = r"(?<=[0-9]{4}-[0-9]{2}-[0-9]{2})"
_COLONS = re.compile(
    rf"(?:(?<=[0-9])[Tt]|,? ?(?<![0-9:.])\b{_AT}){_HOUR}:{_MINUTE_OF}(?::{_SECOND_OF}(?:[.,:]{_PART_OF})?)?{_END}"
)
_DOTS = re.compile(rf"(?:,? |{_ISO_DAY}-){_HOUR}[.]{_MINUTE_OF}(?:[.]{_SECOND_OF}(?:[.,]{_PART_OF})?)?{_END}$")
_H = re.compile(rf",? {_HOUR} ?h ?{_MINUTE_OF}?(?: ?m ?{_SECOND_OF} ?s)?{_NEITHER}$")
_BASIC = re.compile(rf"(?<=[0-9]{{8}})[Tt]?{_OF_TWO}{_MINUTE_OF}{_SECOND_OF}?(?:[.,]{_PART_OF})?(?P<half>){_ZONE}$")
_ZONE_ALONE = re.compile(rf"{_ISO_DAY}(?:Z|{_OFFSET})$")


def _without_time(text: str) -> Iterator[tuple[str, Clock | None]]:
    """The text as it is, and what is left of it without each time of day that it may hold."""
    yield _ZONE_ALONE.sub("", text), None
    for pattern in (_COLONS, _DOTS, _H, _BASIC):
        if match := pattern.search(text):
            clock = _clock(match)
            if clock:
                yield f"{text[: match.start()]} {text[match.end() :]}".strip(" ,"), clock


def _clock(match: re.Match[str]) -> Clock | None:
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    half = re.sub(r"[^\w]", "", match["half"] or "").casefold()
    if half:
        afternoon = half in ("pm", "ös", "odp")
        if hour > _HALF or (afternoon and not hour):
            return None
        hour = hour % _HALF + (_HALF if afternoon else 0)
    seconds = hour * 3600 + minute * 60 + second + float(f"0.{match['part'] or 0}")
    if minute >= _MINUTE or second >= _MINUTE or seconds > _HOURS * 3600:
        return None
    return Clock(match[0].strip(" ,Tt"), seconds)


# --- the day in digits ---------------------------------------------------------------------------------------------

_YEAR_MARK = re.compile(r"(?<=[0-9]{4}) ?(?:г(?:од|ода)?|r|rok|roku)?\.?$")
_EAST_ASIAN = re.compile(r"([0-9]{4}) ?[年년] ?([0-9]{1,2}) ?[月월](?: ?([0-9]{1,2}) ?[日号號일])?")
_AROUND = re.compile(r" ?([-/.]) ?")
_DAY_LAST_MARK = re.compile(r"(?<=[0-9])\.$")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/. ])([0-9]{1,2})(?:\2([0-9]{1,2}))?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4})")
_MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{4})")
_TWO_SHORT = re.compile(r"[0-9]{1,2}[-/. ][0-9]{1,2}")
_NO_CENTURY = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{1,2})")


def _compact(text: str) -> Dated | None:
    match = _COMPACT.fullmatch(text)
    return Dated((Reading("ymd", int(match[1]), int(match[2]), int(match[3])),)) if match else None


def _numbers(text: str) -> Dated | None:
    """Read a date without letters, but for the marks that some countries put behind it or behind its parts."""
    if match := _EAST_ASIAN.fullmatch(text):
        return Dated((_year_first(match[1], match[2], match[3]),))
    text = _AROUND.sub(r"\1", _DAY_LAST_MARK.sub("", _YEAR_MARK.sub("", text)))
    if match := _YEAR_FIRST.fullmatch(text):
        return Dated((_year_first(match[1], match[3], match[4]),))
    if match := _YEAR_LAST.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        usual = "dmy" if match[2] == "." else ""
        return Dated((Reading("dmy", year, second, first), Reading("mdy", year, first, second)), usual)
    if match := _MONTH_YEAR.fullmatch(text):
        return Dated((Reading("my", int(match[2]), int(match[1])),))
    if _TWO_SHORT.fullmatch(text):
        return Dated(())
    if match := _NO_CENTURY.fullmatch(text):
        a, b, c = int(match[1]), int(match[3]), int(match[4])
        last = (Reading("dmy", c, b, a, short=True), Reading("mdy", c, a, b, short=True))
        ahead = (Reading("ymd", a, b, c, short=True),)
        return Dated((*(last if len(match[4]) == _SHORT else ()), *(ahead if len(match[1]) == _SHORT else ())))
    return None


def _year_first(year: str, month: str, day: str | None) -> Reading:
    return Reading("ymd" if day else "ym", int(year), int(month), int(day or 0))


# --- the month in letters ------------------------------------------------------------------------------------------

_PART = re.compile(r"(?P<number>[0-9]+)|(?P<word>[^\W\d_]+)|(?P<mark>[ .,/'\-])|(?P<other>.)", re.DOTALL)
_LETTERS = 3
"""A shorter word that is unknown is no name of a month: it is not worth a message of its own."""


def _words(text: str) -> Dated | UnknownWord | None:
    """Read a date whose month is a word; the year and the day may stand on any side of it."""
    months: list[int] = []
    numbers: list[str] = []
    unknown = ""
    for part in _PART.finditer(text):
        if part["other"]:
            return None
        if part["number"]:
            numbers.append(part[0])
        elif word := part["word"]:
            if month := month_of(word):
                months.append(month)
            elif not says_nothing(word):
                unknown = unknown or word
    if unknown:
        plausible = not months and len(unknown) >= _LETTERS and _year_and_day(numbers)
        return UnknownWord(unknown) if plausible else None
    if len(months) != 1:
        return None
    return _with_month(months[0], numbers, first_is_word=bool(re.match(r"\W*[^\W\d_]", text)))


def _year_and_day(numbers: list[str]) -> bool:
    return sorted(map(len, numbers)) in ([1, _FULL], [_SHORT, _FULL])


def _with_month(month: int, numbers: list[str], *, first_is_word: bool) -> Dated | None:
    sizes = [len(number) for number in numbers]
    values = [int(number) for number in numbers]
    if sizes == [_FULL]:
        return Dated((Reading("my", values[0], month),))
    if len(sizes) == 1 and sizes[0] <= _SHORT:  # Nov-27 may be a day without a year
        if not first_is_word or values[0] <= _LONGEST_MONTH:
            return Dated(())
        return Dated((Reading("my", values[0], month, short=True),))
    if len(sizes) != _SHORT or max(sizes) > _FULL or _FULL - 1 in sizes:
        return None
    if sizes.count(_FULL) == 1:
        year, day = values if sizes[0] == _FULL else reversed(values)
        return Dated((Reading("dmy", year, month, day),))
    if sizes.count(_FULL):
        return None
    ways = [Reading("dmy", values[1], month, values[0], short=True)] if sizes[1] == _SHORT else []
    ways += [Reading("ymd", values[0], month, values[1], short=True)] if sizes[0] == _SHORT else []
    return Dated(tuple(ways))
