import pytest

from importer.api.pace import Pace


def test_the_pace_is_98_hundredths_of_the_limit() -> None:
    assert Pace(10).rate == pytest.approx(9.8)
    assert Pace(10).interval == pytest.approx(1 / 9.8)


def test_no_limit_is_no_pace() -> None:
    pace = Pace(0)
    assert (pace.rate, pace.interval, pace.tolerance) == (0, 0, 0)


@pytest.mark.parametrize("rate", [0.01, 1, 10, 100])
def test_a_late_request_may_catch_up_less_where_requests_are_rare(rate: float) -> None:
    assert Pace(rate).tolerance <= min(0.01, 3e-4 * rate)


def test_pressure_halves_it_once_for_a_wave_of_requests() -> None:
    pace = Pace(10)
    for left_at in (1.0, 1.1, 1.2):
        pace.press(left_at, 2.0)
    assert pace.rate == pytest.approx(4.9)
    pace.press(2.1, 3.0)
    assert pace.rate == pytest.approx(2.45)


def test_it_finds_its_way_up_again_step_by_step() -> None:
    pace = Pace(10)
    pace.press(1.0, 2.0)
    pace.press(3.0, 4.0)
    rates = []
    for _ in range(60):
        pace.ease()
        rates.append(pace.rate)
    assert rates == sorted(rates)
    assert 9.8 / 4 < rates[5] < 9.8
    assert rates[-1] == pytest.approx(9.8)


def test_a_slow_pace_recovers_by_a_tenth_at_most() -> None:
    pace = Pace(10)
    for moment in range(6):
        pace.press(moment + 0.5, moment + 1.0)
    before = pace.rate
    pace.ease()
    assert before < pace.rate <= before * 1.1


@pytest.mark.parametrize(("limit", "slowest"), [(0, 0.5), (10, 0.5), (490, 0.5), (0.6, 0.5), (0.1, 0.098)])
def test_however_often_the_api_presses_a_request_leaves_every_two_seconds(limit: float, slowest: float) -> None:
    pace = Pace(limit)
    for moment in range(100):
        pace.press(moment + 0.5, moment + 1.0)
    assert pace.rate == pytest.approx(slowest)


def test_without_a_limit_pressure_slows_down_from_the_rate_seen_so_far_and_ends() -> None:
    pace = Pace(0)
    for number in range(51):
        pace.left(number * 0.02)
    pace.press(1.0, 1.1)
    assert pace.rate == pytest.approx(25)
    for _ in range(200):
        pace.ease()
    assert pace.rate == 0


def test_without_a_limit_few_slow_requests_do_not_make_the_pace_slow() -> None:
    pace = Pace(0)
    for number in range(3):
        pace.left(number * 2.0)
    pace.press(4.0, 4.1)
    assert pace.rate == pytest.approx(5)
