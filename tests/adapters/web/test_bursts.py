"""Connections that come all at once, faster than the server can end older ones."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from aiohttp import web

from importer.config.settings import Web
from importer.web.connections import Connections


async def test_a_burst_of_connections_never_has_more_of_them_open_than_there_may_be() -> None:
    """A connection that is ended before its task has begun is ended all the same, and counts no more."""
    connections = Connections(Web(port=0, max_connections=8))
    server = web.Server(unanswered)
    port = await connections.listen(server, None)
    before, burst = handles(), []
    for _ in range(2):
        burst += [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]  # fits into the system's queue
        most = 0
        for _ in range(400):
            await asyncio.sleep(0)
            most = max(most, handles() - before - len(burst))
        assert (len(connections._open), most <= 16) == (8, True), (len(connections._open), most)
    await connections.close()
    await server.shutdown(1)
    for one in burst:
        one.close()


def handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def unanswered(_: web.BaseRequest) -> web.Response:
    raise AssertionError("nobody asks for anything")
