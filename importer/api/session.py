"""The HTTP session that all requests share: its pool, its trust, its time limits, and what is known of one exchange.

Knows nothing of serials or tokens.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import aiohttp

from importer.errors import ConfigError
from importer.model import Said

_LONGEST_CONNECT = 10.0
_DNS_SECONDS = 60
_BLOCK = 1 << 16
_MOST_STALE = 3
"""Kept connections that died when they were used again, after which none is kept any more: something in between closes
them without saying so."""
SMALL_ANSWER = 64 << 10
"""Bytes that an answer without serials needs at most."""

Leave = Callable[[object], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Unpacked; empty where it can't be."""
    flaw: Said = ""
    """Why the body can't be read, as a part of a message."""
    seconds: float = 0.0
    """From the request's leaving to the last byte of the answer."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An exchange without an answer."""

    sent: bool
    """A part of the request may have reached the other side."""
    error: str
    """A stable name."""
    message: Said
    """The same for people."""
    stale: bool = False
    """It went out on a kept connection, which had died: that says nothing of the API."""
    held_back: bool = False
    """It was not let out: the run was stopped, or the API went away meanwhile."""
    seconds: float = 0.0


class _HeldBackError(Exception):
    """Ends a request right before its first byte."""


@dataclass(slots=True)
class _Wire:
    """What is seen of one request on its way."""

    asker: object
    leave: Leave | None
    limit: asyncio.Timeout
    seconds: float
    sent: bool = False
    reused: bool = False
    answered: bool = False
    left_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def let_out(self) -> None:
        """Awaited when the connection stands. The time limit of the request begins when it leaves."""
        if self.leave and not await self.leave(self.asker):
            raise _HeldBackError
        self.sent = True
        self.left_at = asyncio.get_running_loop().time()
        self.limit.reschedule(self.left_at + self.seconds)

    def since(self) -> float:
        return asyncio.get_running_loop().time() - self.left_at

    @property
    def stale(self) -> bool:
        return self.sent and self.reused and not self.answered


class Session:
    """Sends requests over kept connections, or fresh ones where those die. To be made in a running loop."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        max_in_flight: int,
        ca_file: Path | None = None,
        proxy: str | None = None,
        leave: Leave | None = None,
    ) -> None:
        """Each request awaits `leave` with its asker when its connection stands, right before its first byte: what
        comes before that (a name looked up, a handshake) takes now more, now less time. False: it must not leave.

        TLS is verified against the system's authorities and those of `ca_file`; raises ConfigError where that can't be
        read. The environment is not looked at: a `.netrc` would add credentials of its own. One connection more than
        `max_in_flight` is left for a new token.
        """
        self._seconds = timeout_seconds
        self._most = max_in_flight + 1
        self._trust = _trust(ca_file)
        self._proxy = proxy or None
        self._leave = leave
        self._kept = self._open(force_close=False)
        self._fresh: aiohttp.ClientSession | None = None
        self._stale: set[object] = set()
        self._died = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._kept.close()
        if self._fresh:
            await self._fresh.close()

    def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        traces = aiohttp.TraceConfig()
        traces.on_request_headers_sent.append(_let_out)
        traces.on_connection_reuseconn.append(_note_reuse)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._most,
                ttl_dns_cache=_DNS_SECONDS,
                ssl=self._trust,
                force_close=force_close,
                socket_factory=self._socket,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=min(_LONGEST_CONNECT, self._seconds / 2)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[traces],
            proxy=self._proxy,
            trust_env=False,
            auto_decompress=False,
            headers={"Accept-Encoding": "gzip, deflate"},
        )

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """One whose bytes don't reach the other side later than the request's time limit: the system would go on
        sending them for minutes, also after the request was given up.
        """
        made = socket.socket(*address[:3])
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self._seconds * 1000))
        return made

    def _session(self, asker: object) -> aiohttp.ClientSession:
        """A repeat of a request whose kept connection had died goes out on a fresh one: the next kept one is as old."""
        if asker not in self._stale and self._died < _MOST_STALE:
            return self._kept
        self._fresh = self._fresh or self._open(force_close=True)
        return self._fresh

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, asker: object = None, largest: int = SMALL_ANSWER
    ) -> Reply | Broken:
        """Exactly one attempt: aiohttp repeats no POST by itself, and no redirect is followed. `largest` is in bytes,
        as the answer comes and unpacked.

        An exception of aiohttp goes no further than this: its `repr` holds the headers, and so the credentials.
        """
        session = self._session(asker)
        self._stale.discard(asker)
        limit = asyncio.timeout(None)
        wire = _Wire(asker, self._leave, limit, self._seconds)
        try:
            async with (
                limit,
                session.post(
                    url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=wire
                ) as response,
            ):
                wire.answered = True
                return await _read(response, wire, largest)
        except _HeldBackError:
            return Broken(sent=False, error="held_back", message={"code": "held_back"}, held_back=True)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            return self._broken(exc, wire, url)

    def _broken(self, exc: Exception, wire: _Wire, url: str) -> Broken:
        stale = wire.stale and not isinstance(exc, TimeoutError)
        if stale:
            self._stale.add(wire.asker)
            self._died += 1
        error = _error(exc, sent=wire.sent)
        return Broken(wire.sent, error, _message(exc, error, url), stale=stale, seconds=wire.since())


def _trust(ca_file: Path | None) -> ssl.SSLContext | Literal[True]:
    if ca_file is None:
        return True  # aiohttp has made such a context already, which takes a while
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as cause:
        raise ConfigError("ca_file_unusable", path=str(ca_file), cause=str(cause)) from cause
    return context


async def _let_out(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    """Awaited by aiohttp before the first byte of a request is written, never for a proxy's CONNECT."""
    await context.trace_request_ctx.let_out()


