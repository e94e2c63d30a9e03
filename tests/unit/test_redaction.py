import json

import pytest

from importer.redaction import HIDDEN, Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhcGlfa2V5IjoiaHVzaCJ9.c2lnbmF0dXJl"
SECRET = "s3cret/1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("key s3cret/1 here", "key [secret] here", id="as-it-is"),
        pytest.param("keys3cret/1here", "key[secret]here", id="within-other-letters"),
        pytest.param("?key=s3cret%2F1&x", "?key=[secret]&x", id="quoted-for-a-url"),
        pytest.param("token eyJhbGciOi.eyJhcGk.c2ln.", "token [secret]", id="any-jwt"),
        pytest.param("http://user:pw@proxy:80/", "http://[secret]@proxy:80/", id="credentials-of-an-address"),
        pytest.param("postgresql://anna@db/ledger", "postgresql://anna@db/ledger", id="name-of-a-user-of-postgresql"),
        pytest.param("postgresql://anna:pw@db/ledger", "postgresql://[secret]@db/ledger", id="password-of-postgresql"),
        pytest.param("nothing secret", "nothing secret", id="nothing"),
        pytest.param("", "", id="empty"),
    ],
)
def test_secrets_are_taken_out_in_each_spelling(text: str, expected: str) -> None:
    redactor = Redactor([SECRET])
    assert (redactor(text), redactor.line(text)) == (expected, expected)


@pytest.mark.parametrize("secret", ["hush-hush", 'a"b\\c"defg', "ключ-ключ"], ids=["plain", "escaped", "not_ascii"])
def test_no_spelling_of_a_secret_stays(secret: str) -> None:
    as_repr = repr(secret)[1:-1]
    for spelling in (secret, as_repr, json.dumps(secret)[1:-1], json.dumps(as_repr)[1:-1]):
        assert Redactor([secret]).line(f"x {spelling} x") == f"x {HIDDEN} x"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(JWT, id="whole"),
        pytest.param(JWT.rpartition(".")[0], id="without_its_signature"),
        pytest.param(JWT.split(".")[1], id="its_payload_alone"),
        pytest.param(JWT[:30], id="cut_short"),
    ],
)
def test_what_looks_like_a_jwt_is_hidden_without_being_told(text: str) -> None:
    assert Redactor().line(f"x-access-token: {text}; next") == f"x-access-token: {HIDDEN}; next"


def test_a_secret_that_holds_another_goes_as_a_whole() -> None:
    assert Redactor(["abcdefgh", "abcdefghijkl"])("x abcdefghijkl x") == "x [secret] x"


def test_a_secret_can_be_learned_later() -> None:
    redactor = Redactor()
    redactor.learn("tomorrow-1")
    assert redactor.line("it is tomorrow-1") == "it is [secret]"


def test_a_short_secret_never_cuts_up_the_words_of_a_log() -> None:
    redactor = Redactor(["chunk", "run"])
    line = '{"event": "chunk", "run": "20261122T071500Z-7f3a9c", "message": "trunk"}'
    assert redactor.line(line) == line


def test_a_short_secret_is_hidden_as_a_word_in_what_the_api_says() -> None:
    assert Redactor(["kkkk"])("the key 'kkkk' of kkkkk") == "the key '[secret]' of kkkkk"


def test_serials_and_run_ids_are_no_secrets() -> None:
    text = "eyJ0123456789ABCDEFG 20261122T071500Z-7f3a9c DI8U86IYQI9KS4G87WGI"
    assert Redactor(["", "hush"]).line(text) == text


def test_its_repr_shows_no_secret() -> None:
    assert "s3cret" not in repr(Redactor([SECRET]))
