"""How the server ends at SIGTERM. What was running goes on after the restart: see test_web_import.py."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from webserver import Browser, Server, rows


def test_it_can_be_ended_as_soon_as_it_says_that_it_is_there(server: Server) -> None:
    assert server.end() == 0


async def test_it_waits_for_nobody_who_only_keeps_a_connection_open(server: Server) -> None:
    with ExitStack() as open_:
        async with Browser(server) as planner:
            run = await planner.imported(rows(100_000))
            sent = (
                "",
                "GET / HTTP/1.1\r\nHost: 127.0.0.1",
                f"GET /api/runs/{run['run']}/files/assigned.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                (
                    "POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n"
                    "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
                ),
            )
            for text in sent:
                connection = open_.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                connection.sendall(text.encode())
            await planner.get("/api/health")
            start = time.monotonic()
            assert server.end() == 0
    assert time.monotonic() - start < 5  # it takes half a second, and two for the download that nobody reads
