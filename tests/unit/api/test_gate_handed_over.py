"""What a gate tells to the process that goes on in its place, and what it does while it has no right to send."""

import asyncio
from collections.abc import Callable

from importer.api.gate import Gate
from importer.api.health import Health
from importer.api.pace import Pace
from importer.concurrency import always
from importer.model import Answer, Verdict

GOOD = Answer(Verdict.SETTLED, http_status=200)
DOWN = Answer(Verdict.DOUBT, http_status=503, message="HTTP 503 without a text.")


class World:
    """A gate of ten requests a second, and a clock that only sleeping moves on."""

    def __init__(self, may_begin: Callable[[], bool] = always) -> None:
        self.moment = 500.0
        self.holds = 0
        self.gate = Gate(
            Pace(10.0),
            Health(patience=600.0, attempts=3, delay=float),
            patience=600.0,
            clock=lambda: self.moment,
            now=lambda: self.moment,
            sleep=self.sleep,
            may_begin=may_begin,
            on_hold=self.on_hold,
        )

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds
        await asyncio.sleep(0)

    def on_hold(self) -> None:
        self.holds += 1

    async def sends(self, asker: int, answer: Answer) -> float:
        """Send one request; return when it left."""
        assert await self.gate.set_out(asker)
        assert await self.gate.leave(asker)
        left = self.moment
        self.gate.learn(asker, answer)
        return left


def busy(seconds: float) -> Answer:
    return Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429, retry_after=seconds, message="slow down")


async def test_the_first_request_keeps_its_distance_to_the_last_one_of_the_process_before() -> None:
    world = World()
    world.gate.take_up({}, 30.0)
    assert await world.sends(1, GOOD) - 500.0 > 0.1


async def test_what_is_left_of_a_retry_after_is_waited_for() -> None:
    before, after = World(), World()
    await before.sends(1, busy(20.0))
    assert before.holds == 1
    after.gate.take_up(before.gate.told(), 5.0)
    assert 14.9 < await after.sends(2, GOOD) - 500.0 < 15.3


async def test_a_pace_that_the_api_has_halved_stays_so() -> None:
    before, after = World(), World()
    await before.sends(1, busy(1.0))
    after.gate.take_up(before.gate.told(), 60.0)
    first = await after.sends(2, busy(0.0))
    assert await after.sends(3, GOOD) - first > 0.19


async def test_an_api_that_is_away_stays_so_for_the_next_process_too() -> None:
    before, after = World(), World()
    for asker in (1, 2, 3):
        await before.sends(asker, DOWN)
    assert before.gate.away
    after.gate.take_up(before.gate.told(), 0.0)
    assert after.gate.away
    await after.sends(4, GOOD)
    assert not after.gate.away


async def test_nothing_sets_out_while_there_is_no_right_to_send() -> None:
    world = World(may_begin=lambda: world.moment > 503.0)
    assert await world.sends(1, GOOD) > 503.0


async def test_a_right_that_is_lost_on_the_way_to_the_wire_holds_the_request_back() -> None:
    rights = iter([True, False])
    world = World(may_begin=lambda: next(rights))
    assert await world.gate.set_out(1)
    assert not await world.gate.leave(1)
