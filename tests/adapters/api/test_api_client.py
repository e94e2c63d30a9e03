import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from saying import said

from importer.api.client import Client
from importer.api.session import Session
from importer.api.tokens import StaticTokens
from importer.model import Answer, Batch, Chunk, Verdict
from importer.redaction import Redactor
from importer.serial_text import SerialText

TOKEN = "eyJhbGciOi.eyJhcGlfa2V5Ijoi.c2lnbmF0dXJl"
CHANNEL = "channel-4711"
CHUNK = Chunk(7, 1, Batch("01234567891231", "BATCH002", "271115"), SerialText.of(["00012", "a,b", '"q']))

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def attempt(url: str, *, seconds: float = 5.0, proxy: str | None = None) -> Answer:
    async with Session(timeout_seconds=seconds, max_in_flight=2, proxy=proxy) as session:
        return await client(session, url).commission(CHUNK)


def client(session: Session, url: str) -> Client:
    return Client(session, url, channel_key=CHANNEL, tokens=StaticTokens(TOKEN), redact=Redactor([TOKEN, CHANNEL]))


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/commission", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/commission"))


def all_assigned(serials: Sequence[str] = CHUNK.serials) -> dict[str, object]:
    lines = [{"serial_number": serial, "status": "Assigned"} for serial in reversed(serials)]
    return {"success": True, "message": "Serials commissioned", "data": lines}


async def test_a_chunk_goes_out_as_documented_and_its_answer_settles_it() -> None:
    seen: dict[str, object] = {}

    async def handle(request: web.Request) -> web.Response:
        seen["body"] = await request.json()
        return web.json_response(all_assigned())

    async with serving(handle) as url:
        answer = await attempt(url)

    assert seen["body"] == {
        "product_code": "01234567891231",
        "product_code_schema": "GTIN",
        "batch": "BATCH002",
        "expiry_date": "271115",
        "serials": ["00012", "a,b", '"q'],
    }
    assert answer.verdict is Verdict.SETTLED
    assert answer.assigned == frozenset(CHUNK.serials)
    assert answer.http_status == 200
    assert answer.digest == hashlib.sha256(json.dumps(all_assigned()).encode()).hexdigest()
    assert answer.seconds > 0


async def test_the_headers_are_those_that_the_api_documents() -> None:
    seen: dict[str, str] = {}

    async def handle(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response(all_assigned())

    async with serving(handle) as url:
        await attempt(url)

    assert seen["Content-Type"] == "application/json"
    assert seen["x-access-token"] == TOKEN
    assert seen["x-channel-key"] == CHANNEL


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_names_its_host(status: int) -> None:
    followed: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        followed.append(request.path)
        return web.json_response(all_assigned())

    async with serving(elsewhere) as other:

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{other}?secret=s3cret"})

        async with serving(redirect) as url:
            answer = await attempt(url)
    assert (answer.verdict, answer.redirected) == (Verdict.DENIED if status > 303 else Verdict.DOUBT, True)
    assert "127.0.0.1" in said(answer.message)
    assert "s3cret" not in said(answer.message)
    assert followed == []


async def test_secrets_that_an_answer_echoes_do_not_come_back() -> None:
    async def echo(request: web.Request) -> web.Response:
        text = f"bad headers {dict(request.headers)}"
        return web.json_response({"error": f"X{CHANNEL}", "message": text}, status=400)

    async with serving(echo) as url:
        answer = await attempt(url)
    assert answer.verdict is Verdict.REFUSED
    assert TOKEN not in repr(answer)
    assert CHANNEL not in repr(answer)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param(
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30, id="date"
        ),
        pytest.param({}, None, id="absent"),
    ],
)
async def test_a_429_tells_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    async def busy(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers=headers)

    async with serving(busy) as url:
        answer = await attempt(url)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, True, "rate_limited")
    assert answer.retry_after == seconds


async def test_without_a_token_no_request_goes_out() -> None:
    tokens = StaticTokens(TOKEN)
    current = tokens.current()
    assert current is not None
    tokens.refused(current)
    async with Session(timeout_seconds=1, max_in_flight=1) as session:
        inner = Client(session, f"http://127.0.0.1:{unused_port()}/", channel_key=CHANNEL, tokens=tokens)
        answer = await inner.commission(CHUNK)
    assert (answer.verdict, answer.http_status) == (Verdict.TOKEN, None)
