import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from saying import refused, said

from importer.api.gate import Gate, Wait
from importer.api.health import Health
from importer.api.pace import Pace
from importer.api.session import Session
from importer.api.tokens import Credentials, TokenEndpoint, token_in
from importer.concurrency import HasStopped, never
from importer.errors import AccessDenied, Unavailable
from importer.redaction import Redactor

KEY, SECRET = "key-4711", "s3cret-0815"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.moment += seconds


class Auth:
    """An api_auth that answers by a script of (status, body) or (status, body, headers), the last one for ever."""

    def __init__(self, *script: tuple[Any, ...]) -> None:
        self.script = list(script)
        self.asked: list[object] = []
        self.time = Time()

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        status, body, *headers = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        more = headers[0] if headers else {}
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="text/html", headers=more)
        return web.json_response(body, status=status, headers=more)

    async def fetch(self) -> str:
        async with serving(self.handle) as url:
            return await fetched(url, self.time)


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/api_auth", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/v1/api_auth"))


async def fetched(
    url: str, time: Time, seconds: float = 5, stopping: HasStopped = never, said: list[Wait] | None = None
) -> str:
    gate = Gate(
        Pace(0),
        Health(patience=600, attempts=3, delay=float),
        patience=600,
        say=(said if said is not None else []).append,
        clock=time.clock,
        now=time.clock,
        sleep=time.sleep,
        stopping=stopping,
    )
    async with Session(timeout_seconds=seconds, max_in_flight=1, leave=gate.leave) as session:
        endpoint = TokenEndpoint(
            session, url, Credentials(KEY, SECRET), gate, delay=float, redact=Redactor([KEY, SECRET]), now=time.clock
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
    assert auth.time.slept[0] == pytest.approx(1, abs=0.3)


async def test_an_endpoint_that_keeps_failing_is_unavailable_when_patience_is_over() -> None:
    auth = Auth((503, {"message": f"sorry {KEY}"}))
    with refused(Unavailable, r"gave no answer for .*HTTP 503 sorry \[secret\]\. Try again"):
        await auth.fetch()
    assert 5 < len(auth.asked) < 15
    assert auth.time.moment == pytest.approx(1030, abs=2)


async def test_it_obeys_a_retry_after() -> None:
    auth = Auth((429, {"message": "slow"}, {"Retry-After": "60"}), (200, {"token": "t1"}))
    assert await auth.fetch() == "t1"
    assert auth.time.moment == pytest.approx(1060, abs=0.3)


async def test_a_retry_after_beyond_patience_ends_it_and_names_the_time() -> None:
    auth = Auth((429, {"message": "slow"}, {"Retry-After": "7200"}))
    with refused(Unavailable, r"takes no request before 1 Jan 1970, \d\d:\d\d \S+, .*HTTP 429 slow"):
        await auth.fetch()
    assert len(auth.asked) == 1


async def test_after_a_stop_it_is_not_asked() -> None:
    auth = Auth((200, {"token": "t1"}))
    async with serving(auth.handle) as url:
        with refused(Unavailable, "stopped"):
            await fetched(url, auth.time, stopping=lambda: True)
    assert auth.asked == []


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
    never_ends = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never_ends.wait()
        return web.Response()

    class Once(Time):
        async def sleep(self, seconds: float) -> None:
            never_ends.set()
            self.moment += 1000

    async with serving(hang) as url:
        with pytest.raises(Unavailable):
            await fetched(url, Once(), seconds=0.2)


async def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    with refused(Unavailable, r"no connection to 127\.0\.0\.1, port \d+ \(Connection refused\)"):
        await fetched(f"http://127.0.0.1:{unused_port()}/v1/api_auth", Time())


def test_credentials_show_nothing_in_their_repr() -> None:
    assert KEY not in repr(Credentials(KEY, SECRET))
    assert SECRET not in repr(Credentials(KEY, SECRET))
