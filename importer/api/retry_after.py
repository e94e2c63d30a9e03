"""The header `Retry-After` (RFC 9110, 10.2.3): seconds or a date. Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def seconds_to_wait(value: str | None, *, date: str | None, now: float) -> float | None:
    """Seconds from now, above 0, or None where the header says nothing that can be used.

    A date is held against the answer's own `Date`, so that a wrong clock on this side does no harm; without one
    against `now`, seconds since 1970.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    until = _moment(text)
    if until is None:
        return None
    since = _moment(date or "")
    wait = until - (now if since is None else since)
    return wait if wait > 0 else None


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
