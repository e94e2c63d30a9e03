import asyncio
import random
from collections.abc import Iterable

import pytest

from importer.api.pace import Pace, Paced
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

CHUNK = Chunk(1, 1, Batch("01234567891231", "B1", "271115"), SerialText.of(["A1"]))
GOOD = Answer(Verdict.SETTLED, http_status=200)
BUSY = Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429)


class Time:
    """A clock that only sleeping moves on; `late` is how much longer each sleep takes than was asked for."""

    def __init__(self, late: Iterable[float] = ()) -> None:
        self.now = 1000.0
        self._late = iter(late)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + next(self._late, 0.0)
        await asyncio.sleep(0)


def pace_of(time: Time, rate: float, *, longest_hold: float = 600.0) -> Pace:
    return Pace(rate, clock=time, sleep=time.sleep, longest_hold=longest_hold)


async def leaving(pace: Pace, count: int) -> list[float]:
    slots = [await pace.slot() for _ in range(count)]
    return [slot for slot in slots if slot is not None]


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)


@pytest.mark.parametrize("rate", [1, 2, 7, 10, 33, 100, 1000])
async def test_no_second_holds_more_requests_than_the_limit(rate: int) -> None:
    moments = await leaving(pace_of(Time(), rate), rate * 3)
    assert most_in_a_second(moments) <= rate


@pytest.mark.parametrize("rate", [10, 100])
async def test_the_pace_keeps_98_hundredths_of_the_limit(rate: int) -> None:
    moments = await leaving(pace_of(Time(), rate), rate * 10 + 1)
    assert rate * 10 / (moments[-1] - moments[0]) == pytest.approx(0.98 * rate, rel=0.001)


async def test_sleeps_that_last_a_little_too_long_cost_no_rate() -> None:
    moments = await leaving(pace_of(Time(late=[0.001] * 2000), 100), 1001)
    assert 1000 / (moments[-1] - moments[0]) == pytest.approx(98, rel=0.01)


async def test_no_burst_follows_when_the_process_stood_still() -> None:
    moments = await leaving(pace_of(Time(late=[0, 0, 0, 5.0, 0, 0, 0.7]), 10), 40)
    assert most_in_a_second(moments) <= 10


async def test_several_workers_share_one_pace() -> None:
    time = Time()
    pace = pace_of(time, 10)
    moments = await asyncio.gather(*(leaving(pace, 5) for _ in range(8)))
    assert most_in_a_second(sorted(moment for worker in moments for moment in worker)) <= 10


@pytest.mark.parametrize("seed", range(5))
async def test_requests_that_commits_have_pushed_together_are_drawn_apart(seed: int) -> None:
    time, dice = Time(), random.Random(seed)
    pace = pace_of(time, 10)
    committed = sorted(moment + dice.choice((0.001, 0.001, 0.2)) for moment in await leaving(pace_of(Time(), 10), 60))
    assert most_in_a_second(committed) > 10
    left = []
    for moment in committed:
        time.now = max(time.now, moment)
        await pace.apart()
        left.append(time.now)
    assert most_in_a_second(left) <= 10
    assert left[-1] - committed[-1] < 0.25


@pytest.mark.parametrize("rate", [1, 5, 10, 33, 100])
async def test_to_let_urgent_ones_go_first_costs_no_rate(rate: int) -> None:
    time = Time()
    moments = await leaving(Pace(rate, clock=time, sleep=time.sleep, yields=True), rate * 10 + 1)
    assert rate * 10 / (moments[-1] - moments[0]) == pytest.approx(0.98 * rate, rel=0.002)


async def test_who_comes_to_the_wire_much_too_early_is_not_kept_there() -> None:
    time = Time()
    pace = pace_of(time, 0.1)
    assert await pace.apart() == 0.0
    time.now += 1.0
    assert await pace.apart() == 0.0
    time.now += 11.0
    assert await pace.apart() == 0.0


async def test_how_long_somebody_has_waited_at_the_wire_is_told() -> None:
    time = Time()
    pace = pace_of(time, 10)
    await pace.apart()
    time.now += 0.05
    assert await pace.apart() == pytest.approx(1 / 9.8 - 0.05, abs=0.001)


async def test_without_a_limit_nobody_waits() -> None:
    time = Time()
    await leaving(pace_of(time, 0), 1000)
    assert time.now == 1000.0


async def test_a_hold_keeps_everyone_back_until_it_is_over() -> None:
    time = Time()
    pace = pace_of(time, 10)
    pace.hold(30)
    assert (await leaving(pace, 1))[0] == pytest.approx(1030)


async def test_a_hold_reaches_those_who_wait_already() -> None:
    time = Time()
    pace = pace_of(time, 1)
    await leaving(pace, 1)
    waiting = asyncio.gather(pace.slot(), pace.slot())
    await asyncio.sleep(0)
    pace.hold(30)
    first, second = await waiting
    assert first is not None
    assert second is not None
    assert min(first, second) >= 1030


