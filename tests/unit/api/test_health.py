"""When an API counts as away, who may try it, and when it is given up."""

import math

import pytest

from importer.api.health import TOKEN, Health, Sign, sign_of
from importer.model import Answer, Verdict

GOOD = Answer(Verdict.SETTLED, http_status=200)
REFUSED = Answer(Verdict.REFUSED, http_status=400)
LOST = Answer(Verdict.DOUBT, error="timeout")
DOWN = Answer(Verdict.DOUBT, http_status=503)
PAGE = Answer(Verdict.DOUBT, http_status=200, page=True)
ABSENT = Answer(Verdict.NOT_TAKEN, error="not_connected", reached=False)
BUSY = Answer(Verdict.NOT_TAKEN, error="rate_limited", http_status=429)


def health(*, replays: bool = True, patience: float = 600, known: bool = True) -> Health:
    made = Health(patience=patience, attempts=5, delay=float, replays=replays)
    if known:
        send(made, "first", GOOD, 0)
    return made


def send(health: Health, asker: object, answer: Answer, now: float) -> None:
    health.began(asker)
    health.ended(asker, answer, now)


def away(**how: bool) -> Health:
    """Since moment 1: chunks 1 and 2 are in doubt, chunk 3 is not; the next try is due at 2."""
    made = health(**how)
    for asker, answer in ((1, LOST), (2, DOWN), (3, ABSENT)):
        send(made, asker, answer, 1)
    return made


@pytest.mark.parametrize(
    ("answer", "sign"),
    [
        (GOOD, Sign.WELL),
        (REFUSED, Sign.WELL),
        (Answer(Verdict.TOKEN, http_status=401), Sign.WELL),
        (BUSY, Sign.BUSY),
        (LOST, Sign.AWAY),
        (DOWN, Sign.AWAY),
        (Answer(Verdict.DOUBT, http_status=502, page=True), Sign.AWAY),
        (PAGE, Sign.STRANGER),
        (Answer(Verdict.DENIED, http_status=403, page=True), Sign.STRANGER),
        (ABSENT, Sign.ABSENT),
        (Answer(Verdict.DOUBT, error="cut", stale=True), None),
        (Answer(Verdict.NOT_TAKEN, reached=False, held_back=True), None),
        (Answer(Verdict.TOKEN, error="no_token"), None),
    ],
)
def test_an_answer_shows_whether_the_api_is_there(answer: Answer, sign: Sign | None) -> None:
    assert sign_of(answer) is sign


def test_it_is_away_when_several_chunks_in_a_row_got_no_answer() -> None:
    made = health()
    send(made, 1, LOST, 1)
    send(made, 2, DOWN, 1)
    assert not made.away
    send(made, 3, ABSENT, 1)
    assert made.away


def test_any_answer_of_the_api_breaks_the_row() -> None:
    made = health()
    for asker in range(20):
        send(made, asker, LOST, 1)
        send(made, asker + 100, REFUSED, 1)
    assert not made.away


def test_one_chunk_alone_never_makes_it_away() -> None:
    made = health()
    for now in range(20):
        send(made, 1, LOST, now)
    assert not made.away
    assert made.is_alone(1)
    send(made, 2, LOST, 30)
    assert made.away


def test_where_nothing_else_can_be_tried_it_is_presumed() -> None:
    made = health()
    send(made, 1, LOST, 1)
    made.presume_away(1)
    assert (made.away, made.outages) == (True, 1)


def test_while_it_is_away_only_a_chunk_in_doubt_is_tried_after_a_wait() -> None:
    made = away()
    assert made.may_go(99, 1.0) == math.inf
    assert made.may_go(3, 1.0) == math.inf
    assert made.may_go(1, 1.0) == 1.0
    assert made.may_go(2, 5.0) == math.inf
    assert made.may_go(1, 2.0) == 0.0


def test_where_none_is_in_doubt_one_that_was_not_taken_is_tried() -> None:
    made = health()
    for asker in (1, 2, 3):
        send(made, asker, ABSENT, 1)
    assert (made.may_go(2, 2.0), made.may_go(3, 2.0)) == (0.0, math.inf)


def test_a_token_may_be_asked_for_meanwhile() -> None:
    made = away()
    assert made.may_go(1, 1.0) == 1.0
    assert made.may_go(TOKEN, 2.0) == 0.0


def test_the_waits_between_two_tries_grow() -> None:
    made = away()
    now, waits = 1.0, []
    for _ in range(4):
        waits.append(made.may_go(1, now))
        now += waits[-1]
        send(made, 1, DOWN, now)
    assert waits == [1, 2, 3, 4]


def test_the_first_answer_ends_it_for_all() -> None:
    made = away()
    made.may_go(1, 2.0)
    send(made, 1, GOOD, 2.5)
    assert not made.away
    assert made.may_go(99, 2.5) == 0.0


def test_another_chunk_is_tried_when_the_one_that_was_tried_asks_no_more() -> None:
    made = away()
    made.may_go(1, 1.0)
    made.forget(1)
    assert made.may_go(2, 2.0) == 0.0


def test_it_is_gone_when_patience_is_over_after_a_last_try() -> None:
    made = away(replays=True)
    made.may_go(1, 1.0)
    send(made, 1, DOWN, 599)
    assert made.may_go(1, 599) == 2.0
    assert not made.gone(601)
    send(made, 1, DOWN, 601.5)
    assert made.gone(601.5)


def test_an_api_that_only_says_429_is_given_up_after_the_same_patience() -> None:
    made = health()
    send(made, 1, BUSY, 10)
    assert not made.away
    assert not made.gone(609)
    assert made.gone(610)
    send(made, 1, GOOD, 611)
    assert not made.gone(2000)


@pytest.mark.parametrize("answer", [PAGE, ABSENT], ids=["page", "absent"])
def test_what_has_never_answered_is_given_up_sooner(answer: Answer) -> None:
    made = health(known=False)
    for asker in (1, 2, 3):
        send(made, asker, answer, 0)
    made.may_go(1, 0)
    send(made, 1, answer, 31)
    assert made.gone(31)


def test_an_outage_is_waited_for_in_full_also_where_nothing_has_answered_yet() -> None:
    made = health(known=False)
    for asker in (1, 2, 3):
        send(made, asker, DOWN, 0)
    made.may_go(1, 0)
    send(made, 1, DOWN, 31)
    assert not made.gone(31)


def test_a_web_page_where_nothing_has_ever_answered_needs_no_other_chunk() -> None:
    made = health(known=False)
    send(made, 1, PAGE, 0)
    assert made.away


def test_where_lost_answers_are_held_requests_leave_one_by_one_after_the_first() -> None:
    made = health(replays=False)
    made.began(7)
    send(made, 1, LOST, 1)
    assert made.may_go(2, 1) == math.inf
    made.ended(7, LOST, 2)
    assert made.may_go(2, 2) == 0.0


def test_where_lost_answers_are_held_nothing_can_be_tried_while_it_is_away() -> None:
    assert away(replays=False).gone(1)


def test_a_connection_that_does_not_come_about_is_no_chunks_fault() -> None:
    made = health(known=False)
    for now in range(5):
        send(made, 1, ABSENT, now)
    assert made.away
    send(made, 1, ABSENT, 40)
    assert made.gone(40)


def test_where_lost_answers_are_held_a_dead_connection_is_a_sign_too() -> None:
    made = health(replays=False)
    for asker in (1, 2, 3):
        send(made, asker, Answer(Verdict.DOUBT, error="cut", stale=True), 1)
    assert made.away
