"""The simulated API as it runs: routes, the way of one request through the parts, starting and stopping."""

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec
from aiohttp import web

from importer.sandbox.commissioning import Desk, confirm
from importer.sandbox.faults import AFTER, Dice, Fault, Kind, On
from importer.sandbox.gate import Gate, Throttle
from importer.sandbox.registry import Book, Entry, Visit
from importer.sandbox.replies import Reply, deliver, faulty, plain, refusing, retry_after
from importer.sandbox.rules import Order, Refusal, check_body, check_order, read_order
from importer.sandbox.settings import Settings

_SHUTDOWN_SECONDS = 1.0


class Sandbox:
    """`async with Sandbox(settings) as box:` serves at `box.url` till the block ends; `box.ledger` is what it took.

    `clock` (seconds since 1970), `tick` (monotonic) and `sleep` (latency) can be replaced, so that no test has to wait.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = time.time,
        tick: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings or Settings()
        self.ledger = Book(self.settings.ledger)
        self.url = ""
        self._clock, self._tick, self._sleep = clock, tick, sleep
        self._gate = Gate(self.settings, clock)
        self._desk = Desk(self.settings)
        self._dice = Dice(self.settings.faults, self.settings.seed)
        self._started = tick()
        self._throttle = Throttle(self.settings.rate, self.settings.burst, tick)
        self._in_flight = 0
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def requests(self) -> list[Visit]:
        """All requests so far, in the order of their arrival."""
        return self.ledger.visits

    @property
    def throttled(self) -> int:
        """How many 429 were given, by the rate limit or by a fault."""
        return sum(visit.status == 429 for visit in self.requests)  # noqa: PLR2004  Too Many Requests

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens, and returns the URL; port 0 is any free one."""
        app = web.Application(client_max_size=0)
        for on, path in (
            (On.AUTH, self.settings.auth_path),
            (On.COMMISSION, self.settings.commission_path),
            (On.DECOMMISSION, self.settings.decommission_path),
        ):
            app.router.add_post(path, self._door(on))
        app.router.add_get("/_sandbox/ledger", self._show_ledger)
        app.router.add_get("/_sandbox/requests", self._show_requests)
        app.router.add_get("/_sandbox/health", self._show_health)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{host}:{bound}"
        return self.url

    async def stop(self) -> None:
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()
        self.ledger.close()

    def _door(self, on: On) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            self._in_flight += 1
            try:
                return await self._serve(on, request)
            finally:
                self._in_flight -= 1

        return serve

    async def _serve(self, on: On, request: web.Request) -> web.StreamResponse:
        number = self.requests[-1].number + 1 if self.requests else 1
        visit = Visit(number, on.value, request.path, self._clock(), self._tick(), self._in_flight)
        self.requests.append(visit)
        roll = self._dice.roll(on, self._tick() - self._started)
        wait = 0.0 if on is On.AUTH else self._throttle.wait()
        body = await request.read()
        order = read_order(body)
        entries = [] if on is On.AUTH else self.ledger.receive(order)
        visit.gtin, visit.serials, visit.bytes = order.gtin, len(order.serials), len(body)
        if roll.latency:
            await self._sleep(roll.latency)
        if wait:
            visit.fault, reply = "rate", self._slow_down(wait)
        else:
            visit.fault = roll.fault.kind.value if roll.fault else ""
            reply = self._answer(visit, request, order, entries, roll.fault)
        visit.status, visit.error = reply.status, reply.error
        self.ledger.settle(visit, entries)
        return await deliver(request, reply, self._closing)

    def _answer(
        self,
        visit: Visit,
        request: web.Request,
        order: Order,
        entries: list[Entry],
        fault: Fault | None,
    ) -> Reply:
        if fault and fault.kind not in AFTER and fault.kind is not Kind.REVOKE:
            return faulty(fault, Reply(), self.settings, self._clock)
        revoke = fault is not None and fault.kind is Kind.REVOKE
        try:
            check_body(visit.bytes, request.content_type, self.settings)
            if visit.request == On.AUTH:
                whole = plain(self._gate.issue(order.fields or {}))
            else:
                self._gate.check(request.headers, revoke=revoke)
                whole = self._work(visit, order, entries, intact=fault is None)
        except Refusal as refusal:
            whole = refusing(refusal, self.settings)
        return faulty(fault, whole, self.settings, self._clock) if fault else whole

    def _work(self, visit: Visit, order: Order, entries: list[Entry], *, intact: bool) -> Reply:
        on = On(visit.request)
        check_order(order, on, self.settings)
        before = sum(entry.commissioned for entry in entries)
        if on is On.COMMISSION:
            data, message = self._desk.commission(order, entries), "Serials commissioned"
        else:
            data, message = self._desk.decommission(order, entries), "Serials decommissioned"
        visit.taken = sum(entry.commissioned for entry in entries) - before
        if intact:
            confirm(entries, data)
        return plain({"success": True, "message": message, "data": data})

    def _slow_down(self, wait: float) -> Reply:
        seconds = str(math.ceil(wait))
        when = {"seconds": seconds, "date": f"date:{seconds}", "none": ""}[self.settings.rate_retry_after]
        refusal = Refusal("TooManyRequestsError", "Try again later", 429)
        return refusing(refusal, self.settings, retry_after(when, self._clock))

    async def _show_ledger(self, request: web.Request) -> web.StreamResponse:
        """All serials, page by page, so that a million of them need no second copy; `?gtin=` for one product."""
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        mark = b'{"serials":['
        for page in self.ledger.pages(request.query.get("gtin")):
            await response.write(mark + msgspec.json.encode(page)[1:-1])
            mark = b","
        await response.write(b"]}" if mark == b"," else mark + b"]}")
        return response

    async def _show_requests(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=msgspec.json.encode({"requests": self.requests}), content_type="application/json")

    async def _show_health(self, _request: web.Request) -> web.StreamResponse:
        health = {
            "ok": True,
            "serials": len(self.ledger),
            "requests": len(self.requests),
            "throttled": self.throttled,
            "in_flight": self._in_flight,
        }
        return web.json_response(health)


# The sandbox as a process of its own: it serves until SIGTERM or SIGINT and then ends cleanly.
async def run(
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] = print,
) -> None:
    """Calls `ready` with the URL once it listens. OSError where the port is taken. It takes SIGTERM and SIGINT over."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    box = Sandbox(settings)
    try:
        ready(await box.start(host, port))
        await ended.wait()
    finally:
        await box.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
