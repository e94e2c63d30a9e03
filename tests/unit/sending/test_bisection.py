"""The order of the parts of a refused chunk, against an API that refuses any request with a bad serial in it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.sending.bisection import MOST_REFUSED, Bisection, End, How, Step


@dataclass(frozen=True)
class Part:
    places: Sequence[int]

    @property
    def serials(self) -> int:
        return len(self.places)

    def halves(self) -> list["Part"]:
        half = -(-len(self.places) // 2)
        return [Part(self.places[:half]), Part(self.places[half:])]


@dataclass
class Played:
    """All requests by their places, with what was refused and accepted on its own."""

    requests: list[Sequence[int]]
    refused: list[int]
    accepted: list[int]
    stopped: bool = False


def play(count: int, bad: Collection[int], *, doubt: bool = False) -> Played:
    bisection, played = Bisection([Part(range(count))]), Played([], [], [])
    bad = frozenset(bad)
    while (step := bisection.next()) is not None:
        answer(bisection, step, bad, played, doubt=doubt)
        if bisection.hopeless:
            played.stopped = True
            break
    return played


def answer(bisection: Bisection[Part], step: Step[Part], bad: frozenset[int], played: Played, *, doubt: bool) -> None:
    part = step.part
    if not step.ask:
        bisection.cut(step, part.halves())
        return
    played.requests.append(part.places)
    if not bad.intersection(part.places):
        played.accepted += part.places
        bisection.ended(step, End.ACCEPTED)
    elif len(part.places) > 1:
        bisection.cut(step, part.halves(), How.DOUBT if doubt else How.SOME)
    else:
        played.refused += part.places
        bisection.ended(step, End.EXISTING if doubt else End.REFUSED)


@st.composite
def bad_among_many(draw: st.DrawFn) -> tuple[int, frozenset[int]]:
    count = draw(st.integers(100, 2000))
    most = count // 24
    kind = draw(st.sampled_from(["anywhere", "spread", "together"]))
    wanted = draw(st.integers(1, most))
    if kind == "spread":
        return count, frozenset(number * count // wanted for number in range(wanted))
    if kind == "together":
        first = draw(st.integers(0, count - wanted))
        return count, frozenset(range(first, first + wanted))
    random = draw(st.randoms(use_true_random=False))
    return count, frozenset(random.sample(range(count), wanted))


@given(bad_among_many())
def test_few_bad_serials_are_found_within_the_bound(case: tuple[int, frozenset[int]]) -> None:
    count, bad = case
    played = play(count, bad)
    assert not played.stopped
    assert len(played.requests) <= 2 * len(bad) * math.log2(count / len(bad)) + 2
    assert (sorted(played.refused), len(played.accepted)) == (sorted(bad), count - len(bad))


@given(st.integers(1, 60), st.data())
def test_every_serial_ends_by_an_answer_of_its_own_or_with_others_that_were_accepted(
    count: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    played = play(count, bad)
    if not played.stopped:
        assert (sorted(played.refused), sorted(played.accepted)) == (sorted(bad), sorted(set(range(count)) - bad))


def test_the_first_serial_to_blame_is_known_after_log2_of_them() -> None:
    played = play(1000, range(1000))
    assert next(number for number, places in enumerate(played.requests, 1) if len(places) == 1) <= 11


@pytest.mark.parametrize("count", [40, 1000, 100_000])
def test_a_chunk_that_is_refused_whole_is_noticed_after_dozens_of_requests(count: int) -> None:
    played = play(count, range(count))
    assert played.stopped
    assert len(played.requests) == MOST_REFUSED + 1


@pytest.mark.parametrize("first", [0, 400, 900])
def test_bad_serials_side_by_side_are_no_chunk_that_is_refused_whole(first: int) -> None:
    played = play(1000, range(first, first + 100))
    assert not played.stopped
    assert len(played.refused) == 100


def test_what_was_lost_before_and_exists_now_is_no_refused_chunk() -> None:
    played = play(40, range(40), doubt=True)
    assert (played.stopped, len(played.refused)) == (False, 40)


def test_when_all_that_is_asked_exists_already_the_rest_need_not_be_asked() -> None:
    bisection = Bisection([Part(range(1000))])
    asked = 0
    while (step := bisection.next()) is not None and not bisection.in_vain:
        asked += 1
        if step.part.serials > 1:
            bisection.cut(step, step.part.halves(), How.DOUBT)
        else:
            bisection.ended(step, End.EXISTING)
    assert asked == MOST_REFUSED
    assert sum(part.serials for part in bisection.rest()) > 900


def test_serials_that_an_answer_names_do_not_speak_for_those_that_it_does_not() -> None:
    bisection = Bisection([Part(range(100))])
    step = bisection.next()
    assert step is not None
    bisection.cut(step, [Part([number]) for number in range(60)] + [Part(range(60, 100))], How.NAMED)
    asked = 0
    while (step := bisection.next()) is not None and not bisection.hopeless:
        assert step.ask
        asked += 1
        bisection.ended(step, End.REFUSED if step.part.serials == 1 else End.ACCEPTED)
    assert asked == 61


def test_parts_of_a_chunk_that_was_too_large_are_judged_each_for_itself() -> None:
    bisection = Bisection([Part(range(40))])
    step = bisection.next()
    assert step is not None
    bisection.cut(step, [Part([number]) for number in range(40)], How.SIZE)
    while (step := bisection.next()) is not None:
        bisection.ended(step, End.REFUSED)
    assert not bisection.hopeless
