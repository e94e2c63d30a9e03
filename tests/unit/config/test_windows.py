"""The times in which it may send: of the week, over midnight, through summer time, with holidays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.config.windows import ALWAYS, Schedule, window_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC")
DAYS = ("mon-fri", "sat,sun", "mon-sun", "fri-mon", "wed", "holiday", "holiday,tue")


def schedule(*texts: str, zone: str = "Europe/Berlin", holidays: Sequence[str] = ()) -> Schedule:
    return Schedule([window_of(text) for text in texts], ZoneInfo(zone), [date.fromisoformat(day) for day in holidays])


def at(text: str) -> datetime:
    """A time of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def shown(moment: datetime | None) -> str:
    return moment.astimezone(BERLIN).strftime("%a %d %H:%M") if moment else "never"


@pytest.mark.parametrize(
    ("texts", "now", "expected"),
    [
        pytest.param(["mon-fri 22:00-05:00"], "2026-11-27 23:00", "Sat 28 05:00", id="over midnight"),
        pytest.param(["mon-fri 22:00-05:00"], "2026-11-28 04:59", "Sat 28 05:00", id="begun the day before"),
        pytest.param(["mon-fri 22:00-05:00"], "2026-11-28 05:00", "never", id="its end belongs to it no more"),
        pytest.param(["mon-fri 22:00-05:00"], "2026-11-28 23:00", "never", id="not on Saturday"),
        pytest.param(["mon-fri 22:00-24:00", "tue-sat 00:00-05:00"], "2026-11-27 23:00", "Sat 28 05:00", id="touching"),
        pytest.param(["sat,sun 00:00-24:00"], "2026-11-28 12:00", "Mon 30 00:00", id="the whole weekend"),
        pytest.param(["22:00-05:00"], "2026-03-28 23:00", "Sun 29 05:00", id="summer time begins"),
        pytest.param(["22:00-02:30"], "2026-03-28 23:00", "Sun 29 03:00", id="its end is skipped"),
        pytest.param(["22:00-02:30"], "2026-10-24 23:00", "Sun 25 02:30", id="its end comes twice"),
    ],
)
def test_the_end_of_the_window_that_is_open(texts: list[str], now: str, expected: str) -> None:
    assert shown(schedule(*texts).open_until(at(now))) == expected


@pytest.mark.parametrize(
    ("texts", "now", "expected"),
    [
        pytest.param(["mon-fri 22:00-05:00"], "2026-11-28 12:00", "Mon 30 22:00", id="after the weekend"),
        pytest.param(["22:00-05:00"], "2026-12-24 12:00", "Sat 26 22:00", id="not on holidays"),
        pytest.param(["22:00-05:00", "holiday 08:00-12:00"], "2026-12-24 23:00", "Fri 25 08:00", id="of a holiday"),
        pytest.param(["holiday 08:00-12:00"], "2027-01-02 12:00", "never", id="no more holidays"),
        pytest.param(["02:30-05:00"], "2026-03-28 12:00", "Sun 29 03:00", id="its beginning is skipped"),
    ],
)
def test_the_next_window(texts: list[str], now: str, expected: str) -> None:
    found = schedule(*texts, holidays=["2026-12-24", "2026-12-25"]).next_opening(at(now))
    assert shown(found) == expected


def test_a_night_lasts_as_long_as_clocks_say() -> None:
    hours = {}
    for day in ("2026-03-28", "2026-10-24", "2026-11-24"):
        opens = schedule("22:00-05:00").next_opening(at(f"{day} 12:00"))
        assert opens
        closes = schedule("22:00-05:00").open_until(opens)
        assert closes
        hours[day] = (closes - opens) / timedelta(hours=1)
    assert hours == {"2026-03-28": 6, "2026-10-24": 8, "2026-11-24": 7}


def test_without_windows_it_may_always_send_and_whole_days_never_end() -> None:
    assert Schedule().open_until(at("2026-11-28 12:00")) == ALWAYS
    assert schedule("00:00-24:00").open_until(at("2026-11-28 12:00")) == ALWAYS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22:00",
        "22:00-22:00",
        "25:00-05:00",
        "24:00-05:00",
        "22:00-05:60",
        "22-05",
        "mo 22:00-05:00",
        "22:00-05:00 x",
    ],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  its only message is the text
        window_of(text)


windows = st.builds(
    lambda days, begin, end: f"{days} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}",
    st.sampled_from(DAYS),
    st.integers(0, 1439),
    st.integers(0, 1440),
).filter(lambda text: text.split()[1][:5] != text.split()[1][6:])
moments = st.datetimes(datetime(2011, 12, 1), datetime(2030, 1, 1)).map(lambda found: found.replace(tzinfo=UTC))  # noqa: DTZ001


@given(st.lists(windows, min_size=1, max_size=4), st.sampled_from(ZONES), moments)
def test_windows_follow_each_other_without_touching(texts: list[str], zone: str, now: datetime) -> None:
    found = schedule(*texts, zone=zone, holidays=["2026-12-25"])
    spans = []
    closes: datetime | None = now
    for _ in range(5):
        opens = found.next_opening(closes or now)
        if not opens:
            break
        closes = found.open_until(opens)
        assert closes, "it is open at its opening"
        spans.append((opens, closes))
        if closes == ALWAYS:
            break
        assert found.open_until(closes - timedelta(seconds=1)) == closes
        assert found.open_until(closes) is None, "and closed at its end"
    assert all(one[1] < other[0] for one, other in pairwise(spans))


@given(windows, st.sampled_from(ZONES), moments)
def test_while_a_window_is_open_clocks_show_its_time(text: str, zone: str, now: datetime) -> None:
    window = window_of(text)
    found = schedule(text, zone=zone)
    closes = found.open_until(now)
    if not closes or closes == ALWAYS:
        return
    wall = now.astimezone(ZoneInfo(zone))
    minutes = wall.hour * 60 + wall.minute
    inside = (
        window.begin <= minutes < window.end
        if window.begin < window.end
        else minutes >= window.begin or minutes < window.end
    )
    # An hour that clocks show twice may begin before, and a day that they skip may hide, the time of the window.
    shifts = {(now + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in (-26, 0, 26)}
    assert inside or len(shifts) > 1
