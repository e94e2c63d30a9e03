import pytest

from importer.redaction import Scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("key s3cret/1 here", "key [secret] here", id="as-it-is"),
        pytest.param("?key=s3cret%2F1&x", "?key=[secret]&x", id="quoted-for-a-url"),
        pytest.param("token eyJhbGciOi.eyJhcGk.c2ln.", "token [secret].", id="any-jwt"),
        pytest.param("http://user:pw@proxy:80/", "http://[secret]@proxy:80/", id="credentials-of-a-url"),
        pytest.param("nothing secret", "nothing secret", id="nothing"),
    ],
)
def test_secrets_are_taken_out_in_each_form(text: str, expected: str) -> None:
    assert Scrub("s3cret/1")(text) == expected


def test_a_secret_that_holds_another_goes_as_a_whole() -> None:
    assert Scrub("abcd", "abcdefgh")("x abcdefgh x") == "x [secret] x"


def test_a_secret_can_be_learned_later() -> None:
    scrub = Scrub()
    scrub.learn("tomorrow")
    assert scrub("it is tomorrow") == "it is [secret]"


def test_its_repr_shows_no_secret() -> None:
    assert "s3cret" not in repr(Scrub("s3cret"))
