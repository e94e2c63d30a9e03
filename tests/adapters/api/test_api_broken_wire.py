"""What is known of a request when there is no whole answer to it: never sent, or in doubt."""

import asyncio
import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from aiohttp.test_utils import unused_port
from saying import said

from importer.api.client import BYTES_A_SERIAL, Client
from importer.api.session import SMALL_ANSWER, Session
from importer.api.tokens import StaticTokens
from importer.model import Answer, Batch, Chunk, Verdict
from importer.redaction import Redactor
from importer.serial_text import SerialText

TOKEN = "eyJhbGciOi.eyJhcGlfa2V5Ijoi.c2lnbmF0dXJl"
CHANNEL = "channel-4711"
CHUNK = Chunk(7, 1, Batch("01234567891231", "BATCH002", "271115"), SerialText.of(["00012", "a,b", '"q']))

Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def attempt(url: str, *, seconds: float = 5.0, proxy: str | None = None) -> Answer:
    async with Session(timeout_seconds=seconds, max_in_flight=2, proxy=proxy) as session:
        return await client(session, url).commission(CHUNK)


def client(session: Session, url: str) -> Client:
    return Client(session, url, channel_key=CHANNEL, tokens=StaticTokens(TOKEN), redact=Redactor([TOKEN, CHANNEL]))


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
    assert said(answer.message) == f"no connection to 127.0.0.1, port {port} (Connection refused)"


async def test_a_host_that_does_not_exist_is_not_reached() -> None:
    answer = await attempt("http://no-such-host.invalid/commission")
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "host_not_found")
    assert said(answer.message) == "the host no-such-host.invalid is not known"


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

    async def leave(_asker: object) -> bool:
        asked.set()
        await may_leave.wait()
        return True

    async with raw(handle) as url, Session(timeout_seconds=5, max_in_flight=2, leave=leave) as session:
        answer = asyncio.create_task(client(session, url).commission(CHUNK))
        await connected.wait()
        await asked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        may_leave.set()
        assert (await answer).verdict is Verdict.SETTLED
    assert might == [True]


async def test_the_time_limit_and_the_seconds_of_an_answer_begin_when_the_request_leaves() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = json.dumps(all_assigned()).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def leave(_asker: object) -> bool:
        await asyncio.sleep(1.2)
        return True

    async with raw(handle) as url, Session(timeout_seconds=1, max_in_flight=2, leave=leave) as session:
        answer = await client(session, url).commission(CHUNK)
    assert answer.verdict is Verdict.SETTLED
    assert answer.seconds < 1


async def test_a_request_that_must_not_leave_is_not_sent() -> None:
    began: list[bytes] = []

    async def leave(asker: object) -> bool:
        return asker != CHUNK.id

    async def handle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        began.append(await reader.read(1))

    async with raw(handle) as url, Session(timeout_seconds=5, max_in_flight=2, leave=leave) as session:
        answer = await client(session, url).commission(CHUNK)
    assert (answer.verdict, answer.reached, answer.held_back) == (Verdict.NOT_TAKEN, False, True)
    assert began in ([], [b""])


async def test_a_proxy_where_nobody_listens_is_not_reached() -> None:
    port = unused_port()
    answer = await attempt("http://api.invalid/commission", proxy=f"http://127.0.0.1:{port}")
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "proxy_failed")
    assert said(answer.message) == f"no connection to the proxy 127.0.0.1, port {port} (Connection refused)"


async def test_a_tunnel_that_the_proxy_refuses_never_reached_the_api() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw(refuse) as proxy:
        answer = await attempt("https://api.invalid/commission", proxy=proxy)
    assert (answer.verdict, answer.reached, answer.error) == (Verdict.NOT_TAKEN, False, "proxy_failed")
    assert said(answer.message) == "the proxy refuses (407 Proxy Authentication Required)"


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
    assert "no secure connection to 127.0.0.1, port" in said(answer.message)


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
    assert said(answer.message).startswith("no connection to 127.0.0.1, port")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", id="shorter-than-promised"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", id="chunk-cut"),
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


