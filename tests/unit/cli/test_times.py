"""A time of day means what the clock on the wall will show, also where summer time begins or ends until then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from saying import refused

from importer.cli.times import Deadline, next_time, seconds_of
from importer.errors import ConfigError


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def choose(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield choose
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("now", "text", "hours"),
    [
        pytest.param("2027-03-27T23:00+01:00", "05:00", 5, id="summer time begins in the night"),
        pytest.param("2027-10-30T23:00+02:00", "05:00", 7, id="summer time ends in the night"),
        pytest.param("2027-06-01T23:00+02:00", "05:00", 6, id="any other night"),
        pytest.param("2027-06-01T04:59+02:00", "5:00", 1 / 60, id="in a minute"),
        pytest.param("2027-06-01T05:00+02:00", "05:00", 24, id="now is tomorrow"),
        pytest.param("2027-03-28T01:59+01:00", "02:30", 31 / 60, id="a time that the clock leaves out"),
        pytest.param("2027-10-31T02:15+02:00", "02:30", 0.25, id="the first of two"),
        pytest.param("2027-10-31T02:45+02:00", "02:30", 0.75, id="the second of two"),
    ],
)
def test_a_time_of_day_is_that_of_the_wall(now: str, text: str, hours: float, zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    moment = datetime.fromisoformat(now)
    assert next_time(text, moment) - moment == timedelta(hours=hours)


def test_the_nearer_of_two_deadlines_counts() -> None:
    begun = datetime(2027, 6, 1, tzinfo=UTC)
    deadline = Deadline(100.0, begun + timedelta(seconds=60), clock=lambda: 90.0, now=lambda: begun)
    assert deadline.left() == 10.0
    later = Deadline(100.0, begun, clock=lambda: 90.0, now=lambda: begun + timedelta(seconds=1))
    assert later.left() == -1.0


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("4h", 14_400), ("1d 12h", 129_600), ("1.5m", 90)])
def test_a_duration_is_a_sum_of_units(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "4", "h", "4h3", "-4h", "4 hours"])
def test_what_is_no_duration_is_an_error_that_shows_one(text: str) -> None:
    with refused(ConfigError, "Give a time such as 90s"):
        seconds_of(text)
