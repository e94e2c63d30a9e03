"""Times as people write and read them. Pure: the clock is an argument."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from importer.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def seconds_until(max_duration: str | None, stop_at: str | None, now: datetime) -> float | None:
    """Seconds until a run is to stop; None: never. Raises ConfigError."""
    ends = [_duration(max_duration)] if max_duration else []
    ends += [_until(stop_at, now)] if stop_at else []
    return min(ends, default=None)


def _duration(text: str) -> float:
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text.replace(" ", ""))
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text.replace(" ", ""):
        raise ConfigError(f"--max-duration {text!r}: expected a time such as 90s, 45m, 4h or 1d12h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _until(text: str, now: datetime) -> float:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if not found:
        raise ConfigError(f"--stop-at {text!r}: expected a time of day such as 05:00")
    end = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return ((end if end > now else end + timedelta(days=1)) - now).total_seconds()


def spoken(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 20 s, 5 h 10 min, 2 d 3 h."""
    if seconds < 10:  # noqa: PLR2004  below, tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
