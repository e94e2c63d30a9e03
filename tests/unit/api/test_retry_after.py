import pytest

from importer.api.client import seconds_to_wait

SEVEN = 1792567620.0  # Wed, 21 Oct 2026 07:27:00 GMT


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        pytest.param("120", None, 120, id="seconds"),
        pytest.param(" 1.5 ", None, 1.5, id="fraction"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, 60, id="date"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:30 GMT", 30, id="date-by-its-own-clock"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", "yesterday", 60, id="date-header-unreadable"),
        pytest.param("Wed, 21 Oct 2026 07:26:00 GMT", None, None, id="date-in-the-past"),
        pytest.param("0", None, None, id="zero"),
        pytest.param("-5", None, None, id="negative"),
        pytest.param("nan", None, None, id="nan"),
        pytest.param("1e9", None, None, id="exponent"),
        pytest.param("9" * 400, None, None, id="huge"),
        pytest.param("\u0661\u0662", None, None, id="other-digits"),
        pytest.param("soon", None, None, id="words"),
        pytest.param("", None, None, id="empty"),
        pytest.param(None, None, None, id="absent"),
        pytest.param("Wed, 99 Oct 99999 07:28:00 GMT", None, None, id="no-date"),
    ],
)
def test_a_retry_after_is_read_in_both_forms(value: str | None, date: str | None, expected: float | None) -> None:
    assert seconds_to_wait(value, date=date, now=SEVEN) == expected
