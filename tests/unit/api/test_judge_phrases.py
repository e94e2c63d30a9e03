import pytest

from importer.api.phrases import says_exists, says_token, serials_named, too_large


@pytest.mark.parametrize(
    ("text", "serials", "named"),
    [
        pytest.param("serial 100 is bad", ("1", "10", "00"), (), id="part-of-a-number"),
        pytest.param("serial 1 is bad", ("1", "100"), ("1",), id="whole"),
        pytest.param("serial A-1 is bad", ("A", "1", "A-1"), ("A-1",), id="longest"),
        pytest.param("serial A-1 is bad", ("A", "1"), (), id="part-of-a-word-with-a-dash"),
        pytest.param("version 1.5", ("1", "5"), (), id="decimal"),
        pytest.param("bad: 1.", ("1",), ("1",), id="full-stop-at-the-end"),
        pytest.param("bad: 1. Next", ("1",), ("1",), id="full-stop-within"),
        pytest.param("bad: A,B;C", ("A", "B", "C"), ("A", "B", "C"), id="list"),
        pytest.param("bad: a,b", ("a", "b", "a,b"), ("a,b",), id="comma-in-a-serial"),
        pytest.param('bad: ["00012","=1+1"]', ("00012", "=1+1", "12"), ("00012", "=1+1"), id="quoted"),
        pytest.param('serial ""q" is', ('"q',), ('"q',), id="quote-in-a-serial"),
        pytest.param("serial=X7", ("X7",), ("X7",), id="after-an-equals-sign"),
        pytest.param("serial -1 is bad", ("-1", "1"), ("-1",), id="leading-dash"),
        pytest.param("serials[3] (X7)", ("3", "X7"), ("3", "X7"), id="brackets"),
        pytest.param("abc ABC", ("Abc",), (), id="case"),
        pytest.param("", ("A",), (), id="nothing"),
        pytest.param("A A A", ("A",), ("A",), id="several-times"),
    ],
)
def test_a_serial_is_named_where_it_stands_as_a_whole_word(
    text: str, serials: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert serials_named(text, serials) == named


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        pytest.param("at most 500 serials", 500, id="at-most"),
        pytest.param("serials must contain no more than 500 elements", 500, id="no-more-than"),
        pytest.param("Maximum number of serials is 500", 500, id="maximum-is"),
        pytest.param("maximum serials per request: 500", 500, id="maximum-colon"),
        pytest.param("max. 500 serials allowed, got 1000", 500, id="max-point"),
        pytest.param("1000 serials exceed the limit of 500", 500, id="limit-of"),
        pytest.param("cannot contain more than 500 serials", 500, id="more-than"),
        pytest.param("up to 5,00 serials", 5, id="no-thousands"),
        pytest.param("limited to 1,000 serial numbers", 1000, id="thousands"),
    ],
)
def test_a_limit_of_serials_is_read_in_many_wordings(text: str, limit: int) -> None:
    assert too_large(text, 2000) == (True, limit)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("serials must be at most 20 characters long", id="characters"),
        pytest.param("serials exceed the maximum length of 20", id="length"),
        pytest.param("serials[3] may have at most 20", id="one-of-the-list"),
        pytest.param("serials.3 may have at most 20", id="one-of-the-list-with-a-point"),
        pytest.param("at most 20 characters in a serial", id="singular"),
        pytest.param("at most 5000 serials per batch", id="a-limit-that-was-kept"),
        pytest.param("limit of 10 requests reached", id="requests"),
    ],
)
def test_other_limits_do_not_make_a_request_too_large(text: str) -> None:
    assert too_large(text, 2000) == (False, None)


@pytest.mark.parametrize(
    "text", ["too many serials", "Payload Too Large", "request entity too large", "body too large"]
)
def test_too_large_is_understood_without_a_number(text: str) -> None:
    assert too_large(text, 2000) == (True, None)


@pytest.mark.parametrize(
    "text",
    ["serial exists already", "already exists", "AlreadyExists", "ALREADY_ASSIGNED", "has already been commissioned"],
)
def test_exists_already_is_understood_in_many_wordings(text: str) -> None:
    assert says_exists(text)


@pytest.mark.parametrize(
    "text", ["product does not exist", "expiry date already passed", "duplicate serials in request"]
)
def test_other_refusals_do_not_say_that_a_serial_exists(text: str) -> None:
    assert not says_exists(text)


def test_a_text_that_surely_speaks_of_the_token_is_told_from_one_that_perhaps_does() -> None:
    assert says_token("Failed to authenticate: token expired", surely=True)
    assert not says_token("invalid token", surely=True)
    assert says_token("invalid token", surely=False)
