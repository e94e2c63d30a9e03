"""The gate with a clock that only sleeping moves on."""

import asyncio
from collections.abc import Iterable

import pytest
from saying import refused

from importer.api.gate import STOPPED, Gate, Paced, Wait
from importer.api.health import TOKEN, Health
from importer.api.pace import Pace
from importer.errors import Unavailable
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

GOOD = Answer(Verdict.SETTLED, http_status=200)
BUSY = Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429, message="slow down")
DOWN = Answer(Verdict.DOUBT, http_status=503, message="HTTP 503 without a text.")
PATIENCE = 600.0


def busy(seconds: float) -> Answer:
    return Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429, retry_after=seconds, message="slow down")


class World:
    """A gate, its time, and an inner commissioner with a script; `late` is how much longer each sleep takes."""

    def __init__(
        self, rate: float, *answers: Answer, late: Iterable[float] = (), yields: bool = False, commit: float = 0.0
    ) -> None:
        self.moment = 1000.0
        self.commit = commit
        self.stopped = False
        self.said: list[Wait] = []
        self.left: list[float] = []
        self.answers = list(answers) or [GOOD]
        self._late = iter(late)
        self._due: list[float] = []
        self.pace = Pace(rate)
        self.health = Health(patience=PATIENCE, attempts=3, delay=float)
        self.gate = Gate(
            self.pace,
            self.health,
            patience=PATIENCE,
            yields=yields,
            say=self.said.append,
            clock=self.clock,
            now=self.clock,
            sleep=self.sleep,
            stopping=lambda: self.stopped,
        )

    def clock(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        """The one that is due first moves the clock, once all others have done what they can."""
        due = self.moment + seconds + next(self._late, 0.0)
        self._due.append(due)
        try:
            while self.moment < due:
                before = [*self._due]
                for _ in range(30):
                    await asyncio.sleep(0)
                if before == self._due and due == min(self._due):
                    self.moment = max(self.moment, due)
        finally:
            self._due.remove(due)

    async def commission(self, chunk: Chunk) -> Answer:
        self.moment += self.commit
        if not await self.gate.leave(chunk.id):
            return Answer(Verdict.NOT_TAKEN, reached=False, held_back=True)
        self.left.append(self.moment)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def send(self, count: int, asker: int | None = None) -> list[float]:
        paced = Paced(self, self.gate)
        for number in range(count):
            await paced.commission(chunk(number if asker is None else asker))
        return self.left


def chunk(number: int) -> Chunk:
    return Chunk(number, number, Batch("01234567891231", "B1", "271115"), SerialText.of(["A1"]))


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)


@pytest.mark.parametrize("rate", [1, 2, 7, 10, 33, 100, 1000])
async def test_no_second_holds_more_requests_than_the_limit(rate: int) -> None:
    assert most_in_a_second(await World(rate).send(rate * 3)) <= rate


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 1, 10, 100])
@pytest.mark.parametrize("yields", [False, True])
async def test_the_pace_keeps_98_hundredths_of_the_limit(rate: float, yields: bool) -> None:
    count = max(10, int(rate * 10))
    moments = await World(rate, yields=yields).send(count + 1)
    assert count / (moments[-1] - moments[0]) == pytest.approx(0.98 * rate, rel=0.002)


async def test_a_commit_before_the_wire_costs_no_rate() -> None:
    moments = await World(1, commit=0.15).send(21)
    assert 20 / (moments[-1] - moments[0]) == pytest.approx(0.98, rel=0.01)


async def test_sleeps_that_last_a_little_too_long_cost_no_rate() -> None:
    moments = await World(100, late=[0.001] * 2000).send(1001)
    assert 1000 / (moments[-1] - moments[0]) == pytest.approx(98, rel=0.01)


async def test_no_burst_follows_when_the_process_stood_still() -> None:
    assert most_in_a_second(await World(10, late=[0, 0, 0, 5.0, 0, 0, 0.7]).send(40)) <= 10


async def test_no_burst_follows_a_commit_that_stalled_for_all_workers() -> None:
    world = World(10)
    await world.send(5)
    assert [await world.gate.set_out(asker) for asker in (11, 12)] == [True, True]
    world.moment += 2.0
    left = [await world.gate.leave(asker) and world.moment for asker in (11, 12)]
    assert left[1] - left[0] == pytest.approx(1 / 9.8, abs=0.004)


async def test_several_workers_share_one_pace() -> None:
    world = World(10)
    await asyncio.gather(*(world.send(5, asker=number) for number in range(8)))
    assert len(world.left) == 40
    assert most_in_a_second(sorted(world.left)) <= 10


