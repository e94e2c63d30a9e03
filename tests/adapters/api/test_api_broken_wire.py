"""What is known of a request when there is no whole answer to it: never sent, or in doubt."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from importer.api.client import Client
from importer.api.session import LARGEST_ANSWER, open_session
from importer.api.tokens import StaticTokens
from importer.model import Answer, Batch, Chunk, Verdict
from importer.redaction import Redactor
from importer.serial_text import SerialText

TOKEN = "eyJhbGciOi.eyJhcGlfa2V5Ijoi.c2lnbmF0dXJl"
CHANNEL = "channel-4711"
CHUNK = Chunk(7, 1, Batch("01234567891231", "BATCH002", "271115"), SerialText.of(["00012", "a,b", '"q']))

Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def attempt(url: str, *, seconds: float = 5.0, proxy: str | None = None) -> Answer:
    async with open_session(timeout_seconds=seconds, max_in_flight=2, proxy=proxy) as session:
        return await client(session, url).commission(CHUNK)


def client(session: aiohttp.ClientSession, url: str) -> Client:
    return Client(session, url, channel_key=CHANNEL, tokens=StaticTokens(TOKEN), scrub=Redactor([TOKEN, CHANNEL]))


@contextlib.asynccontextmanager
async def raw(handler: Raw) -> AsyncIterator[str]:
    """A server that speaks bytes; every connection is closed at the end, so that no task is left over."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/commission"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))


def all_assigned(serials: Sequence[str] = CHUNK.serials) -> dict[str, object]:
    lines = [{"serial_number": serial, "status": "Assigned"} for serial in reversed(serials)]
    return {"success": True, "message": "Serials commissioned", "data": lines}


async def test_a_port_where_nobody_listens_is_not_reached() -> None:
    port = unused_port()
    answer = await attempt(f"http://127.0.0.1:{port}/commission")
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "not_connected")
    assert answer.message == f"no connection to 127.0.0.1, port {port} (Connection refused)"


async def test_a_host_that_does_not_exist_is_not_reached() -> None:
    answer = await attempt("http://no-such-host.invalid/commission")
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "host_not_found")
    assert answer.message == "the host no-such-host.invalid is not known"


async def test_a_request_leaves_when_its_connection_stands_and_it_may() -> None:
    connected, asked, may_leave = asyncio.Event(), asyncio.Event(), asyncio.Event()
    might: list[bool] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.readexactly(1)
        might.append(may_leave.is_set())
        await read_request(reader)
        body = json.dumps(all_assigned()).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def leave() -> float:
        asked.set()
        await may_leave.wait()
        return 0.0

    async with raw(handle) as url, open_session(timeout_seconds=5, max_in_flight=2, leave=leave) as session:
        answer = asyncio.create_task(client(session, url).commission(CHUNK))
        await connected.wait()
        await asked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        may_leave.set()
        assert (await answer).verdict is Verdict.SETTLED
    assert might == [True]


async def test_the_seconds_of_an_answer_are_the_api_s_and_not_those_for_which_it_waited() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = json.dumps(all_assigned()).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def leave() -> float:
        return 1000.0

    async with raw(handle) as url, open_session(timeout_seconds=5, max_in_flight=2, leave=leave) as session:
        answer = await client(session, url).commission(CHUNK)
    assert answer.verdict is Verdict.SETTLED
    assert answer.seconds == pytest.approx(-1000, abs=5)


async def test_a_request_that_did_not_come_to_leave_in_time_was_not_sent() -> None:
    async def leave() -> float:
        await asyncio.Event().wait()
        return 0.0

    async def handle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with raw(handle) as url, open_session(timeout_seconds=0.2, max_in_flight=2, leave=leave) as session:
        answer = await client(session, url).commission(CHUNK)
    assert (answer.verdict, answer.reached) == (Verdict.NOT_TAKEN, False)


async def test_a_proxy_where_nobody_listens_is_not_reached() -> None:
    port = unused_port()
    answer = await attempt("http://api.invalid/commission", proxy=f"http://127.0.0.1:{port}")
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "proxy_failed")
    assert answer.message == f"no connection to the proxy 127.0.0.1, port {port} (Connection refused)"


async def test_a_tunnel_that_the_proxy_refuses_never_reached_the_api() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw(refuse) as proxy:
        answer = await attempt("https://api.invalid/commission", proxy=proxy)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "proxy_failed")
    assert answer.message == "the proxy refuses (407 Proxy Authentication Required)"


async def test_a_tunnel_that_the_proxy_cuts_never_reached_the_api() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with raw(cut) as proxy:
        answer = await attempt("https://api.invalid/commission", proxy=proxy)
    assert (answer.verdict, answer.reached) == (Verdict.NOT_TAKEN, False)


async def test_a_handshake_that_fails_never_reached_the_api() -> None:
    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with raw(no_tls) as url:
        answer = await attempt(url.replace("http:", "https:"))
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "tls_failed")
    assert "no secure connection to 127.0.0.1, port" in answer.message


async def test_a_connection_cut_after_the_request_leaves_doubt() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.close()

    async with raw(cut) as url:
        answer = await attempt(url)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.DOUBT, True, "cut")


async def test_a_connection_cut_before_the_request_was_read_leaves_doubt() -> None:
    """The client can't know how much of it was read."""

    async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with raw(cut) as url:
        answer = await attempt(url)
    assert answer.verdict is Verdict.DOUBT


async def test_a_server_that_does_not_answer_in_time_leaves_doubt() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with raw(hang) as url:
        answer = await attempt(url, seconds=0.2)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.DOUBT, True, "timeout")


async def test_a_handshake_that_hangs_never_reached_the_api() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with raw(hang) as url:
        answer = await attempt(url.replace("http:", "https:"), seconds=0.4)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "connect_timeout")
    assert answer.message.startswith("no connection to 127.0.0.1, port")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", id="shorter-than-promised"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", id="chunk-cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Encoding: gzip\r\n\r\n{", id="no-gzip"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", id="no-http"),
        pytest.param(b"HTTP/1.1 200", id="status-cut"),
    ],
)
async def test_an_answer_that_breaks_off_leaves_doubt(reply: bytes) -> None:
    async def answer_so(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with raw(answer_so) as url:
        answer = await attempt(url)
    assert (answer.verdict, answer.reached) == (Verdict.DOUBT, True)


async def test_a_reused_connection_that_dies_is_not_tried_again_behind_our_back() -> None:
    requests: list[bytes] = []

    async def once_then_cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(all_assigned()).encode()
        while True:
            requests.append(await read_request(reader))
            if len(requests) > 1:
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()

    async with raw(once_then_cut) as url, open_session(timeout_seconds=5, max_in_flight=1) as session:
        first = await client(session, url).commission(CHUNK)
        second = await client(session, url).commission(CHUNK)
    assert (first.verdict, second.verdict) == (Verdict.SETTLED, Verdict.DOUBT)
    assert len(requests) == 2


async def test_an_answer_without_end_is_not_kept_in_memory() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(2 + (LARGEST_ANSWER >> 20)):
            writer.write(b" " * (1 << 20))
            await writer.drain()

    async with raw(flood) as url:
        answer = await attempt(url, seconds=60)
    assert (answer.verdict, answer.error) == (Verdict.DOUBT, "answer_too_big")
