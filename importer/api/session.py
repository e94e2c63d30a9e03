"""The HTTP session that all requests share: its pool, its trust, its time limits, and what is known of one exchange.

Knows nothing of serials or tokens.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp import ClientSession

from importer.errors import ConfigError

__all__ = ["LARGEST_ANSWER", "Broken", "ClientSession", "Reply", "open_session", "post"]

_LONGEST_CONNECT = 10.0
_DNS_SECONDS = 60
_BLOCK = 1 << 16
LARGEST_ANSWER = 64 << 20


def open_session(
    *,
    timeout_seconds: float,
    max_in_flight: int,
    ca_file: Path | None = None,
    proxy: str | None = None,
    leave: Callable[[], Awaitable[float]] | None = None,
) -> ClientSession:
    """To be called in a running loop, closed by the caller.

    Each request awaits `leave` when its connection stands, right before its first byte: what comes before that (a name
    looked up, a handshake) takes now more, now less time. It gives the seconds for which it has waited, which count
    towards the time limit.

    TLS is verified against the system's authorities and those of `ca_file`. The environment is not looked at: a
    `.netrc` would add credentials of its own. One connection more than `max_in_flight` is left for a new token.
    """
    traces = aiohttp.TraceConfig()
    traces.on_request_headers_sent.append(partial(_note_sent, leave))
    return ClientSession(
        connector=aiohttp.TCPConnector(limit=max_in_flight + 1, ttl_dns_cache=_DNS_SECONDS, ssl=_trust(ca_file)),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds, connect=min(_LONGEST_CONNECT, timeout_seconds / 2)),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[traces],
        proxy=proxy or None,
        trust_env=False,
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext | Literal[True]:
    if ca_file is None:
        return True  # aiohttp has made such a context already, which takes a while
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as cause:
        raise ConfigError(
            f"ca_file {str(ca_file)!r} can't be used: expected certificates in PEM format, got: {cause}"
        ) from cause
    return context


async def _note_sent(
    leave: Callable[[], Awaitable[float]] | None,
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    """Awaited by aiohttp before the first byte of a request is written, never for a proxy's CONNECT."""
    if leave:
        context.trace_request_ctx.waited = await leave()
    context.trace_request_ctx.sent = True


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    waited: float = 0.0
    """Seconds for which its turn was waited for."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An exchange without an answer. `sent`: a part of the request may have reached the other side.

    `error` is a stable name, `message` says it to people.
    """

    sent: bool
    error: str
    message: str


async def post(session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> Reply | Broken:
    """Exactly one attempt: aiohttp repeats no POST by itself, and no redirect is followed.

    An exception of aiohttp goes no further than this: its `repr` holds the headers, and so the credentials.
    """
    wire = SimpleNamespace(sent=False, waited=0.0)
    try:
        async with session.post(
            url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=wire
        ) as response:
            answer = await _read(response)
            if answer is None:
                return Broken(sent=True, error="answer_too_big", message=f"more than {LARGEST_ANSWER >> 20} MB")
            return Reply(response.status, response.headers, answer, wire.waited)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
        error = _error(exc, sent=wire.sent)
        return Broken(wire.sent, error, _message(exc, error, url))


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None where it is longer than any answer to us can be."""
    body = bytearray()
    async for block in response.content.iter_chunked(_BLOCK):
        body += block
        if len(body) > LARGEST_ANSWER:
            response.close()
            return None
    return bytes(body)


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


def _message(exc: Exception, error: str, url: str) -> str:
    """Whom it was that could not be reached, and why: of what the library says only that which people know."""
    asked = urlsplit(url)
    host = getattr(exc, "host", None) or asked.hostname
    port = getattr(exc, "port", None) or asked.port or (443 if asked.scheme == "https" else 80)
    at = f"{host}, port {port}"
    match error:
        case "timeout":
            return "no answer in time"
        case "connect_timeout":
            return f"no connection to {at}, in time"
        case "host_not_found":
            return f"the host {host} is not known"
        case "proxy_failed" if isinstance(exc, aiohttp.ClientHttpProxyError):
            return f"the proxy refuses ({exc.status} {exc.message})"
        case "proxy_failed":
            return f"no connection to the proxy {at} ({_reason(exc)})"
        case "tls_failed":
            return f"no secure connection to {at} ({_reason(exc)})"
        case "not_connected" if isinstance(exc, aiohttp.ClientConnectorError):
            return f"no connection to {at} ({_reason(exc)})"
    return str(exc).strip() or type(exc).__name__


def _reason(exc: Exception) -> str:
    cause = getattr(exc, "certificate_error", None) or getattr(exc, "os_error", None) or exc
    if isinstance(cause, ssl.SSLError):
        return getattr(cause, "verify_message", None) or cause.reason or "TLS"
    number = getattr(cause, "errno", None)
    return os.strerror(number) if number else str(cause)
