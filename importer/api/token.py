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

import msgspec

from importer.concurrency import Clock
from importer.errors import AccessDenied, ApiError, ConfigError

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
