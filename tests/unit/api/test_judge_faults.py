import json
import time
from typing import Any

import pytest
from saying import said

from importer.api.judge import judge
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

BATCH = Batch("01234567891231", "B1", "271115")
SERIALS = ("A1", "B2", "C3")
ALL = [{"serial_number": serial, "status": "Assigned"} for serial in SERIALS]
OTHERS = [{"serial_number": "Z9", "status": "Assigned"}]


def judged(status: int, body: object, **more: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge(Chunk(1, 1, BATCH, SerialText.of(SERIALS)), status, raw, **more)


HTML = b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>"


def error(name: str, text: str = "") -> dict[str, object]:
    return {"success": False, "error": name, "message": text}


FAULTS: list[Any] = [
    # names, at any status and in any place
    pytest.param(400, error("ValidationError", "bad"), Verdict.REFUSED, id="validation"),
    pytest.param(200, error("ValidationError", "bad"), Verdict.REFUSED, id="validation-with-200"),
    pytest.param(500, error("ValidationError", "bad"), Verdict.REFUSED, id="validation-with-500"),
    pytest.param(422, {"name": "ValidationError"}, Verdict.REFUSED, id="in-name"),
    pytest.param(422, {"type": "ValidationError"}, Verdict.REFUSED, id="in-type"),
    pytest.param(422, {"error": {"name": "ValidationError", "message": "x"}}, Verdict.REFUSED, id="in-error-name"),
    pytest.param(400, {"error": "Bad Request", "name": "ProductError"}, Verdict.PRODUCT, id="second-place"),
    pytest.param(400, {"message": "ProductError: not registered"}, Verdict.PRODUCT, id="head-of-text"),
    pytest.param(404, error("ProductError", "not registered"), Verdict.PRODUCT, id="product-with-404"),
    pytest.param(200, error("ProductError", "not registered"), Verdict.PRODUCT, id="product-with-200"),
    pytest.param(401, error("NoTokenError", "No token"), Verdict.DENIED, id="no-token"),
    pytest.param(200, error("NoTokenError", "No token"), Verdict.DENIED, id="no-token-with-200"),
    # tokens
    pytest.param(401, error("Whatever", "Failed to authenticate"), Verdict.TOKEN, id="failed-to-authenticate"),
    pytest.param(200, error("X", "Failed to authenticate token."), Verdict.TOKEN, id="failed-to-authenticate-200"),
    pytest.param(500, error("X", "Failed to authenticate"), Verdict.TOKEN, id="failed-to-authenticate-500"),
    pytest.param(400, error("ValidationError", "The token has been revoked"), Verdict.TOKEN, id="revoked"),
    pytest.param(400, error("TokenExpiredError", "jwt expired"), Verdict.TOKEN, id="jwt-expired"),
    pytest.param(400, error("AuthError", "invalid token"), Verdict.TOKEN, id="invalid-token"),
    pytest.param(403, error("Forbidden", "no"), Verdict.TOKEN, id="403-json"),
    pytest.param(401, b"", Verdict.TOKEN, id="401-empty"),
    pytest.param(401, HTML, Verdict.TOKEN, id="401-page"),
    pytest.param(
        400, error("ValidationError", "invalid token 'q' in serial"), Verdict.REFUSED, id="a-token-that-is-a-word"
    ),
    # too large
    pytest.param(413, HTML, Verdict.TOO_LARGE, id="413-page"),
    pytest.param(413, error("PayloadTooLargeError", "request entity too large"), Verdict.TOO_LARGE, id="413-json"),
    pytest.param(400, error("ValidationError", "at most 2 serials"), Verdict.TOO_LARGE, id="at-most"),
    pytest.param(400, error("ValidationError", "too many serials"), Verdict.TOO_LARGE, id="too-many"),
    pytest.param(400, error("ValidationError", "at most 2 characters"), Verdict.REFUSED, id="too-long-a-serial"),
    # pressure
    pytest.param(429, b"", Verdict.NOT_TAKEN, id="429-empty"),
    pytest.param(429, HTML, Verdict.NOT_TAKEN, id="429-page"),
    pytest.param(200, error("TooManyRequests", "slow down"), Verdict.NOT_TAKEN, id="rate-with-200"),
    # doubt
    *[pytest.param(status, error("Oops", "x"), Verdict.DOUBT, id=f"{status}-json") for status in (500, 502, 503, 504)],
    pytest.param(503, HTML, Verdict.DOUBT, id="503-page"),
    pytest.param(500, {"success": True, "data": ALL}, Verdict.DOUBT, id="500-with-assigned-lines"),
    pytest.param(200, HTML, Verdict.DOUBT, id="200-page"),
    pytest.param(200, b"", Verdict.DOUBT, id="200-empty"),
    pytest.param(204, b"", Verdict.DOUBT, id="204"),
    pytest.param(200, json.dumps({"data": ALL}).encode()[:-3], Verdict.DOUBT, id="200-truncated"),
    pytest.param(404, b'{"success": false, "error": "ProductErr', Verdict.DOUBT, id="404-truncated"),
    pytest.param(200, b"null", Verdict.DOUBT, id="null"),
    pytest.param(200, b"[]", Verdict.DOUBT, id="list"),
    pytest.param(200, {"success": True, "message": "done"}, Verdict.DOUBT, id="200-without-data"),
    pytest.param(200, {"success": True, "data": []}, Verdict.DOUBT, id="200-empty-data"),
    pytest.param(200, {"success": True, "data": OTHERS}, Verdict.DOUBT, id="200-of-others"),
    pytest.param(200, {"success": True, "error": "ValidationError"}, Verdict.DOUBT, id="success-and-error"),
    pytest.param(200, error("InternalServerError"), Verdict.DOUBT, id="server-fault-with-200"),
    pytest.param(408, b"", Verdict.DOUBT, id="408"),
    # refused
    pytest.param(400, error("BadRequest", "no"), Verdict.REFUSED, id="unknown-name"),
    pytest.param(200, error("Strange", "no"), Verdict.REFUSED, id="unknown-name-success-false"),
    pytest.param(409, error("Conflict", "serial exists already"), Verdict.REFUSED, id="exists"),
    pytest.param(400, b"Serial A1 is bad", Verdict.REFUSED, id="plain-words"),
    # the wrong place
    pytest.param(403, HTML, Verdict.DENIED, id="403-page"),
    pytest.param(404, HTML, Verdict.DENIED, id="404-page"),
    pytest.param(404, {"error": "Not Found", "message": "Cannot POST /x"}, Verdict.DENIED, id="404-json"),
    pytest.param(405, b"", Verdict.DENIED, id="405"),
    pytest.param(407, HTML, Verdict.DENIED, id="407"),
    pytest.param(400, HTML, Verdict.DENIED, id="400-page"),
    # a redirect: only two ask for the same request again, after any other the work may be done
    pytest.param(307, b"", Verdict.DENIED, id="307"),
    pytest.param(308, b"", Verdict.DENIED, id="308"),
    pytest.param(301, b"", Verdict.DOUBT, id="301"),
    pytest.param(302, b"", Verdict.DOUBT, id="302"),
    pytest.param(303, b"", Verdict.DOUBT, id="303"),
    pytest.param(304, {"data": ALL}, Verdict.DOUBT, id="304"),
]


@pytest.mark.parametrize(("status", "body", "verdict"), FAULTS)
def test_a_fault_is_told_by_name_then_text_then_status(status: int, body: object, verdict: Verdict) -> None:
    answer = judged(status, body)
    assert answer.verdict is verdict
    assert answer.assigned == frozenset()
    assert answer.http_status == status
    assert answer.error
    assert said(answer.message)


def test_exists_already_is_told_from_other_refusals() -> None:
    assert judged(400, error("ValidationError", "Serial A1 already exists")).exists
    assert judged(409, error("SerialAlreadyExists", "A1")).exists
    assert not judged(400, error("ValidationError", "Product does not exist")).exists


def test_the_serials_that_a_refusal_names_come_in_the_order_of_the_chunk() -> None:
    assert judged(400, error("ValidationError", "bad: C3 and A1.")).named == ("A1", "C3")


def test_serials_named_beside_the_text_are_found_too() -> None:
    body = {"error": "ValidationError", "message": "invalid", "details": [{"serial": "B2"}]}
    assert judged(400, body).named == ("B2",)


def test_a_limit_is_taken_from_the_text_only_where_it_was_passed() -> None:
    assert judged(400, error("ValidationError", "at most 2 serials per request")).limit == 2
    assert judged(413, error("X", "maximum serials per request: 2")).limit == 2
    kept = judged(400, error("ValidationError", "at most 500 serials per batch"))
    assert (kept.verdict, kept.limit) == (Verdict.REFUSED, None)


def test_the_name_and_the_text_of_an_error_come_back() -> None:
    answer = judged(400, {"error": {"name": "ValidationError", "message": "batch  is\nwrong"}})
    assert (answer.error, said(answer.message)) == ("ValidationError", "batch is wrong")


def test_a_long_text_is_cut_after_secrets_were_taken_out() -> None:
    answer = judged(
        400, error("E", "x" * 490 + "s3cret" + "y" * 90_000), redact=lambda text: text.replace("s3cret", "*")
    )
    assert len(answer.message) == 500
    assert "s3" not in said(answer.message)


def test_a_404_tells_what_to_check() -> None:
    message = said(judged(404, HTML, content_type="text/html; charset=utf-8").message)
    assert message == (
        "HTTP 404: there is no such address; check base_url and commission_path. "
        'HTTP 404, text/html: a web page, "Sign in"'
    )


def test_a_redirect_names_the_host_and_nothing_else_of_the_location() -> None:
    message = said(judged(302, b"", location="https://u:p@login.example/x?token=t").message)
    assert "redirects to login.example." in message
    assert "token=t" not in message
    assert "u:p" not in message


ASSIGNED_BEHIND = b"<br />\n<b>Warning</b>:  Undefined index in <b>/srv/api.php</b> on line <b>3</b><br />\n"


def test_what_came_instead_of_an_answer_is_kept_with_status_and_kind() -> None:
    page = b"<!DOCTYPE html><html><head><title>Sign in &amp; go - SSO</title></head><body>x</body></html>"
    answer = judged(200, page, content_type="text/html")
    assert (answer.verdict, answer.page) == (Verdict.DOUBT, True)
    assert said(answer.message) == 'HTTP 200, text/html: a web page, "Sign in & go - SSO"'


def test_a_page_without_a_title_is_told_by_its_first_words() -> None:
    page = b"<html><style>p {}</style><body><script>x()</script><p>Please   wait</p></body></html>"
    assert said(judged(503, page).message) == 'HTTP 503: a web page, "Please wait"'


def test_an_answer_that_can_not_be_read_is_kept_in_its_first_500_characters() -> None:
    answer = judged(200, b"upstream said: " + b"x" * 90_000, content_type="text/plain")
    assert answer.verdict is Verdict.DOUBT
    assert len(said(answer.message)) < 600
    assert said(answer.message).startswith("HTTP 200, text/plain: upstream said: xxx")


def test_a_compression_that_was_not_asked_for_is_named() -> None:
    answer = judged(200, b"", flaw={"code": "compressed_otherwise", "packed": "br"})
    assert (answer.verdict, said(answer.message)) == (
        Verdict.DOUBT,
        'HTTP 200: it is compressed with "br", which was not asked for',
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param("Gerät ungültig".encode("latin-1"), "text/plain; charset=iso-8859-1", id="by-its-charset"),
        pytest.param("Gerät ungültig".encode("latin-1"), "text/plain; charset=nonsense", id="unknown-charset"),
        pytest.param("Gerät ungültig".encode("latin-1"), "", id="latin-1-where-none-helps"),
        pytest.param("Gerät ungültig".encode(), "text/plain", id="utf-8"),
        pytest.param("\ufeffGerät ungültig".encode("utf-16-le"), "", id="utf-16-by-its-mark"),
    ],
)
def test_a_text_is_read_by_its_charset(body: bytes, content_type: str) -> None:
    assert "Gerät ungültig" in said(judged(400, body, content_type=content_type).message)


