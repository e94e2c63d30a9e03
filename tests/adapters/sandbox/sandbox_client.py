"""A client that speaks to a sandbox as an importer would, over real HTTP, and says what came back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from importer.sandbox import Sandbox, parse_settings

GTIN = "01234567891231"
JSON = {"Content-Type": "application/json"}
OTHER_GTIN = "04012345123456"


@dataclass(frozen=True)
class Came:
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def statuses(self) -> dict[str, str]:
        return {one["serial_number"]: one["status"] for one in self.json["data"]}


class Client:
    def __init__(self, box: Sandbox, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.box, self.session, self.clock = box, session, clock
        self.headers = {"x-access-token": "sandbox-token", "x-channel-key": "sandbox-channel"}

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Came:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.box.url + path, data=data, headers={**JSON, **(headers or {})}) as answer:
            return Came(answer.status, await answer.text(), dict(answer.headers))

    async def commission(self, *serials: Any, headers: dict[str, str] | None = None, **fields: Any) -> Came:
        given = self.headers if headers is None else headers
        return await self.post(self.box.settings.commission_path, order(*serials, **fields), given)

    async def decommission(self, *serials: Any) -> Came:
        return await self.post(self.box.settings.decommission_path, order(*serials), self.headers)

    async def auth(self, key: str = "sandbox-key", secret: str = "sandbox-secret") -> Came:
        return await self.post(self.box.settings.auth_path, {"api_key": key, "api_secret": secret})

    async def get(self, path: str) -> Came:
        async with self.session.get(self.box.url + path) as answer:
            return Came(answer.status, await answer.text())

    def taken(self) -> set[str]:
        return {entry.serial for entry in self.box.ledger if entry.commissioned}


def order(*serials: Any, **fields: Any) -> dict[str, Any]:
    body = {"product_code": GTIN, "product_code_schema": "GTIN", "batch": "BATCH002", "expiry_date": "271130"}
    return {**body, "serials": list(serials or ("A1", "A2", "A3")), **fields}


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []
        self.has_slept = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.has_slept.set()


@contextlib.asynccontextmanager
async def sandbox(*options: str) -> AsyncIterator[Client]:
    """A client of a sandbox with these options, whose time is `client.clock`."""
    clock = Clock()
    box = Sandbox(parse_settings(options), clock=clock, tick=clock, sleep=clock.sleep)
    async with box, aiohttp.ClientSession() as session:
        yield Client(box, session, clock)