async def _note_reuse(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceConnectionReuseconnParams
) -> None:
    context.trace_request_ctx.reused = True


async def _read(response: aiohttp.ClientResponse, wire: _Wire, largest: int) -> Reply | Broken:
    """The answer, unless it is longer than any answer to this request can be."""
    body = bytearray()
    async for block in response.content.iter_chunked(_BLOCK):
        body += block
        if len(body) > largest:
            response.close()
            return Broken(sent=True, error="answer_too_big", message={"code": "answer_too_big", "most": largest})
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    whole, flaw = _unpacked(bytes(body), packed, largest)
    return Reply(response.status, response.headers, whole, flaw, wire.since())


def _unpacked(body: bytes, packed: str, largest: int) -> tuple[bytes, Said]:
    """The body, or why there is none that can be read."""
    if packed in {"", "identity"} or not body:
        return body, ""
    if packed not in {"gzip", "x-gzip", "deflate"}:
        return b"", {"code": "compressed_otherwise", "packed": packed[:40]}
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its head; deflate without one
        unpacking = zlib.decompressobj(window)
        try:
            whole = unpacking.decompress(body, largest + 1)
        except zlib.error:
            continue
        if len(whole) > largest:
            return b"", {"code": "unpacked_too_big", "most": largest}
        if unpacking.eof:
            return whole, ""
    return b"", {"code": "packed_damaged", "packed": packed}


def _error(exc: Exception, *, sent: bool) -> str:
    if isinstance(exc, TimeoutError):
        return "timeout" if sent else "connect_timeout"
    if sent:
        return "cut"
    kinds: tuple[tuple[str, type[Exception] | tuple[type[Exception], ...]], ...] = (
        ("tls_failed", (aiohttp.ClientSSLError, ssl.SSLError)),
        ("host_not_found", aiohttp.ClientConnectorDNSError),
        ("proxy_failed", (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)),
    )
    return next((name for name, kind in kinds if isinstance(exc, kind)), "not_connected")


def _message(exc: Exception, error: str, url: str) -> Said:
    """Whom it was that could not be reached, and why: of what the library says only that which people know."""
    asked = urlsplit(url)
    host = getattr(exc, "host", None) or asked.hostname
    port = getattr(exc, "port", None) or asked.port or (443 if asked.scheme == "https" else 80)
    at = {"host": str(host), "port": str(port)}
    match error:
        case "timeout":
            return {"code": "no_answer"}
        case "connect_timeout":
            return {"code": "no_connection_in_time", **at}
        case "host_not_found":
            return {"code": "host_unknown", "host": str(host)}
        case "proxy_failed" if isinstance(exc, aiohttp.ClientHttpProxyError):
            return {"code": "proxy_refuses", "reason": f"{exc.status} {exc.message}"}
        case "proxy_failed":
            return {"code": "no_proxy", **at, "reason": _reason(exc)}
        case "tls_failed":
            return {"code": "no_secure_connection", **at, "reason": _reason(exc)}
        case "not_connected" if isinstance(exc, aiohttp.ClientConnectorError):
            return {"code": "no_connection", **at, "reason": _reason(exc)}
    return str(exc).strip() or type(exc).__name__


def _reason(exc: Exception) -> str:
    cause = getattr(exc, "certificate_error", None) or getattr(exc, "os_error", None) or exc
    if isinstance(cause, ssl.SSLError):
        return getattr(cause, "verify_message", None) or cause.reason or "TLS"
    number = getattr(cause, "errno", None)
    return os.strerror(number) if number else str(cause)
