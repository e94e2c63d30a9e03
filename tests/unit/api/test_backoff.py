from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.api.retry import delay


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [
        pytest.param(1, 0.25, 0.5, id="first"),
        pytest.param(2, 0.5, 1.0, id="second"),
        pytest.param(5, 4.0, 8.0, id="fifth"),
        pytest.param(7, 15.0, 30.0, id="cap_reached"),
        pytest.param(100_000, 15.0, 30.0, id="no_overflow"),
    ],
)
def test_the_wait_lies_between_half_the_span_and_the_span(failures: int, least: float, most: float) -> None:
    assert delay(failures, lambda: 0.0) == least
    assert delay(failures, lambda: 1.0) == most


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_a_further_failure_never_shortens_the_wait(failures: int, thrown: float) -> None:
    assert delay(failures + 1, lambda: thrown) >= delay(failures, lambda: thrown)


def test_base_and_cap_are_the_callers() -> None:
    assert delay(3, lambda: 0.5, base=2, cap=6) == 4.5


def test_without_a_failure_there_is_no_next_attempt() -> None:
    with pytest.raises(ValueError, match="failures is 0, expected 1 or more"):
        delay(0, lambda: 0.5)
