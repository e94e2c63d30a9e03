import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.api.judge import judge
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

BATCH = Batch("01234567891231", "B1", "271115")
SERIALS = ("A1", "B2", "C3")


def judged(status: int, body: object, serials: tuple[str, ...] = SERIALS, **more: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge(Chunk(1, 1, BATCH, SerialText.of(serials)), status, raw, **more)


def lines(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"serial_number": serial, "status": status} for serial, status in pairs]


ALL = lines(("C3", "Assigned"), ("A1", "Assigned"), ("B2", "Assigned"))

SETTLED: list[Any] = [
    pytest.param({"success": True, "data": ALL}, {"assigned": SERIALS}, id="all-in-another-order"),
    pytest.param({"success": False, "data": ALL}, {"assigned": SERIALS}, id="success-false-and-all-assigned"),
    pytest.param({"data": ALL}, {"assigned": SERIALS}, id="no-success"),
    pytest.param({"success": True, "data": ALL[:2]}, {"assigned": ("C3", "A1"), "missing": ("B2",)}, id="one-missing"),
    pytest.param(
        {"success": True, "data": ALL + lines(("Z9", "Assigned"), ("Z9", "Assigned"))},
        {"assigned": SERIALS, "extra": 1},
        id="an-extra-one-twice",
    ),
    pytest.param({"success": True, "data": ALL + ALL}, {"assigned": SERIALS}, id="each-twice-alike"),
    pytest.param(
        {"success": True, "data": ALL + lines(("A1", "Rejected"))},
        {"assigned": ("B2", "C3"), "missing": ("A1",)},
        id="contradicting",
    ),
    pytest.param(
        {"success": True, "data": lines(("A1", "Rejected"), ("A1", "Assigned"), ("B2", "Assigned"))},
        {"assigned": ("B2",), "missing": ("A1", "C3")},
        id="contradicting-with-assigned-last",
    ),
    pytest.param(
        {"success": True, "data": lines(("A1", "Rejected"), ("A1", "Expired"), ("B2", "Assigned"), ("C3", "Assigned"))},
        {"assigned": ("B2", "C3"), "missing": ("A1",)},
        id="contradicting-refusals",
    ),
    pytest.param(
        {"success": True, "data": lines(("A1", "assigned"), ("B2", "Assigned "), ("C3", "Assigned"))},
        {"assigned": ("C3",), "statuses": {"A1": "assigned", "B2": "Assigned "}},
        id="almost-assigned-is-refused",
    ),
    pytest.param(
        {"success": True, "data": [*ALL[:2], {"serial_number": "B2", "status": None}]},
        {"assigned": ("A1", "C3"), "missing": ("B2",)},
        id="status-null",
    ),
    pytest.param(
        {"success": True, "data": [*ALL[:2], {"serial_number": "B2"}]},
        {"assigned": ("A1", "C3"), "missing": ("B2",)},
        id="no-status",
    ),
    pytest.param(
        {"success": True, "data": [*ALL[:2], None, 7, "B2", ["B2"], {"status": "Assigned"}]},
        {"assigned": ("A1", "C3"), "missing": ("B2",)},
        id="lines-of-other-shapes",
    ),
    pytest.param(
        {"success": False, "message": "partly", "data": lines(("A1", "Rejected"), ("B2", "Assigned"))},
        {"assigned": ("B2",), "statuses": {"A1": "Rejected"}, "missing": ("C3",)},
        id="success-false-and-some",
    ),
    pytest.param(
        {"success": False, "error": "ValidationError", "data": lines(("A1", "Invalid"), ("B2", "Assigned"))},
        {"assigned": ("B2",), "statuses": {"A1": "Invalid"}, "missing": ("C3",)},
        id="a-known-error-yet-some-assigned",
    ),
]


@pytest.mark.parametrize(("body", "expected"), SETTLED)
def test_an_answer_settles_what_it_names(body: object, expected: dict[str, Any]) -> None:
    answer = judged(200, body)
    assert answer.verdict is Verdict.SETTLED
    assert frozenset(answer.assigned) == frozenset(expected.get("assigned", ()))
    assert answer.statuses == expected.get("statuses", {})
    assert answer.missing == expected.get("missing", ())
    assert answer.extra == expected.get("extra", 0)


@pytest.mark.parametrize("status", [201, 207, 400, 409, 422])
def test_lines_settle_at_any_status_that_comes_before_5xx(status: int) -> None:
    assert judged(status, {"success": False, "data": ALL}).verdict is Verdict.SETTLED


def test_a_validation_error_that_lists_the_bad_ones_in_data_names_them_and_settles_nothing() -> None:
    answer = judged(400, {"error": "ValidationError", "message": "bad", "data": lines(("B2", "Invalid"))})
    assert (answer.verdict, answer.named) == (Verdict.REFUSED, ("B2",))


def test_serials_are_told_apart_by_their_exact_letters() -> None:
    answer = judged(200, {"data": lines(("a1", "Assigned"), ("007", "Assigned"))}, ("A1", "7", "007"))
    assert answer.assigned == {"007"}
    assert answer.missing == ("A1", "7")
    assert answer.extra == 1


def test_a_byte_order_mark_before_the_answer_is_no_harm() -> None:
    assert judged(200, b"\xef\xbb\xbf" + json.dumps({"data": ALL}).encode()).verdict is Verdict.SETTLED


def test_a_status_that_says_exists_is_told_from_others() -> None:
    answer = judged(200, {"data": lines(("A1", "AlreadyExists"), ("B2", "Rejected"), ("C3", "Exists"))})
    assert answer.existing == {"A1", "C3"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(SERIALS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["success", "error", "name", "type", "message", "data", "serial_number", "status", "code"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
statuses = st.integers(100, 599)


def is_whole(answer: Answer) -> bool:
    told = [*answer.assigned, *answer.statuses, *answer.missing]
    return sorted(told) == sorted(SERIALS) if answer.verdict is Verdict.SETTLED else not told


@given(statuses, st.binary(max_size=200))
def test_any_bytes_have_a_verdict(status: int, body: bytes) -> None:
    answer = judged(status, body)
    assert answer.verdict is not Verdict.SETTLED
    assert is_whole(answer)


@given(statuses, json_values)
def test_any_json_has_a_verdict_and_a_settled_chunk_is_accounted_for(status: int, value: object) -> None:
    assert is_whole(judged(status, value))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"data":' * 50_000, b'{"message":' + b"[" * 900 + b"]" * 900 + b"}"]
)
def test_deep_nesting_is_no_fault_of_ours(body: bytes) -> None:
    assert judged(200, body).verdict is Verdict.DOUBT
