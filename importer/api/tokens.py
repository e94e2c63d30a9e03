"""Tokens: the static one and those that `api_auth` gives out for a day.

A token is as secret as a password (its payload carries the API key): no `repr` and no message holds one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import msgspec

from importer.api import phrases, wire
from importer.api.judge import is_client_error, is_ok, is_redirect, shortened
from importer.api.session import Broken, Reply, post
from importer.concurrency import Clock, HasStopped, Sleep, never
from importer.errors import AccessDenied, ApiError, ConfigError, Unavailable

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """`generation` tells tokens apart without showing them. `fresh_until` is a moment of the clock that never jumps."""

    value: str = field(repr=False)
    generation: int = 0
    fresh_until: float | None = None


class Tokens(Protocol):
    def current(self) -> Token | None:
        """The token at hand, however old; None where there is none or it was refused."""

    async def get(self) -> Token:
        """A token that should be taken, fetched if need be: once for all who ask at the same time.

        Raises AccessDenied where no token can be had, Unavailable where the API doesn't give one now.
        """

    def refused(self, token: Token) -> None:
        """The API refused this token. One that has been replaced already changes nothing."""


class StaticTokens:
    """A token made in the console: it has no expiry and can't be refreshed."""

    def __init__(self, value: str) -> None:
        self._token = Token(header_value("token", value))
        self._refused = False

    def current(self) -> Token | None:
        return None if self._refused else self._token

    async def get(self) -> Token:
        if self._refused:
            raise AccessDenied(
                "The API refused the static token as expired, revoked or wrong; a static token can't be refreshed. "
                "Make a new one in the console and set IMPORTER_API__TOKEN or token_file."
            )
        return self._token

    def refused(self, token: Token) -> None:
        self._refused = self._refused or token.generation == self._token.generation


class DynamicTokens:
    """Tokens that are fetched when the first is needed, shortly before one expires, and when one was refused."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[str]],
        *,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
        learn: Callable[[str], object] = str,
    ) -> None:
        """`fetch` raises Unavailable or AccessDenied (see auth.py); `learn` is told each token, to be scrubbed.

        `clock` never jumps; `now` is seconds since 1970.
        """
        self._fetch = fetch
        self._clock = clock
        self._now = now
        self._learn = learn
        self._token: Token | None = None
        self._failure: ApiError | None = None
        self._fetches = 0
        self._one = asyncio.Lock()

    def current(self) -> Token | None:
        return self._token

    async def get(self) -> Token:
        if token := self._fresh():
            return token
        seen = self._fetches
        async with self._one:
            if token := self._fresh():
                return token
            if self._failure and self._fetches != seen:
                # Whoever waited for a fetch that failed shares its failure instead of trying again one by one.
                raise type(self._failure)(*self._failure.args)
            return await self._renew()

    def refused(self, token: Token) -> None:
        if self._token and self._token.generation == token.generation:
            self._token = None

    def _fresh(self) -> Token | None:
        token = self._token
        if token and (token.fresh_until is None or self._clock() < token.fresh_until):
            return token
        return None

    async def _renew(self) -> Token:
        try:
            value = header_value("token", await self._fetch())
        except ApiError as failure:
            self._failure = failure
            self._fetches += 1
            raise
        self._failure = None
        self._fetches += 1
        self._learn(value)
        lifetime = lifetime_of(value, now=self._now())
        fresh = None if lifetime is None else self._clock() + lifetime - min(_EARLY_SECONDS, lifetime * _EARLY_SHARE)
        self._token = Token(value, self._fetches, fresh)
        return self._token


class _Claims(msgspec.Struct):
    exp: float
    iat: float | None = None


def lifetime_of(token: str, *, now: float) -> float | None:
    """Seconds that a JWT is valid for, read without verifying it; None where it doesn't say, or says nonsense.

    Counted from its own `iat` where it has one, so that a wrong clock on this side does no harm.
    """
    parts = token.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(payload, type=_Claims)
    except (IndexError, binascii.Error, ValueError, RecursionError, msgspec.MsgspecError):
        return None
    lifetime = claims.exp - (now if claims.iat is None else claims.iat)
    return lifetime if lifetime > 0 else None


def header_value(name: str, value: str) -> str:
    """The value stripped and fit for an HTTP header, or a ConfigError that doesn't show it."""
    value = value.strip()
    if not value:
        raise ConfigError(f"{name} is empty: expected the value from the console.")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{name} holds characters that no HTTP header can carry: expected printable ASCII.")
    return value


# The token endpoint: asks `api_auth` for a token, again while that may help.
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
