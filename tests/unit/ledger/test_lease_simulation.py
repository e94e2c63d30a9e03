"""No order of steps lets two owners begin a request at once; and the simulation finds it where a rule is broken."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from leasing import Leasing, Model, Server, walk


class Sound(Leasing):
    def new_server(self) -> Server:
        return Model()


class CountsFromTheAnswer(Sound):
    counts_from_asking = False


class ForgetsTheClock(Sound):
    checks_clock = False


class WritesUnfenced(Sound):
    fences = False


class SendsDoubtAtOnce(Sound):
    waits_with_doubt = False


class ForgetsTheSlot(Sound):
    spaces_the_first = False


class FreesWhileItBegins(Sound):
    stops_before_freeing = False


class FencesWithoutLock(Sound):
    def new_server(self) -> Server:
        return Model(locks=False)


class TakesFromTheLiving(Sound):
    def new_server(self) -> Server:
        return Model(waits_for_the_end=False)


def test_no_order_of_steps_lets_two_owners_begin_at_once() -> None:
    how = settings(derandomize=True, deadline=None, database=None, max_examples=50, stateful_step_count=60)
    run_state_machine_as_test(Sound, settings=how)


def test_nor_do_five_thousand_walks_which_begin_many_requests() -> None:
    begun = 0
    for seed in range(5_000):
        machine = Sound()
        walk(machine, Random(seed))
        begun += len(machine.wire)
    assert begun > 1_500


@pytest.mark.parametrize(
    "broken",
    [
        CountsFromTheAnswer,
        ForgetsTheClock,
        WritesUnfenced,
        SendsDoubtAtOnce,
        ForgetsTheSlot,
        FreesWhileItBegins,
        FencesWithoutLock,
        TakesFromTheLiving,
    ],
)
def test_a_broken_rule_is_found(broken: type[Leasing]) -> None:
    with pytest.raises(AssertionError):
        _walk_all(broken)


def _walk_all(machine: type[Leasing]) -> None:
    for seed in range(10_000):
        walk(machine(), Random(seed))
