"""When the API takes requests again, as the headers of its answer tell: `Retry-After` (RFC 9110, 10.2.3), and the
quota's reset in its many spellings. Pure; the clock is an argument.

Read are: `Retry-After` and `X-Retry-After` (seconds, a date, an epoch), `Retry-After-Ms`; `RateLimit` of the IETF's
drafts 7 (`limit=100, remaining=0, reset=50`) and 8 and later (`"minute";r=0;t=50`); `RateLimit-Reset` of drafts 0 to 6,
`X-RateLimit-Reset`, `X-Rate-Limit-Reset` and `X-RateLimit-Reset-After` with their `…-Remaining` (seconds, an epoch in
seconds or milliseconds, a date, a duration such as `1m30s`; several of them with commas).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAY_TELL_WAIT = frozenset({429, 500, 502, 503, 504})
"""Statuses whose headers tell a wait. With others, a quota's reset is no reason to wait."""
_LONGEST_VALUE = 400
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?", re.ASCII)
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[dhms]))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9
"""Seconds: 2001. A smaller number is a time from now."""
_EPOCH_MS = 1e11
"""Milliseconds: 1973, seconds: the year 5138."""
_RETRY = ("retry-after", "x-retry-after")
_RETRY_MS = ("retry-after-ms", "x-ms-retry-after-ms", "x-retry-after-ms")
_RESET = (
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset-requests",
)
_ITEM = re.compile(r';\s*([a-z]+)\s*=\s*"?([\d.]+)', re.ASCII)
_MEMBER = re.compile(r"(?:^|[,;])\s*(limit|remaining|reset)\s*=\s*([\d.]+)", re.ASCII)


def seconds_to_wait(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds from now, above 0, after which the API takes requests again, or None where no header tells.

    A `Retry-After` outweighs all others. A moment is held against the answer's own `Date`, so that a wrong clock on
    this side does no harm; without one against `now`, seconds since 1970.
    """
    told = {name.lower(): value.strip()[:_LONGEST_VALUE] for name, value in headers.items()}
    date = _moment(told.get("date", ""))
    since = now if date is None else date
    for name in _RETRY:
        if name in told and (wait := _wait(told[name], since)) is not None:
            return wait or None
    for name in _RETRY_MS:
        if _NUMBER.fullmatch(told.get(name, "")):
            return float(told[name]) / 1000 or None
    waits = [wait for wait in _resets(told, since) if wait]
    return max(waits, default=None)


def _resets(told: Mapping[str, str], since: float) -> Iterator[float]:
    """The waits of all quotas that are used up: the longest of them counts."""
    yield from _rate_limit(told.get("ratelimit", ""), since)
    for name in _RESET:
        if name not in told:
            continue
        remaining = _list(told.get(re.sub("reset(?:-after)?", "remaining", name), ""))
        for place, value in enumerate(_list(told[name])):
            left = remaining[place] if place < len(remaining) else ""
            wait = _wait(value, since)
            if wait is not None and not _is_some(left):
                yield wait


def _rate_limit(text: str, since: float) -> Iterator[float]:
    """The one header of the later drafts."""
    members = dict(_MEMBER.findall(text.lower()))
    if "reset" in members:
        items = [{"r": members.get("remaining", ""), "t": members["reset"]}]
    else:
        items = [dict(_ITEM.findall(item.lower())) for item in text.split(",")]
    for item in items:
        wait = _wait(item.get("t", ""), since)
        if wait is not None and not _is_some(item.get("r", "")):
            yield wait


def _list(text: str) -> list[str]:
    """Several values with commas; a date, which holds one, is a single value."""
    return [text] if _moment(text) is not None else [part.strip() for part in text.split(",")]


def _is_some(remaining: str) -> bool:
    """Whether the quota says that something of it is left."""
    return bool(_NUMBER.fullmatch(remaining)) and float(remaining) > 0


def _wait(text: str, since: float) -> float | None:
    """Seconds from `since`, 0 where the moment is over; None where the text is no time."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number >= _EPOCH_MS:
            return max(0.0, number / 1000 - since)
        return max(0.0, number - since) if number >= _EPOCH else number
    if _DURATION.fullmatch(text.lower()):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text.lower()))
    moment = _moment(text)
    return None if moment is None else max(0.0, moment - since)


def _moment(text: str) -> float | None:
    """Seconds since 1970, of a date as HTTP or ISO 8601 write it."""
    if not text or text.isdecimal():
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
