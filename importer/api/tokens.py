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
from http import HTTPStatus
from typing import Protocol

import msgspec

from importer.api import phrases, wire
from importer.api.health import TOKEN
from importer.api.judge import cleaned, is_client_error, is_ok, is_redirect
from importer.api.quota_headers import MAY_TELL_WAIT, seconds_to_wait
from importer.api.session import Broken, Reply, Session
from importer.concurrency import Clock
from importer.errors import AccessDenied, ApiError, ConfigError, Unavailable
from importer.model import Answer, Said, Verdict

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
            raise AccessDenied("static_token_refused")
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
                failure = self._failure.message
                raise type(self._failure)(failure.code, failure.role, **failure.values)
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
            value = await self._fetch()
            self._learn(value)
            must_be_sendable(value)
        except ApiError as failure:
            self._failure = failure
            self._fetches += 1
            raise
        self._failure = None
        self._fetches += 1
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


def must_be_sendable(token: str) -> None:
    """Raise AccessDenied for a token of the API that no header can carry, without showing it."""
    if not (token.isascii() and token.isprintable()):
        raise AccessDenied("token_unfit")


def header_value(name: str, value: str) -> str:
    """The value stripped and fit for an HTTP header, or a ConfigError that doesn't show it."""
    value = value.strip()
    if not value:
        raise ConfigError("secret_empty", name=name)
    if not (value.isascii() and value.isprintable()):
        raise ConfigError("secret_unfit", name=name)
    return value


_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Credentials:
    key: str = field(repr=False)
    secret: str = field(repr=False)


class Surroundings(Protocol):
    """What a token request asks of the gate (gate.py): it passes that like all requests."""

    @property
    def away(self) -> bool: ...

    async def set_out(self, asker: object) -> bool: ...

    def learn(self, asker: object, answer: Answer) -> None: ...

    def forget(self, asker: object) -> None: ...

    async def pause(self, seconds: float, answer: Answer) -> None: ...


class TokenEndpoint:
    """Callable: a new token from `api_auth`, asked for again while that may help.

    Raises AccessDenied where the API refuses, Unavailable when patience with it is over or the run was stopped.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        credentials: Credentials,
        gate: Surroundings,
        *,
        delay: Callable[[int], float],
        redact: Callable[[str], str] = str,
        now: Clock = time.time,
    ) -> None:
        """`delay` gives the seconds to wait after the attempt with that number, from 1; `now` is seconds since 1970."""
        self._session = session
        self._url = url
        self._credentials = credentials
        self._gate = gate
        self._delay = delay
        self._redact = redact
        self._now = now

    async def __call__(self) -> str:
        attempts = 0
        try:
            while await self._gate.set_out(TOKEN):
                attempts += 1
                got = await self._attempt()
                if isinstance(got, _Got):
                    return got.token
                if got.retry_after is None and not (got.held_back or self._gate.away):
                    await self._gate.pause(self._delay(attempts), got)
        finally:
            self._gate.forget(TOKEN)
        raise Unavailable("stopped_before_token")

    async def _attempt(self) -> _Got | Answer:
        """A token, or what came instead where trying again may help."""
        credentials = self._credentials
        body = msgspec.json.encode({"api_key": credentials.key, "api_secret": credentials.secret})
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        reply = await self._session.post(self._url, body, headers, asker=TOKEN)
        found = self._unanswered(reply) if isinstance(reply, Broken) else self._judged(reply)
        self._gate.learn(TOKEN, found.answer if isinstance(found, _Got) else found)
        return found

    def _unanswered(self, broken: Broken) -> Answer:
        return Answer(
            Verdict.DOUBT if broken.sent else Verdict.NOT_TAKEN,
            error=broken.error,
            message=self._said(broken.message),
            reached=broken.sent,
            stale=broken.stale,
            held_back=broken.held_back,
        )

    def _judged(self, reply: Reply) -> _Got | Answer:
        charset = wire.charset_of(reply.headers.get("Content-Type", ""))
        if is_ok(reply.status) and (token := token_in(reply.body, charset)):
            return _Got(token, Answer(Verdict.SETTLED, http_status=reply.status))
        document = wire.read(reply.body, charset)
        what = " ".join((*document.names[:1], document.text)) if document.text else reply.flaw
        said = self._said({"code": "http_said", "status": str(reply.status), "text": what or ""})
        if self._is_refusal(reply, document):
            raise AccessDenied(_refusal(reply.status), reason=said)
        busy = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        return Answer(
            Verdict.NOT_TAKEN if busy else Verdict.DOUBT,
            error="rate_limited" if busy else f"http_{reply.status}",
            message=said,
            http_status=reply.status,
            retry_after=seconds_to_wait(reply.headers, now=self._now()) if reply.status in MAY_TELL_WAIT else None,
            page=document.page,
        )

    @staticmethod
    def _is_refusal(reply: Reply, document: wire.Document) -> bool:
        """A 200 that is JSON but holds no token is the API's word, too; a page with it is not."""
        if phrases.says_server_fault(document.text) or reply.status in _AGAIN:
            return False
        return is_client_error(reply.status) or is_redirect(reply.status) or (is_ok(reply.status) and document.json)

    def _said(self, said: Said) -> Said:
        return cleaned(said, self._redact)


@dataclass(frozen=True, slots=True)
class _Got:
    token: str = field(repr=False)
    answer: Answer


def _refusal(status: int) -> str:
    """The code of a refusal by its HTTP status."""
    if is_ok(status):
        return "token_missing"
    return "token_endpoint_missing" if status in {404, 405} or is_redirect(status) else "key_refused"


def token_in(body: bytes, charset: str = "") -> str | None:
    """The token, wherever the answer may have it: its field's name is not documented."""
    value = wire.read(body, charset).value
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    for place in (value, data if isinstance(data, dict) else {}):
        for name in ("token", "access_token"):
            if isinstance(token := place.get(name), str) and token.strip():
                return token.strip()
    return None