async def test_without_a_limit_no_request_waits() -> None:
    world = World(0)
    await world.send(1000)
    assert world.moment == 1000.0


@pytest.mark.parametrize("rate", [0, 1, 10])
async def test_a_retry_after_holds_all_and_slows_down(rate: float) -> None:
    world = World(rate, busy(20), GOOD)
    left = await world.send(2)
    assert left[1] - left[0] == pytest.approx(20)
    assert 0 < world.pace.rate <= max(5.5, rate / 2)


async def test_a_hold_reaches_a_request_at_the_wire() -> None:
    world = World(10)
    assert await world.gate.set_out(1)
    world.gate._turnstile.hold(world.moment, world.moment + 30)
    assert not await world.gate.leave(1)


async def test_a_wait_of_more_than_seconds_is_said_once_with_its_cause_and_end() -> None:
    world = World(10, busy(20), GOOD)
    await world.send(1)
    await asyncio.gather(*(world.send(1, asker=number) for number in range(2, 6)))
    assert [(wait.cause, round(wait.until), wait.last) for wait in world.said] == [("retry_after", 1020, busy(20))]


async def test_short_waits_are_not_said() -> None:
    world = World(10, busy(2), GOOD)
    await world.send(20)
    assert world.said == []


async def test_a_pause_between_attempts_is_said_where_it_is_long() -> None:
    world = World(10)
    await world.gate.pause(2, DOWN)
    await world.gate.pause(8, DOWN)
    assert [(wait.cause, wait.seconds) for wait in world.said] == [("pause", 8)]


async def test_a_hold_that_is_longer_than_patience_ends_the_run_and_names_the_time() -> None:
    world = World(10, busy(86_400), GOOD)
    with refused(Unavailable, r"takes no request before 2 Jan 1970, \d\d:\d\d \S+, .*slow down"):
        await world.send(2)
    assert len(world.left) == 1


async def test_an_api_that_says_429_for_ever_is_given_up_when_patience_is_over() -> None:
    world = World(10, busy(50))
    with refused(Unavailable, r"The API took no|takes no request before"):
        await world.send(100, asker=1)
    assert 10 <= len(world.left) <= 13


async def test_an_outage_is_tried_by_one_chunk_and_the_last_line_says_what_came() -> None:
    world = World(0, DOWN)
    with refused(Unavailable, r"The API is away: it gave no answer for 10 min 0 s\. .*HTTP 503"):
        await asyncio.gather(*(world.send(100, asker=number) for number in range(8)))
    assert len(world.left) < 45
    assert [wait.cause for wait in world.said] == ["api_away"]


async def test_when_it_is_back_all_go_on() -> None:
    world = World(0, *[DOWN] * 20, GOOD)
    await asyncio.gather(*(world.send(30, asker=number) for number in range(8)))
    assert len(world.left) > 230  # but for those that were held back at the wire
    assert not world.gate.away


@pytest.mark.parametrize(
    ("answer", "rate"),
    [
        pytest.param(BUSY, 4.9, id="429"),
        pytest.param(Answer(Verdict.DOUBT, http_status=503), 4.9, id="503"),
        pytest.param(Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=200), 4.9, id="by-its-text"),
        pytest.param(Answer(Verdict.DOUBT, http_status=500), 9.8, id="500"),
        pytest.param(Answer(Verdict.DOUBT, error="timeout"), 9.8, id="timeout"),
        pytest.param(Answer(Verdict.NOT_TAKEN, error="not_connected", reached=False), 9.8, id="not-connected"),
        pytest.param(Answer(Verdict.TOKEN, http_status=401), 9.8, id="token"),
        pytest.param(GOOD, 9.8, id="good"),
    ],
)
async def test_only_pressure_slows_the_pace(answer: Answer, rate: float) -> None:
    world = World(10, answer)
    await world.send(1)
    assert world.pace.rate == pytest.approx(rate)


async def test_a_stop_lets_nothing_out() -> None:
    world = World(1)
    assert await world.gate.set_out(1)
    world.stopped = True
    assert not await world.gate.leave(1)
    assert await Paced(world, world.gate).commission(chunk(2)) is STOPPED
    assert not await world.gate.set_out(TOKEN)
    assert world.left == []


async def test_a_request_that_was_interrupted_on_its_way_leaves_the_way_free() -> None:
    world = World(1)
    for asker in range(5):
        assert await world.gate.set_out(asker)
        world.gate.forget(asker)
    await world.send(3)
    assert len(world.left) == 3
