"""A stand-in for the API that is never the bottleneck: answers that every serial is Assigned, without reading JSON.

A process of its own. The first line on stdout is its port. `GET /stats` says what it has done and its own CPU time,
`GET /reset` begins to count anew. With --rate it answers 429 to what a token bucket of that rate has no token for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time

_SERIALS = b'"serials":'
_BETWEEN = b'","status":"Assigned"},{"serial_number":"'


def answer(body: bytes) -> tuple[bytes, int]:
    """The answer to a request, and how many serials it assigns. Good for serials of letters and digits only."""
    start = body.index(b"[", body.index(_SERIALS))
    inner = body[start + 1 : body.index(b"]", start)].strip().replace(b'", "', b'","')
    count = inner.count(b'","') + 1
    lines = inner.replace(b'","', _BETWEEN)
    head = b'{"success":true,"message":"Serials commissioned","data":[{"serial_number":'
    return b"".join((head, lines, b',"status":"Assigned"}]}')), count


class Book:
    """What came in, and a token bucket that says which requests came too early."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self.reset()

    def reset(self) -> None:
        self.requests = self.serials = self.too_early = 0
        self.first = self.last = 0.0
        self._tokens = self._burst
        self._cpu = time.process_time()

    def admit(self) -> bool:
        moment = time.time()
        if self._rate and self.requests:
            self._tokens = min(self._burst, self._tokens + (moment - self.last) * self._rate)
        self.requests += 1
        self.first = self.first or moment
        self.last = moment
        if not self._rate:
            return True
        if self._tokens < 1:
            self.too_early += 1
            return False
        self._tokens -= 1
        return True

    def stats(self) -> bytes:
        document = {
            "requests": self.requests,
            "serials": self.serials,
            "too_early": self.too_early,
            "first": self.first,
            "last": self.last,
            "cpu_seconds": time.process_time() - self._cpu,
        }
        return json.dumps(document).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as far as the clients here speak it: one request after the other, Content-Length."""

    def __init__(self, book: Book, latency: float) -> None:
        self._book = book
        self._latency = latency
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            length = _length(head)
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            self._serve(head, body)

    def _serve(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /reset"):
            self._book.reset()
        if head.startswith(b"GET "):
            self._send(b"200 OK", self._book.stats())
        elif not self._book.admit():
            self._send(b"429 Too Many Requests", b'{"success":false,"message":"too many requests"}')
        else:
            text, count = answer(body)
            self._book.serials += count
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, b"200 OK", text)
            else:
                self._send(b"200 OK", text)

    def _send(self, status: bytes, body: bytes) -> None:
        assert self._transport is not None
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self._transport.write(head + body)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


async def serve(book: Book, latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(book, latency), "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Who started it holds its stdin: it ends when that one has gone.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=0, help="requests per second; 0 = no limit")
    options.add_argument("--burst", type=float, default=10)
    options.add_argument("--latency", type=float, default=0, help="seconds")
    chosen = options.parse_args()
    asyncio.run(serve(Book(chosen.rate, chosen.burst), chosen.latency))