class OnceEach:
    """Answers one request on each connection, and closes it when a second one comes."""

    def __init__(self) -> None:
        self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(all_assigned()).encode()
        await read_request(reader)
        self.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        await read_request(reader)
        self.requests += 1
        writer.close()


async def test_a_reused_connection_that_dies_is_not_tried_again_behind_our_back() -> None:
    server = OnceEach()
    async with raw(server) as url, Session(timeout_seconds=5, max_in_flight=1) as session:
        first = await client(session, url).commission(CHUNK)
        second = await client(session, url).commission(CHUNK)
    assert (first.verdict, second.verdict, second.stale) == (Verdict.SETTLED, Verdict.DOUBT, True)
    assert server.requests == 2


async def test_the_repeat_goes_out_on_a_fresh_connection() -> None:
    server = OnceEach()
    other = replace(CHUNK, id=8)
    async with raw(server) as url, Session(timeout_seconds=5, max_in_flight=4) as session:
        one = client(session, url)
        await asyncio.gather(*(one.commission(CHUNK) for _ in range(3)))  # three kept connections
        lost = await one.commission(other)
        again = await one.commission(other)
    assert (lost.stale, again.verdict) == (True, Verdict.SETTLED)


async def test_where_kept_connections_die_again_and_again_none_is_kept_any_more() -> None:
    server = OnceEach()
    async with raw(server) as url, Session(timeout_seconds=5, max_in_flight=4) as session:
        one = client(session, url)
        answers = [await one.commission(replace(CHUNK, id=number)) for number in range(20)]
    assert sum(answer.verdict is Verdict.DOUBT for answer in answers) == 3


async def test_a_cut_on_a_fresh_connection_is_a_sign_of_the_api() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.close()

    async with raw(cut) as url:
        assert not (await attempt(url)).stale


LARGEST = SMALL_ANSWER + BYTES_A_SERIAL * len(CHUNK.serials)


@pytest.mark.parametrize("over", [0, 1])
async def test_an_answer_is_read_as_far_as_the_request_can_need(over: int) -> None:
    async def answer_so(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = json.dumps(all_assigned()).encode().ljust(LARGEST + over)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    async with raw(answer_so) as url:
        answer = await attempt(url)
    assert (answer.verdict, answer.error) == ((Verdict.DOUBT, "answer_too_big") if over else (Verdict.SETTLED, ""))


def packed(how: str, body: bytes) -> bytes:
    if how == "gzip":
        return gzip.compress(body)
    packer = zlib.compressobj(wbits=-15 if how == "raw" else 15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body", "verdict", "words"),
    [
        pytest.param("gzip", packed("gzip", json.dumps(all_assigned()).encode()), Verdict.SETTLED, "", id="gzip"),
        pytest.param("deflate", packed("zlib", json.dumps(all_assigned()).encode()), Verdict.SETTLED, "", id="zlib"),
        pytest.param("deflate", packed("raw", json.dumps(all_assigned()).encode()), Verdict.SETTLED, "", id="deflate"),
        pytest.param("br", b"\x0b\x02\x80", Verdict.DOUBT, '"br", which was not asked for', id="brotli"),
        pytest.param("zstd", b"\x28\xb5\x2f\xfd", Verdict.DOUBT, '"zstd", which was not asked for', id="zstd"),
        pytest.param("gzip", b"{", Verdict.DOUBT, "its gzip is damaged", id="no-gzip"),
        pytest.param("gzip", packed("gzip", b"{}")[:-9], Verdict.DOUBT, "its gzip is damaged", id="gzip-cut"),
        pytest.param("gzip", packed("gzip", b" " * 50_000_000), Verdict.DOUBT, "more than", id="bomb"),
    ],
)
async def test_a_compressed_answer_is_unpacked_within_bounds(
    encoding: str, body: bytes, verdict: Verdict, words: str
) -> None:
    async def answer_so(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Encoding: {encoding}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async with raw(answer_so) as url:
        answer = await attempt(url)
    assert answer.verdict is verdict
    assert words in said(answer.message)
