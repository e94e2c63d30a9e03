from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importer.model import Answer, Batch, Chunk, ChunkState, Doubt, Fate, Outcome, Part, Settlement, Verdict
from importer.reconcile import (
    LOST,
    EarlierOutcome,
    ExistsMeans,
    Tally,
    fate_of,
    for_later_runs,
    isolate,
    settle,
    slices,
)
from importer.serial_text import SerialText

GTIN = "01234567891231"


def chunk(*serials: str, doubt: bool = False) -> Chunk:
    return Chunk(1, 1, Batch(GTIN, "B1", "271130"), SerialText.of(serials), doubt)


def outcomes(settled: Settlement, serials: Sequence[str]) -> dict[str, tuple[Outcome, str]]:
    """Outcome and code of each serial of a settled chunk."""
    parts = settled.parts or [Part(range(len(serials)), settled.fate)]
    fates = [part.fate for part in parts if part.fate]
    assert len(fates) == len(parts) == len(set(fates))
    return {serials[place]: (part.fate.outcome, part.fate.code) for part in parts if part.fate for place in part.places}


def named(*assigned: str, existing: Sequence[str] = (), **statuses: str) -> Answer:
    missing = tuple(serial for serial in "ABC" if serial not in {*assigned, *statuses})
    return Answer(Verdict.SETTLED, frozenset(assigned), statuses, frozenset(existing), missing)


A, R, U = Outcome.ASSIGNED, Outcome.REFUSED, Outcome.UNKNOWN
EXISTS = {"B": "Exists already"}

BY_NAME: dict[str, tuple[Answer, bool, ExistsMeans, tuple[Outcome, str]]] = {
    "assigned": (named("A", "B", "C"), False, "unknown", (A, "")),
    "assigned_after_doubt": (named("A", "B", "C"), True, "unknown", (A, "")),
    "not_named": (named("A", "C"), False, "unknown", (U, "answer_missing")),
    "another_status": (named("A", "C", B="Blocked"), False, "unknown", (R, "status_not_assigned")),
    "another_status_in_doubt": (named("A", "C", B="Blocked"), True, "assigned", (R, "status_not_assigned")),
    "exists": (named("A", "C", existing="B", **EXISTS), False, "unknown", (R, "already_exists")),
    "exists_without_doubt_is_no_proof": (
        named("A", "C", existing="B", **EXISTS),
        False,
        "assigned",
        (R, "already_exists"),
    ),
    "exists_in_doubt": (named("A", "C", existing="B", **EXISTS), True, "unknown", (U, "exists_in_doubt")),
    "exists_in_doubt_means_assigned": (named("A", "C", existing="B", **EXISTS), True, "assigned", (A, "")),
}


@pytest.mark.parametrize(("answer", "doubt", "means", "expected"), BY_NAME.values(), ids=BY_NAME.keys())
def test_an_answer_settles_the_serials_that_it_names(
    answer: Answer, doubt: bool, means: ExistsMeans, expected: tuple[Outcome, str]
) -> None:
    settled = settle(chunk("A", "B", "C", doubt=doubt), answer, means)
    assert outcomes(settled, "ABC") == {"A": (A, ""), "B": expected, "C": (A, "")}


def test_an_answer_that_names_no_serial_as_assigned_assigns_none() -> None:
    settled = settle(chunk("A", "B", "C"), named(A="Blocked", B="Blocked"), "unknown")
    assert outcomes(settled, "ABC") == {
        "A": (R, "status_not_assigned"),
        "B": (R, "status_not_assigned"),
        "C": (U, "answer_missing"),
    }


def test_a_status_stands_in_the_message() -> None:
    settled = settle(chunk("A"), Answer(Verdict.SETTLED, statuses={"A": "Blocked"}), "unknown")
    assert settled.fate == Fate(R, "status_not_assigned", {"status": "Blocked"})


