"""The token endpoint: asks `api_auth` for a token, again while that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import msgspec

from importer.api import phrases, wire
from importer.api.judge import shortened
from importer.api.session import Broken, Reply, post
from importer.api.statuses import is_client_error, is_ok, is_redirect
from importer.concurrency import Sleep, never
from importer.errors import AccessDenied, Unavailable

_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Credentials:
    key: str = field(repr=False)
    secret: str = field(repr=False)


class TokenEndpoint:
    """Callable: a new token. Raises AccessDenied where the API refuses, Unavailable after the last attempt."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        credentials: Credentials,
        *,
        delay: Callable[[int], float],
        max_attempts: int = 5,
        scrub: Callable[[str], str] = str,
        sleep: Sleep = asyncio.sleep,
        stopping: HasStopped = never,
        slot: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`delay` gives the seconds to wait after the attempt with that number, from 1; `slot` is the pace's."""
        self._session = session
        self._url = url
        self._credentials = credentials
        self._delay = delay
        self._max_attempts = max_attempts
        self._scrub = scrub
        self._sleep = sleep
        self._stopping = stopping
        self._slot = slot

    async def __call__(self) -> str:
        attempt = 1
        while True:
            problem = await self._attempt()
            if isinstance(problem, _Got):
                return problem.token
            if attempt < self._max_attempts and not self._stopping():
                await self._sleep(self._delay(attempt))
            if attempt >= self._max_attempts or self._stopping():
                raise Unavailable(
                    f"The API gives out no token ({attempt} attempts): {problem}. "
                    "Check base_url, proxy and network, or try again later."
                )
            attempt += 1

    async def _attempt(self) -> _Got | str:
        """A token, or the problem in words where trying again may help."""
        if self._slot:
            await self._slot()
        credentials = self._credentials
        body = msgspec.json.encode({"api_key": credentials.key, "api_secret": credentials.secret})
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        reply = await post(self._session, self._url, body, headers)
        if isinstance(reply, Broken):
            return self._clean(reply.message)
        if is_ok(reply.status) and (token := token_in(reply.body)):
            return _Got(token)
        document = wire.read(reply.body)
        said = self._clean(f"HTTP {reply.status} {' '.join((*document.names[:1], document.text))}")
        if self._is_refusal(reply, document):
            raise AccessDenied(_refused(reply.status, said))
        return said

    @staticmethod
    def _is_refusal(reply: Reply, document: wire.Document) -> bool:
        """A 200 that is JSON but holds no token is the API's word, too."""
        if phrases.says_server_fault(document.text) or reply.status in _AGAIN:
            return False
        return is_client_error(reply.status) or is_redirect(reply.status) or (is_ok(reply.status) and document.json)

    def _clean(self, text: str) -> str:
        return shortened(self._scrub(text)).rstrip(".")


@dataclass(frozen=True, slots=True)
class _Got:
    token: str = field(repr=False)


def _refused(status: int, said: str) -> str:
    if is_ok(status):
        what = "The API gave out no token: expected a field token or access_token"
    elif status in {404, 405} or is_redirect(status):
        return f"There is no token endpoint at this address: {said}. Check base_url and auth_path."
    else:
        what = "The API refused the key and secret"
    return f"{what}; got: {said}. Check IMPORTER_API__KEY and IMPORTER_API__SECRET."


def token_in(body: bytes) -> str | None:
    """The token, wherever the answer may have it: its field's name is not documented."""
    value = wire.read(body).value
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    for place in (value, data if isinstance(data, dict) else {}):
        for name in ("token", "access_token"):
            if isinstance(token := place.get(name), str) and token.strip():
                return token.strip()
    return None