async def test_a_hold_is_capped() -> None:
    time = Time()
    pace = pace_of(time, 10, longest_hold=60)
    pace.hold(86_400)
    assert (await leaving(pace, 1))[0] == pytest.approx(1060)


async def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    time = Time()
    pace = pace_of(time, 0)
    pace.hold(30)
    pace.hold(1)
    assert (await leaving(pace, 1))[0] == pytest.approx(1030)


async def test_a_stop_ends_the_waiting_without_a_slot() -> None:
    time = Time()
    stopped: list[bool] = []

    async def sleep(seconds: float) -> None:
        stopped.append(True)

    pace = Pace(1, clock=time, sleep=sleep, stopping=lambda: bool(stopped))
    pace.hold(600)
    assert await pace.slot() is None


class Scripted:
    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def commission(self, chunk: Chunk) -> Answer:
        self.calls += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def send(paced: Paced, count: int) -> None:
    for _ in range(count):
        await paced.commission(CHUNK)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(BUSY, id="429"),
        pytest.param(Answer(Verdict.DOUBT, http_status=503), id="503"),
        pytest.param(Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=200), id="by-its-text"),
    ],
)
async def test_pressure_halves_the_pace(answer: Answer) -> None:
    pace = pace_of(Time(), 10)
    await send(Paced(Scripted(answer), pace), 1)
    assert pace.rate == pytest.approx(4.9)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(Verdict.DOUBT, http_status=500), id="500"),
        pytest.param(Answer(Verdict.DOUBT, error="timeout"), id="timeout"),
        pytest.param(Answer(Verdict.NOT_TAKEN, error="not_connected", reached=False), id="not-connected"),
        pytest.param(Answer(Verdict.TOKEN, http_status=401), id="token"),
        pytest.param(GOOD, id="good"),
    ],
)
async def test_other_answers_leave_the_pace_alone(answer: Answer) -> None:
    pace = pace_of(Time(), 10)
    await send(Paced(Scripted(answer), pace), 1)
    assert pace.rate == pytest.approx(9.8)


async def test_a_retry_after_holds_instead_of_slowing() -> None:
    time = Time()
    pace = pace_of(time, 10)
    paced = Paced(
        Scripted(Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429, retry_after=20), GOOD), pace
    )
    await send(paced, 2)
    assert pace.rate == pytest.approx(9.8)
    assert time.now == pytest.approx(1020)


async def test_one_wave_of_429_slows_down_once() -> None:
    pace = pace_of(Time(), 10)
    left_at = [moment for _ in range(5) if (moment := await pace.slot())]
    for moment in left_at:
        pace.press(moment)
    assert pace.rate == pytest.approx(4.9)


async def test_the_pace_finds_its_way_up_again_step_by_step() -> None:
    pace = pace_of(Time(), 10)
    paced = Paced(Scripted(BUSY, BUSY, GOOD), pace)
    await send(paced, 2)
    assert pace.rate == pytest.approx(9.8 / 4)
    await send(paced, 10)
    assert 9.8 / 4 < pace.rate < 9.8
    await send(paced, 40)
    assert pace.rate == pytest.approx(9.8)


async def test_however_often_the_api_presses_the_pace_does_not_come_to_a_halt() -> None:
    pace = pace_of(Time(), 10)
    await send(Paced(Scripted(BUSY), pace), 100)
    assert pace.rate > 0.1


async def test_without_a_limit_pressure_slows_down_from_the_rate_seen_so_far_and_ends() -> None:
    time = Time()
    pace = pace_of(time, 0)
    for _ in range(51):
        await pace.slot()
        time.now += 0.02
    paced = Paced(Scripted(BUSY, GOOD), pace)
    await send(paced, 1)
    assert pace.rate == pytest.approx(25, rel=0.1)
    await send(paced, 200)
    assert pace.rate == 0


async def test_without_a_limit_few_slow_requests_do_not_make_the_pace_slow() -> None:
    time = Time()
    pace = pace_of(time, 0)
    for _ in range(3):
        await pace.slot()
        time.now += 2.0
    await send(Paced(Scripted(BUSY, GOOD), pace), 1)
    assert pace.rate == pytest.approx(5)


async def test_a_stopped_run_sends_no_paced_request() -> None:
    time = Time()
    inner = Scripted(GOOD)
    pace = Pace(1, clock=time, sleep=time.sleep, stopping=lambda: True)
    pace.hold(5)
    answer = await Paced(inner, pace).commission(CHUNK)
    assert (answer.verdict, answer.error, inner.calls) == (Verdict.NOT_TAKEN, "stopped", 0)