SAID = {"code": "api_said"}
SINGLE: dict[str, tuple[Answer, bool, ExistsMeans, Fate]] = {
    "refused": (
        Answer(Verdict.REFUSED, error="ValidationError", message="bad serial"),
        False,
        "unknown",
        Fate(R, "api_refused", {"said": {**SAID, "text": "bad serial", "error": "ValidationError", "case": "named"}}),
    ),
    "refused_without_a_reason": (
        Answer(Verdict.REFUSED),
        True,
        "assigned",
        Fate(R, "api_refused", {"said": {"code": "no_reason"}}),
    ),
    "exists": (
        Answer(Verdict.REFUSED, message="exists", exists=True),
        False,
        "assigned",
        Fate(R, "already_exists", {"said": {**SAID, "text": "exists"}}),
    ),
    "exists_in_doubt_means_assigned": (Answer(Verdict.REFUSED, exists=True), True, "assigned", Fate(A)),
    "product": (
        Answer(Verdict.PRODUCT, error="ProductError", message="unknown product"),
        False,
        "unknown",
        Fate(
            R,
            "product_not_registered",
            {"gtin": GTIN, "said": {**SAID, "text": "unknown product", "error": "ProductError", "case": "named"}},
        ),
    ),
    "too_large": (
        Answer(Verdict.TOO_LARGE, message="too large"),
        False,
        "unknown",
        Fate(R, "request_too_large", {"said": {**SAID, "text": "too large"}}),
    ),
}


@pytest.mark.parametrize(("answer", "doubt", "means", "fate"), SINGLE.values(), ids=SINGLE.keys())
def test_a_refusal_of_a_single_serial_is_its_fate(answer: Answer, doubt: bool, means: ExistsMeans, fate: Fate) -> None:
    settled = settle(chunk("A", doubt=doubt), answer, means)
    assert (settled.state, settled.fate, settled.parts) == (ChunkState.SETTLED, fate, ())


def test_a_single_serial_that_exists_and_is_in_doubt_is_unknown() -> None:
    settled = settle(chunk("A", doubt=True), Answer(Verdict.REFUSED, exists=True), "unknown")
    assert outcomes(settled, "A") == {"A": (U, "exists_in_doubt")}


def test_a_product_that_is_not_registered_stops_its_gtin() -> None:
    assert settle(chunk("A", "B"), Answer(Verdict.PRODUCT), "unknown").stop_product == GTIN


@pytest.mark.parametrize("verdict", [Verdict.NOT_TAKEN, Verdict.TOKEN, Verdict.DENIED])
def test_what_was_not_taken_is_pending_without_doubt(verdict: Verdict) -> None:
    assert settle(chunk("A", "B"), Answer(verdict), "unknown") == Settlement(ChunkState.PENDING)


def test_what_has_no_readable_answer_is_pending_in_doubt() -> None:
    settled = settle(chunk("A", "B"), Answer(Verdict.DOUBT), "assigned")
    assert settled == Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN)


CUTS: dict[str, tuple[Answer, list[list[int]], int | None]] = {
    "refused_in_halves": (Answer(Verdict.REFUSED), [[0, 1], [2, 3, 4]], None),
    "named_ones_alone_first": (Answer(Verdict.REFUSED, named=("D", "B")), [[1], [3], [0, 2, 4]], None),
    "one_named_that_was_not_sent": (Answer(Verdict.REFUSED, named=("X", "B")), [[1], [0, 2, 3, 4]], None),
    "none_named_that_was_sent": (Answer(Verdict.REFUSED, named=("X",)), [[0, 1], [2, 3, 4]], None),
    "too_large_in_halves": (Answer(Verdict.TOO_LARGE), [[0], [1, 2], [3, 4]], 2),
    "at_most_three": (Answer(Verdict.TOO_LARGE, limit=3), [[0, 1], [2, 3, 4]], 3),
    "at_most_one": (Answer(Verdict.TOO_LARGE, limit=1), [[0], [1], [2], [3], [4]], 1),
    "a_limit_that_was_kept": (Answer(Verdict.TOO_LARGE, limit=100_000), [[0, 1], [2, 3, 4]], 4),
    "a_limit_of_nothing_tells_nothing": (Answer(Verdict.TOO_LARGE, limit=0), [[0], [1, 2], [3, 4]], 2),
}


@pytest.mark.parametrize(("answer", "parts", "limit"), CUTS.values(), ids=CUTS.keys())
def test_a_refused_chunk_is_cut(answer: Answer, parts: list[list[int]], limit: int | None) -> None:
    settled = settle(chunk(*"ABCDE"), answer, "unknown")
    assert settled.state is ChunkState.CUT
    assert [list(part.places) for part in settled.parts] == parts
    assert settled.limit == limit


