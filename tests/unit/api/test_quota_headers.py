"""Headers that tell when the API takes requests again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.api.quota_headers import seconds_to_wait

NOW = 1_793_000_000.0
"""2026-10-26T07:33:20Z."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": " 0.25 "}, 0.25, id="a-part-of-a-second"),
        pytest.param({"Retry-After": "0"}, None, id="nothing-to-wait"),
        pytest.param({"Retry-After": "Mon, 26 Oct 2026 07:33:50 GMT"}, 30, id="date"),
        pytest.param(
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            30,
            id="date-by-the-clock-of-the-api",
        ),
        pytest.param({"Retry-After": "Mon, 26 Oct 2026 07:00:00 GMT"}, None, id="date-gone-by"),
        pytest.param({"Retry-After": "1793000012"}, 12, id="retry-after-as-epoch"),
        pytest.param({"Retry-After-Ms": "1500"}, 1.5, id="milliseconds"),
        pytest.param({"Retry-After": "soon"}, None, id="nonsense"),
        pytest.param({"Retry-After": "-3"}, None, id="negative"),
        pytest.param({"Retry-After": "nan"}, None, id="not-a-number"),
        pytest.param({"Retry-After": "٣"}, None, id="other-digits"),
        pytest.param({"Retry-After": "9" * 300}, None, id="a-number-without-end"),
        pytest.param({"Retry-After": "2", "X-RateLimit-Reset": "40"}, 2, id="retry-after-outweighs-a-reset"),
        pytest.param(
            {"Retry-After": "soon", "X-RateLimit-Reset": "40"}, 40, id="a-reset-where-retry-after-is-nonsense"
        ),
        pytest.param({"X-RateLimit-Reset": "40"}, 40, id="x-reset-seconds"),
        pytest.param({"X-RateLimit-Reset": "1793000041"}, 41, id="x-reset-epoch"),
        pytest.param({"X-RateLimit-Reset": "1793000041.5"}, 41.5, id="x-reset-epoch-with-a-fraction"),
        pytest.param({"X-RateLimit-Reset": "1793000041000"}, 41, id="x-reset-epoch-in-milliseconds"),
        pytest.param(
            {"X-RateLimit-Reset": "1793003641", "Date": "Mon, 26 Oct 2026 08:33:20 GMT"},
            41,
            id="epoch-by-its-own-clock",
        ),
        pytest.param({"X-RateLimit-Reset": "1792999999"}, None, id="epoch-gone-by"),
        pytest.param({"X-Rate-Limit-Reset": "9"}, 9, id="x-rate-limit"),
        pytest.param({"X-RateLimit-Reset-After": "0.75"}, 0.75, id="reset-after"),
        pytest.param({"x-ratelimit-reset-requests": "1m30s"}, 90, id="duration"),
        pytest.param({"x-ratelimit-reset-requests": "20ms"}, 0.02, id="duration-in-milliseconds"),
        pytest.param({"X-RateLimit-Reset": "2026-10-26T07:33:35Z"}, 15, id="iso-date"),
        pytest.param({"X-RateLimit-Reset": "Mon, 26 Oct 2026 07:33:35 GMT"}, 15, id="http-date"),
        pytest.param({"RateLimit-Reset": "50", "RateLimit-Remaining": "0"}, 50, id="draft-0-to-6"),
        pytest.param({"RateLimit-Reset": "50", "RateLimit-Remaining": "3"}, None, id="something-is-left"),
        pytest.param(
            {"X-RateLimit-Remaining": "0, 70", "X-RateLimit-Reset": "5, 3600"}, 5, id="two-quotas-one-used-up"
        ),
        pytest.param({"RateLimit": "limit=100, remaining=0, reset=50"}, 50, id="draft-7"),
        pytest.param({"RateLimit": "limit=100, remaining=7, reset=50"}, None, id="draft-7-something-left"),
        pytest.param({"RateLimit": '"default";r=0;t=50'}, 50, id="draft-8"),
        pytest.param({"RateLimit": '"minute";r=0;t=30, "hour";r=0;t=900'}, 900, id="draft-8-the-longest"),
        pytest.param({"RateLimit": '"minute";r=0;t=30, "hour";r=80;t=900'}, 30, id="draft-8-the-one-used-up"),
        pytest.param({"RateLimit": "default;r=0 ; t=50"}, 50, id="draft-8-token-and-blanks"),
    ],
)
def test_the_wait_is_read_from_whichever_header_tells_it(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers, now=NOW) == seconds


NAMES = st.sampled_from(["Retry-After", "RateLimit", "RateLimit-Reset", "X-RateLimit-Reset", "Retry-After-Ms", "Date"])


@given(st.dictionaries(NAMES, st.text(max_size=60) | st.from_regex(r"[\d:;=,.rtZ \"-]{0,40}", fullmatch=True)))
def test_whatever_the_headers_hold_the_wait_is_a_time_or_none(headers: dict[str, str]) -> None:
    wait = seconds_to_wait(headers, now=NOW)
    assert wait is None or 0 < wait < 1e12
