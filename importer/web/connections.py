"""Takes connections, never more than the process can hold, and ends those that only wait.

A new one always gets a place as long as an old one does nothing: the one that has waited longest goes. File handles for
the imports are never given to connections.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web

from importer.config.settings import Web
from importer.web.guard import trusted

if sys.platform != "win32":
    import resource

_HEAD_SECONDS = 10.0
"""For the TLS handshake, and for a first request's head."""
KEEP_SECONDS = 30.0
"""Between two requests."""
_SWEEP_EVERY = 1.0
_COMPLAIN_EVERY = 60.0
_AFTER_FAILURE = 1.0
"""Seconds until a connection is taken again after that has failed."""
_BACKLOG = 128
_RESERVED = 128
"""File handles for imports, ledger, reports and previews: a run with two files in work takes some forty."""
_WANTED_HANDLES = 4096
_HANDLES_OF_ONE = 2
"""A connection, and the file that it sends or receives."""

Handlers = Callable[[], web.RequestHandler]
"""Gives aiohttp's handler of one connection."""


@dataclass(slots=True, eq=False)
class _Open:
    """`handler` is aiohttp's, unless the handshake goes on. Idle `since` then; `until` when it has to be gone."""

    address: str
    taking: asyncio.Task[None] | None = None
    handler: web.RequestHandler | None = None
    since: float = field(default_factory=time.monotonic)
    until: float = field(default_factory=lambda: time.monotonic() + _HEAD_SECONDS)
    busy: bool = False

    @property
    def gone(self) -> bool:
        return self.handler is not None and self.handler.transport is None

    def end(self) -> None:
        if self.handler and self.handler.transport:
            self.handler.transport.abort()
        elif self.taking:
            self.taking.cancel()


class Connections:
    def __init__(self, wanted: Web, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = wanted
        self._clock = clock
        self._most = most_connections(wanted.max_connections)
        self._open: list[_Open] = []
        self._by_handler: dict[web.RequestHandler, _Open] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[socket.socket] = []
        self._complained, self._failures = float("-inf"), 0

    async def listen(self, make: Handlers, context: ssl.SSLContext | None) -> int:
        """Take connections from now on, each with a handler of its own; return the port. Raises OSError."""
        host, port = self._wanted.host, self._wanted.port
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            self._listeners.append(listener)
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address[0], port or address[1], *address[2:]))
            port = int(listener.getsockname()[1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        self._tasks = [asyncio.create_task(self._accept(one, make, context)) for one in self._listeners]
        self._tasks.append(asyncio.create_task(self._sweep()))
        return port

    async def close(self) -> None:
        """Take no more; those that are open are aiohttp's to end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()

    def began(self, handler: web.RequestHandler) -> None:
        """A request has come whole but for its body."""
        if one := self._by_handler.get(handler):
            one.busy = True

    def ended(self, handler: web.RequestHandler) -> None:
        """Its answer has been sent."""
        if one := self._by_handler.get(handler):
            one.busy, one.since = False, time.monotonic()
            one.until = one.since + KEEP_SECONDS

    async def _accept(self, listener: socket.socket, make: Handlers, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, address = await loop.sock_accept(listener)
            except OSError as error:
                self._complain(error)
                await asyncio.sleep(_AFTER_FAILURE)
                continue
            one = _Open(str(address[0]))
            if not self._has_room(one.address):
                taken.close()
                continue
            self._open.append(one)
            one.taking = asyncio.create_task(self._take(taken, one, make, context))
            one.taking.add_done_callback(partial(self._taken, taken, one))
            await asyncio.sleep(0)  # a burst would be accepted in one go, while those that were ended are still open

    async def _take(self, taken: socket.socket, one: _Open, make: Handlers, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        seconds = _HEAD_SECONDS if context else None
        with suppress(OSError, TimeoutError):
            _, handler = await loop.connect_accepted_socket(make, taken, ssl=context, ssl_handshake_timeout=seconds)
            one.handler = handler
            self._by_handler[handler] = one

    def _taken(self, taken: socket.socket, one: _Open, _: asyncio.Task[None]) -> None:
        """Let go of one that could not be taken, or was ended before: also before its task had begun."""
        if one.handler is None:
            taken.close()
            if one in self._open:
                self._open.remove(one)

    def _has_room(self, address: str) -> bool:
        """Make room for one more, if need be by ending one that is idle."""
        self._forget_gone()
        same = [one for one in self._open if one.address == address]
        if len(same) >= self._wanted.max_connections_per_address and not (
            self._wanted.behind_proxy and trusted(address, self._wanted)
        ):
            return self._end_idle(same)
        return len(self._open) < self._most or self._end_idle(self._open)

    def _end_idle(self, among: list[_Open]) -> bool:
        idle = [one for one in among if not one.busy]
        if idle:
            oldest = min(idle, key=lambda one: one.since)
            oldest.end()
            self._open.remove(oldest)
            if oldest.handler:
                self._by_handler.pop(oldest.handler, None)
        return bool(idle)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            self._forget_gone()
            now = time.monotonic()
            for one in self._open:
                if not one.busy and now >= one.until:
                    one.end()

    def _forget_gone(self) -> None:
        for one in [one for one in self._open if one.gone]:
            self._open.remove(one)
            if one.handler:
                self._by_handler.pop(one.handler, None)

    def _complain(self, error: OSError) -> None:
        """Say that connections can't be taken: once a minute, with their number."""
        self._failures += 1
        if self._clock() >= self._complained + _COMPLAIN_EVERY:
            self._complained = self._clock()
            structlog.get_logger().error("accept_failed", error=str(error), times=self._failures)
            self._failures = 0


def most_connections(wanted: int) -> int:
    """How many the process can hold beside what its imports need, after it has raised its own limit if it may."""
    if sys.platform == "win32":
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _WANTED_HANDLES:
        raised = _WANTED_HANDLES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_HANDLES)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(8, min(wanted, (soft - _RESERVED) // _HANDLES_OF_ONE))