def test_a_refusal_that_names_all_serials_settles_them_at_once() -> None:
    settled = settle(chunk(*"ABCDE"), Answer(Verdict.REFUSED, named=tuple("ABCDE"), message="No."), "unknown")
    assert (settled.state, settled.fate and settled.fate.outcome) == (ChunkState.SETTLED, Outcome.REFUSED)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_slices_are_the_whole_in_order_and_as_even_as_can_be(count: int, limit: int) -> None:
    parts = [list(part) for part in slices(count, limit)]
    assert [place for part in parts for place in part] == list(range(count))
    sizes = [len(part) for part in parts]
    assert max(sizes) <= limit
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == math.ceil(count / limit)


@given(st.sets(st.integers(0, 30), min_size=2), st.data())
def test_isolation_keeps_every_serial_once_and_makes_every_part_smaller(places: set[int], data: st.DataObject) -> None:
    serials = [f"S{place}" for place in sorted(places)]
    blamed = data.draw(st.lists(st.sampled_from(serials)))
    parts = [list(part) for part in isolate(serials, blamed)]
    assert sorted(place for part in parts for place in part) == list(range(len(serials)))
    assert all(0 < len(part) < len(serials) for part in parts)


def requests_for(serials: Sequence[str], bad: set[str], names: int) -> tuple[int, dict[str, Outcome]]:
    """Send serials to an API that refuses each request with a bad one, and names up to `names` of them in its text."""
    waiting, requests, found = deque([chunk(*serials)]), 0, dict[str, Outcome]()
    while waiting:
        sent = waiting.popleft()
        requests += 1
        blamed = tuple(serial for serial in sent.serials if serial in bad)
        verdict = Verdict.REFUSED if blamed else Verdict.SETTLED
        assigned = frozenset(() if blamed else sent.serials)
        assert not assigned & {serial for serial, outcome in found.items() if outcome is A}, "sent again"
        settled = settle(sent, Answer(verdict, assigned, named=blamed[:names]), "unknown")
        if settled.state is ChunkState.CUT:
            waiting.extend(chunk(*(sent.serials[place] for place in part.places)) for part in settled.parts)
        else:
            found |= {serial: outcome for serial, (outcome, _) in outcomes(settled, sent.serials).items()}
    return requests, found


@given(st.integers(2, 1000), st.data())
def test_bad_serials_are_found_at_the_promised_cost_and_all_others_are_assigned(
    count: int, data: st.DataObject
) -> None:
    serials = [f"S{place}" for place in range(count)]
    bad = data.draw(st.sets(st.sampled_from(serials), min_size=1, max_size=min(count, 20)))
    requests, found = requests_for(serials, bad, names=0)
    assert {serial for serial, outcome in found.items() if outcome is R} == bad
    assert {serial for serial, outcome in found.items() if outcome is A} == set(serials) - bad
    k = len(bad)
    assert requests <= 2 * k * math.log2(count / k) + 4 * k + 1


@given(st.integers(2, 1000), st.sampled_from([1, 3, 1000]), st.data())
@example(1000, 1, None)
def test_named_serials_cost_at_most_one_more_request_each_and_one_a_round(
    count: int, names: int, data: st.DataObject | None
) -> None:
    serials = [f"S{place}" for place in range(count)]
    few = st.sets(st.sampled_from(serials), min_size=1, max_size=min(count - 1, 20))
    bad = data.draw(few) if data else {"S7"}
    requests, found = requests_for(serials, bad, names)
    assert {serial for serial, outcome in found.items() if outcome is R} == bad
    assert requests <= 1 + len(bad) + math.ceil(len(bad) / names)


def test_one_bad_serial_in_a_thousand_costs_about_twenty_requests() -> None:
    serials = [f"S{place}" for place in range(1000)]
    most = max(requests_for(serials, {serial}, names=0)[0] for serial in serials)
    assert most <= 21


def tally(**counts: int) -> Tally:
    return Tally({outcome: counts.get(outcome.value, 0) for outcome in Outcome})


