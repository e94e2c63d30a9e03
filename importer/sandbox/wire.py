"""Puts a reply on the wire, also the broken ones. Knows nothing of serials."""

import asyncio
import contextlib

from aiohttp import web

from importer.sandbox.replies import Ending, Reply

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
