"""When it may send: windows of the week, over midnight and through summer time, and holidays. Pure: `now` is given.

A window begins when clocks on the wall first show its beginning, and ends when they first show its end: one that begins
in the hour that summer time skips begins with the hour behind it. One that has begun the evening before a holiday ends
as always; on a holiday none begins but those of `holiday`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
EVERY_DAY = frozenset({*_DAYS, HOLIDAY})
ALWAYS = datetime.max.replace(tzinfo=UTC)
_WINDOW = re.compile(r"(?:(\S+) +)?(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d)")
_WHOLE_DAY = 24 * 60
_LOOKS_AHEAD = 400
"""Days: a year with its holidays."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which it begins, and its beginning and end in minutes of the day; an end that is no later is of the
    next day.
    """

    days: frozenset[str]
    begin: int
    end: int

    def span(self, day: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
        """Its beginning and end (UTC) if it begins on this day; the same where clocks skip it."""
        over = timedelta(days=1 if self.end <= self.begin else 0)
        return _first(_wall(day, self.begin), zone), _first(_wall(day, self.end) + over, zone)


def window_of(text: str) -> Window:
    """Read `mon-fri 22:00-05:00`, `sat,sun 00:00-24:00`, `holiday 08:00-12:00`, `22:00-05:00`. Raises ValueError."""
    found = _WINDOW.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(text)
    begin, end = (int(found[hour]) * 60 + int(found[hour + 1]) for hour in (2, 4))
    minutes = max(int(found[3]), int(found[5]))
    if begin >= _WHOLE_DAY or end > _WHOLE_DAY or begin == end or minutes > 59:  # noqa: PLR2004
        raise ValueError(text)
    return Window(frozenset(_days(found[1] or "mon-sun")), begin, end)


def _days(text: str) -> Iterator[str]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        if part == HOLIDAY:
            yield part
            continue
        begin, end = _DAYS.index(first), _DAYS.index(last or first)  # raises ValueError
        yield from (_DAYS[number % 7] for number in range(begin, end + 1 if end >= begin else end + 8))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Without windows it may always send. `zone` None is that of this machine."""

    windows: Sequence[Window] = ()
    zone: tzinfo | None = None
    holidays: Collection[date] = ()

    def open_until(self, now: datetime) -> datetime | None:
        """The end of the window that is open; `ALWAYS` where none ends; None: none is open."""
        if not self.windows:
            return ALWAYS
        begin, end = next(self._from(now), (ALWAYS, ALWAYS))
        return end if begin <= now else None

    def next_opening(self, now: datetime) -> datetime | None:
        """The beginning of the first window after now; None: there is none within a year."""
        return next((begin for begin, _ in self._from(now) if begin > now), None)

    def _from(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans that have not ended, in order; those that touch are one."""
        begin = end = None
        for one, other in self._each(now.astimezone(self.zone).date()):
            if begin and end and one <= end:
                end = max(end, other)
                continue
            if begin and end and end > now:
                yield begin, end
            begin, end = one, other
        if begin and end and end > now:
            # It was still open when the days to look at were over.
            yield begin, ALWAYS if end > now + timedelta(days=_LOOKS_AHEAD - 2) else end

    def _each(self, today: date) -> Iterator[tuple[datetime, datetime]]:
        for number in range(-2, _LOOKS_AHEAD):
            day = today + timedelta(days=number)
            name = HOLIDAY if day in self.holidays else _DAYS[day.weekday()]
            spans = (window.span(day, self.zone) for window in self.windows if name in window.days)
            yield from sorted(span for span in spans if span[0] < span[1])


def _wall(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def _first(wall: datetime, zone: tzinfo | None) -> datetime:
    """The first moment (UTC) at which clocks show this time, or a later one where they skip it."""
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _shown(early, zone) >= wall:
        return early
    # Clocks skip it: between the two readings lies the moment at which they are moved.
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        early, late = (early, middle) if _shown(middle, zone) >= wall else (middle, late)
    return late.replace(microsecond=0)


def _shown(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
