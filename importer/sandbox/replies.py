"""What goes back: a plain answer, or what a fault makes of it. A value; wire.py puts it on the wire."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum
from typing import Any

import msgspec
from aiohttp import web

from importer.sandbox.faults import Fault, Kind
from importer.sandbox.rules import Refusal
from importer.sandbox.settings import Settings

_HTML = (
    b"<html><head><title>Bad Gateway</title></head><body><h1>The proxy could not reach the server</h1></body></html>"
)
_HANG_SECONDS = 300.0
_INTERNAL = ("InternalError", "Something went wrong")
_ERRORS = {
    Kind.TOO_MANY: ("TooManyRequestsError", "Try again later", 429),
    Kind.UNAVAILABLE: ("UnavailableError", "Try again later", 503),
    Kind.ERROR_BEFORE: (*_INTERNAL, 500),
    Kind.ERROR_AFTER: (*_INTERNAL, 500),
    Kind.UNSUCCESSFUL_BEFORE: (*_INTERNAL, 200),
    Kind.UNSUCCESSFUL_AFTER: (*_INTERNAL, 200),
}


class Ending(StrEnum):
    WHOLE = "whole"
    CUT = "cut"
    """No byte is sent."""
    HALF = "half"
    """Half of the body is sent under a Content-Length that promises all."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`hang`: seconds of silence first, less when the client goes."""

    status: int | None = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    ending: Ending = Ending.WHOLE
    hang: float = 0.0
    error: str = ""


def plain(content: dict[str, Any]) -> Reply:
    return Reply(body=msgspec.json.encode(content))


def refusing(refusal: Refusal, settings: Settings, retry_after: str = "") -> Reply:
    status, content = refusal.shown(settings)
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Reply(status, msgspec.json.encode(content), headers, error=refusal.name)


def retry_after(text: str, clock: Callable[[], float]) -> str:
    """The header's value for a fault's `retry_after`."""
    when, _, seconds = text.partition(":")
    return formatdate(clock() + float(seconds), usegmt=True) if when == "date" else text


def faulty(fault: Fault, whole: Reply, settings: Settings, clock: Callable[[], float]) -> Reply:
    """What the client gets instead of `whole`; before the work or after it makes no difference here."""
    reply = whole
    match fault.kind:
        case Kind.HTML_BEFORE | Kind.HTML_AFTER:
            reply = Reply(fault.status or 502, _HTML, content_type="text/html")
        case Kind.REDIRECT:
            reply = Reply(fault.status or 307, headers={"Location": fault.location or settings.commission_path})
        case Kind.DROP_BEFORE | Kind.DROP_AFTER:
            reply = Reply(None, ending=Ending.CUT)
        case Kind.HANG_BEFORE | Kind.HANG_AFTER:
            reply = Reply(None, ending=Ending.CUT, hang=_HANG_SECONDS if fault.seconds is None else fault.seconds)
        case Kind.TRUNCATE:
            reply = replace(whole, ending=Ending.HALF)
        case Kind.GARBLE:
            reply = replace(whole, body=whole.body[: len(whole.body) * 2 // 3])
    if fault.kind in _ERRORS:
        name, text, status = _ERRORS[fault.kind]
        reply = refusing(Refusal(name, text), settings, retry_after(fault.retry_after, clock))
        reply = replace(reply, status=fault.status or status)
    return reply


# Puts a reply on the wire, also the broken ones. Knows nothing of serials.
_LOOK_SECONDS = 0.02
"""How often a hanging request looks whether its client is still there: aiohttp has no event for it."""


async def deliver(request: web.Request, reply: Reply, closing: asyncio.Event) -> web.StreamResponse:
    """`closing` ends all hanging. The response after a cut goes nowhere: the transport is closed."""
    if reply.hang:
        await _hang(request, reply.hang, closing)
    if reply.ending is Ending.WHOLE:
        assert reply.status is not None
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers=reply.headers,
            content_type=reply.content_type,
        )
    if reply.ending is Ending.HALF:
        return await _half(request, reply)
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status or 200, headers=reply.headers)
    response.content_type = reply.content_type
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport:
        request.transport.close()  # what was written still goes out
    return response


async def _hang(request: web.Request, seconds: float, closing: asyncio.Event) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while request.transport is not None and (left := end - asyncio.get_running_loop().time()) > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), min(left, _LOOK_SECONDS))
            return
