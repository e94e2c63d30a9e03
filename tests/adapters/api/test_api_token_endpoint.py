import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from saying import refused, said

from importer.api.session import open_session
from importer.api.tokens import Credentials, TokenEndpoint, token_in
from importer.errors import AccessDenied, Unavailable
from importer.redaction import Redactor

KEY, SECRET = "key-4711", "s3cret-0815"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Auth:
    """An api_auth that answers by a script of (status, body), the last one for ever."""

    def __init__(self, *script: tuple[int, object]) -> None:
        self.script = list(script)
        self.asked: list[object] = []
        self.slept: list[float] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        status, body = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="text/html")
        return web.json_response(body, status=status)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def fetch(self) -> str:
        async with serving(self.handle) as url:
            return await fetched(url, self.sleep)


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/api_auth", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1/api_auth"))


async def fetched(url: str, sleep: Callable[[float], Awaitable[object]], seconds: float = 5) -> str:
    async with open_session(timeout_seconds=seconds, max_in_flight=1) as session:
        endpoint = TokenEndpoint(
            session,
            url,
            Credentials(KEY, SECRET),
            delay=float,
            max_attempts=3,
            scrub=Redactor([KEY, SECRET]),
            sleep=sleep,
        )
        return await endpoint()


async def test_key_and_secret_are_exchanged_for_a_token() -> None:
    auth = Auth((200, {"token": "t1"}))
    assert await auth.fetch() == "t1"
    assert auth.asked == [{"api_key": KEY, "api_secret": SECRET}]


@pytest.mark.parametrize(
    "body",
    [
        {"token": "t1"},
        {"access_token": " t1 "},
        {"data": {"token": "t1"}},
        {"data": {"access_token": "t1"}, "token": None},
        {"success": True, "token": "", "data": {"token": "t1"}},
    ],
    ids=json.dumps,
)
def test_the_token_is_found_under_each_name_that_its_field_may_have(body: object) -> None:
    assert token_in(json.dumps(body).encode()) == "t1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"token": 7}', b'{"data": ["token"]}'])
def test_anything_else_holds_no_token(body: bytes) -> None:
    assert token_in(body) is None


@pytest.mark.parametrize(
    "first",
    [
        pytest.param((503, b"<html>"), id="503"),
        pytest.param((429, {}), id="429"),
        pytest.param((500, {"error": "Oops"}), id="500"),
        pytest.param((200, b"<html>"), id="200-page"),
        pytest.param((200, {"success": False, "error": "InternalServerError"}), id="server-fault-with-200"),
    ],
)
async def test_what_may_pass_is_asked_again_after_a_delay(first: tuple[int, object]) -> None:
    auth = Auth(first, (200, {"token": "t1"}))
    assert await auth.fetch() == "t1"
    assert auth.slept == [1]


async def test_an_endpoint_that_keeps_failing_is_unavailable() -> None:
    auth = Auth((503, {"message": f"sorry {KEY}"}))
    with refused(Unavailable, r"no token \(3 attempts\): HTTP 503 sorry \[secret\]\. Check") as caught:
        await auth.fetch()
    assert (len(auth.asked), auth.slept) == (3, [1, 2])
    assert KEY not in said(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param((401, {"error": "AuthError", "message": "wrong"}), "refused the key and secret", id="401"),
        pytest.param((400, {"message": f"no {SECRET}"}), "refused the key and secret", id="400"),
        pytest.param((200, {"success": False, "message": "wrong"}), "expected a field token", id="200"),
        pytest.param((404, b"<html>"), "Check base_url and auth_path", id="404"),
        pytest.param((302, b""), "Check base_url and auth_path", id="302"),
    ],
)
async def test_a_refusal_is_not_asked_again_and_shows_no_secret(answer: tuple[int, object], words: str) -> None:
    auth = Auth(answer)
    with refused(AccessDenied, words) as caught:
        await auth.fetch()
    assert len(auth.asked) == 1
    assert SECRET not in said(caught.value)


async def test_an_endpoint_that_hangs_is_left_after_its_time() -> None:
    never = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async def no_sleep(_seconds: float) -> None:
        never.set()

    async with serving(hang) as url:
        with pytest.raises(Unavailable):
            await fetched(url, no_sleep, seconds=0.2)


async def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    async def no_sleep(_seconds: float) -> None:
        pass

    with refused(Unavailable, r"no connection to 127\.0\.0\.1, port \d+ \(Connection refused\)"):
        await fetched(f"http://127.0.0.1:{unused_port()}/v1/api_auth", no_sleep)


def test_credentials_show_nothing_in_their_repr() -> None:
    assert KEY not in repr(Credentials(KEY, SECRET))
    assert SECRET not in repr(Credentials(KEY, SECRET))
