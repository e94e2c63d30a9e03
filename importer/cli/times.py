"""When a command is to stop, as people write it: `--max-duration 4h`, `--stop-at 05:00`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from importer.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is a moment of the clock that never jumps; `day_time` one of the calendar, which may be set meanwhile."""

    at: float | None
    day_time: datetime | None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, max_duration: str | None, stop_at: str | None) -> Self | None:
        """None: there is no deadline. Raises ConfigError for what is no duration, or no time of day."""
        if not max_duration and not stop_at:
            return None
        return cls(
            time.monotonic() + seconds_of(max_duration) if max_duration else None,
            next_time(stop_at, datetime.now(UTC)) if stop_at else None,
        )

    def left(self) -> float:
        """Seconds, 0 or less once it has passed."""
        left = [] if self.at is None else [self.at - self.clock()]
        left += [] if self.day_time is None else [(self.day_time - self.now()).total_seconds()]
        return min(left)


def seconds_of(text: str, name: str = "--max-duration") -> float:
    """Raises ConfigError, which names the option."""
    found = _PART.findall(text.replace(" ", ""))
    if not found or "".join(map("".join, found)) != text.replace(" ", ""):
        raise ConfigError("duration_wrong", option=name, found=text)
    return sum(float(number) * _UNITS[unit] for number, unit in found)


def next_time(text: str, now: datetime) -> datetime:
    """When the clock on the wall will show this time next, in the time zone of this machine, also where summer time
    begins or ends until then. Raises ConfigError.
    """
    found = _TIME_OF_DAY.fullmatch(text)
    if not found:
        raise ConfigError("time_of_day_wrong", found=text)
    today = now.astimezone().replace(tzinfo=None, hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    walls = [today + timedelta(days=days) for days in (0, 1, 2)]
    # An hour that comes twice is the first one of the two that is still to come.
    moments = (wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1))
    return min(moment for moment in moments if moment > now)


def moment_of(text: str) -> datetime:
    """The moment that --since means: so long ago, or the beginning of a day in the time of this machine."""
    with suppress(ValueError):
        return datetime.fromisoformat(text).astimezone(UTC)
    with suppress(ConfigError):
        return datetime.now(UTC) - timedelta(seconds=seconds_of(text))
    raise ConfigError("since_wrong", found=text)