def test_json_in_latin_1_is_json() -> None:
    body = '{"error": "ValidationError", "message": "Gerät A1"}'.encode("latin-1")
    answer = judged(400, body, content_type="application/json")
    assert (answer.verdict, said(answer.message), answer.named) == (Verdict.REFUSED, "Gerät A1", ("A1",))


def test_warnings_that_a_server_writes_before_its_answer_do_not_hide_it() -> None:
    answer = judged(200, ASSIGNED_BEHIND + json.dumps({"success": True, "data": ALL}).encode())
    assert (answer.verdict, answer.assigned) == (Verdict.SETTLED, frozenset(SERIALS))


def test_a_page_with_a_script_that_holds_json_is_no_answer() -> None:
    page = b"<html><script>var x = " + json.dumps({"success": True, "data": ALL}).encode() + b"</script></html>"
    assert judged(200, page).verdict is Verdict.DOUBT


def test_an_answer_that_only_repeats_the_request_names_no_serial() -> None:
    body = {"error": "ValidationError", "message": "closed", "request": {"serials": list(SERIALS)}}
    assert judged(400, body).named == ()


def test_an_answer_that_names_all_serials_one_by_one_names_them() -> None:
    body = {"error": "ValidationError", "errors": [{"serial": serial, "why": "used"} for serial in SERIALS]}
    assert judged(400, body).named == SERIALS


def test_a_text_of_megabytes_is_cut_before_it_is_looked_at() -> None:
    started = time.perf_counter()
    answer = judged(400, error("already " * 1_000_000, "at most " * 1_000_000))
    assert answer.verdict is Verdict.REFUSED
    assert time.perf_counter() - started < 5