@pytest.mark.parametrize(
    ("found", "skipped_for_product", "code"),
    [
        pytest.param(tally(assigned=3), 0, 0, id="all_assigned"),
        pytest.param(tally(assigned=1, already_assigned=1, duplicate=1), 0, 0, id="assigned_before_and_repeated"),
        pytest.param(tally(assigned=1, rejected=1), 0, 3, id="rejected"),
        pytest.param(tally(assigned=1, refused=1), 0, 3, id="refused"),
        pytest.param(tally(refused=1, unsent=2), 2, 3, id="unsent_since_their_product_is_unknown"),
        pytest.param(tally(refused=1, unsent=3), 2, 4, id="unsent_since_the_run_stopped"),
        pytest.param(tally(unknown=1, rejected=1), 0, 5, id="unknown_before_rejected"),
        pytest.param(tally(unknown=1, unsent=1), 0, 4, id="stopped_before_unknown"),
        pytest.param(tally(unknown=1, unsent=1), 1, 5, id="unknown_before_skipped_for_product"),
    ],
)
def test_the_worst_outcome_decides_how_a_run_ends(found: Tally, skipped_for_product: int, code: int) -> None:
    assert found.exit_code(skipped_for_product) == code


def test_the_identity_holds_when_the_seven_make_up_the_rows() -> None:
    found = tally(assigned=1, already_assigned=2, duplicate=3, rejected=4, refused=5, unknown=6, unsent=7)
    assert found.holds(28)
    assert not found.holds(29)


LATER = {
    "assigned": (Fate(A), Doubt.NONE, EarlierOutcome.ASSIGNED),
    "assigned_after_doubt": (Fate(A), Doubt.THIS_RUN, EarlierOutcome.ASSIGNED),
    "unknown": (Fate(U, "answer_lost"), Doubt.THIS_RUN, EarlierOutcome.UNKNOWN),
    "unknown_without_a_lost_answer": (Fate(U, "answer_missing"), Doubt.NONE, EarlierOutcome.UNKNOWN),
    "refused": (Fate(R, "api_refused"), Doubt.NONE, EarlierOutcome.NOTHING),
    "refused_in_doubt": (Fate(R, "api_refused"), Doubt.THIS_RUN, EarlierOutcome.DOUBT),
    "unsent": (Fate(Outcome.UNSENT, "not_sent"), Doubt.NONE, EarlierOutcome.NOTHING),
    "unsent_in_doubt": (Fate(Outcome.UNSENT, "product_not_registered"), Doubt.THIS_RUN, EarlierOutcome.DOUBT),
    "unsent_in_an_older_doubt": (Fate(Outcome.UNSENT, "not_taken"), Doubt.EARLIER_RUN, EarlierOutcome.DOUBT),
    "rejected_in_doubt": (Fate(Outcome.REJECTED, "conflict_with_run"), Doubt.EARLIER_RUN, EarlierOutcome.DOUBT),
    "the_run_that_assigned_it_tells": (Fate(Outcome.ALREADY_ASSIGNED), Doubt.NONE, EarlierOutcome.NOTHING),
}


@pytest.mark.parametrize(("fate", "doubt", "expected"), LATER.values(), ids=LATER.keys())
def test_a_run_tells_later_ones_what_it_knows_and_never_drops_a_doubt(
    fate: Fate, doubt: Doubt, expected: EarlierOutcome
) -> None:
    assert for_later_runs(fate, doubt) is expected


STATES = {
    "on_the_wire": (ChunkState.SENT, None, Doubt.NONE, True, LOST),
    "on_the_wire_after_a_retry": (ChunkState.SENT, Fate(R, "api_refused"), Doubt.NONE, True, LOST),
    "settled": (ChunkState.SETTLED, Fate(A), Doubt.THIS_RUN, True, Fate(A)),
    "retried_and_not_answered": (ChunkState.PENDING, Fate(R, "api_refused"), Doubt.NONE, True, Fate(R, "api_refused")),
    "lost": (ChunkState.PENDING, None, Doubt.THIS_RUN, True, LOST),
    "lost_in_an_earlier_run": (ChunkState.PENDING, None, Doubt.EARLIER_RUN, True, Fate(Outcome.UNSENT, "not_taken")),
    "never_sent": (ChunkState.PENDING, None, Doubt.EARLIER_RUN, False, Fate(Outcome.UNSENT, "not_sent")),
}


@pytest.mark.parametrize(("state", "fate", "doubt", "tried", "expected"), STATES.values(), ids=STATES.keys())
def test_the_state_of_a_chunk_means_one_thing_for_its_rows(
    state: ChunkState, fate: Fate | None, doubt: Doubt, tried: bool, expected: Fate
) -> None:
    assert fate_of(state, fate, doubt, tried=tried) == expected
