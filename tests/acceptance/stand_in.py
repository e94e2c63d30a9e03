"""A server of a few lines that stands in for the API where the sandbox can't misbehave so. In a thread of the test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """One request as the stand-in sees it."""

    number: int
    """From 1."""
    seconds: float
    """Since the first one."""
    on_connection: int
    """Requests that came on its connection before."""
    path: str
    body: Mapping[str, Any]

    @property
    def serials(self) -> list[str]:
        return list(self.body.get("serials", []))


@dataclass(frozen=True)
class Reply:
    status: str = "200 OK"
    body: bytes = b""
    headers: Mapping[str, object] = field(default_factory=dict)


def assigned(request: Request) -> Reply:
    lines = [{"serial_number": serial, "status": "Assigned"} for serial in request.serials]
    return Reply(body=json.dumps({"success": True, "data": lines}).encode())


def page(title: str, status: str = "200 OK") -> Reply:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>x</body></html>".encode()
    return Reply(status, body, {"Content-Type": "text/html"})


def error(status: str, text: str, name: str = "Error", headers: Mapping[str, object] | None = None) -> Reply:
    body = json.dumps({"success": False, "error": name, "message": text}).encode()
    return Reply(status, body, headers or {})


Answering = Callable[[Request], Reply | None]
"""None: the connection is closed without an answer."""


class StandIn:
    """Serves while it is entered; `requests` and `arrivals` (monotonic seconds) are what came."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.requests: list[Request] = []
        self.arrivals: list[float] = []
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    @property
    def env(self) -> dict[str, str]:
        return {
            "IMPORTER_API__BASE_URL": self.url,
            "IMPORTER_API__CHANNEL_KEY": "channel-4711",
            "IMPORTER_API__TOKEN": "static-token-4711",
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0",
            "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.05",
            "IMPORTER_REPORT__FORMATS": "csv",
        }

    @property
    def dynamic_env(self) -> dict[str, str]:
        env = {name: value for name, value in self.env.items() if name != "IMPORTER_API__TOKEN"}
        return {**env, "IMPORTER_API__KEY": "key-0815-4711", "IMPORTER_API__SECRET": "secret-0815-4711"}

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        on_connection = 0
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (reply := self._answer(*await _read(reader), on_connection)) is not None:
                on_connection += 1
                headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": len(reply.body)}
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {reply.status}\r\n{lines}\r\n".encode() + reply.body)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _answer(self, path: str, body: Mapping[str, Any], on_connection: int) -> Reply | None:
        self.arrivals.append(time.monotonic())
        seconds = self.arrivals[-1] - self.arrivals[0]
        self.requests.append(Request(len(self.arrivals), seconds, on_connection, path, body))
        return self._answering(self.requests[-1])


async def _read(reader: asyncio.StreamReader) -> tuple[str, Mapping[str, Any]]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    body: Mapping[str, Any] = json.loads(await reader.readexactly(length) or b"{}")
    return head.split(b" ", 2)[1].decode(), body
