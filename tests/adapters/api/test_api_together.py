"""Client, pace and retry as they are put together, against a server that counts."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from importer.api.client import Client
from importer.api.gate import Gate, Paced
from importer.api.health import Health
from importer.api.pace import Pace
from importer.api.retry import Retrying
from importer.api.session import Session
from importer.api.tokens import Credentials, DynamicTokens, TokenEndpoint
from importer.model import Answer, Batch, Chunk, Verdict
from importer.serial_text import SerialText

BATCH = Batch("01234567891231", "B1", "271115")


@dataclass
class Api:
    """Takes serials, refuses tokens that it has revoked, and answers every `busy_every`th request with a 429."""

    busy_every: int = 0
    arrivals: list[float] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    valid: str = "none"
    tokens_given: int = 0
    revoke_at: frozenset[int] = frozenset()

    async def auth(self, _request: web.Request) -> web.Response:
        self.arrivals.append(time.monotonic())
        self.tokens_given += 1
        self.valid = f"token-{self.tokens_given}"
        return web.json_response({"data": {"token": self.valid}})

    async def commission(self, request: web.Request) -> web.Response:
        self.arrivals.append(time.monotonic())
        if len(self.arrivals) in self.revoke_at:
            self.valid = "none"
        if request.headers["x-access-token"] != self.valid:
            return web.json_response({"success": False, "message": "Failed to authenticate token."}, status=400)
        if self.busy_every and len(self.arrivals) % self.busy_every == 0:
            return web.Response(status=429, headers={"Retry-After": "0.2"})
        serials = (await request.json())["serials"]
        self.taken += serials
        return web.json_response({"data": [{"serial_number": serial, "status": "Assigned"} for serial in serials]})

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/auth", self.auth)
        app.router.add_post("/commission", self.commission)
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")


def gate_of(requests_per_second: float) -> Gate:
    health = Health(patience=600, attempts=9, delay=lambda _: 0.01)
    return Gate(Pace(requests_per_second), health, patience=600)


def commissioner(session: Session, base: str, gate: Gate) -> Retrying:
    endpoint = TokenEndpoint(session, f"{base}/auth", Credentials("key", "secret"), gate, delay=lambda _: 0)
    tokens = DynamicTokens(endpoint)
    client = Client(session, f"{base}/commission", channel_key="channel", tokens=tokens)
    return Retrying(Paced(client, gate), tokens, gate, max_attempts=9, policy="replay", delay=lambda _: 0.01)


async def import_all(api: Api, chunks: int, requests_per_second: float) -> list[Answer]:
    left = iter([Chunk(n, n, BATCH, SerialText.of((f"S{n}A", f"S{n}B"))) for n in range(chunks)])
    answers: list[Answer] = []
    gate = gate_of(requests_per_second)
    async with api.serving() as base, Session(timeout_seconds=10, max_in_flight=8, leave=gate.leave) as session:
        retrying = commissioner(session, base, gate)

        async def worker() -> None:
            answers.extend([await retrying.commission(chunk) for chunk in left])

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(worker())
    return answers


def every_serial(chunks: int) -> list[str]:
    return sorted(f"S{n}{letter}" for n, letter in itertools.product(range(chunks), "AB"))


async def test_every_window_of_the_server_stays_within_the_limit_retries_and_tokens_included() -> None:
    api = Api(busy_every=9, revoke_at=frozenset({20}))
    answers = await import_all(api, chunks=80, requests_per_second=40)
    assert [answer.verdict for answer in answers] == [Verdict.SETTLED] * 80
    assert sorted(api.taken) == every_serial(80)
    assert len(api.arrivals) > 90
    # A window of 0.95 s: a busy machine may hand an arrival to the server up to 50 ms late.
    within = [sum(start <= moment < start + 0.95 for moment in api.arrivals) for start in api.arrivals]
    assert max(within) <= 40


async def test_a_token_that_is_revoked_under_eight_workers_is_fetched_once_for_all() -> None:
    api = Api(revoke_at=frozenset({25, 100}))
    answers = await import_all(api, chunks=150, requests_per_second=0)
    assert [answer.verdict for answer in answers] == [Verdict.SETTLED] * 150
    assert sorted(api.taken) == every_serial(150)
    assert api.tokens_given == 3
