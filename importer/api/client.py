"""One attempt at commissioning a chunk: the request, its answer, what is known about the wire. No retry, no pace."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from importer.api import wire
from importer.api.judge import judge, shortened
from importer.api.session import Broken, Reply, post
from importer.api.tokens import Token, Tokens, header_value
from importer.model import Answer, Chunk, Verdict


class Client:
    """A `Commissioner` at the bottom of the others: each call is exactly one request.

    It fetches no token and raises nothing for the lack of one, since its caller has recorded the attempt already:
    `Retrying` sees to the token before that. A token that the API refuses is reported to `tokens`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        channel_key: str,
        tokens: Tokens,
        scrub: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`url` is base_url and commission_path; `now` is seconds since 1970, for a Retry-After that is a date."""
        self._session = session
        self._url = url
        self._channel_key = header_value("channel_key", channel_key)
        self._tokens = tokens
        self._scrub = scrub
        self._clock = clock
        self._now = now

    async def commission(self, chunk: Chunk) -> Answer:
        token = self._tokens.current()
        if token is None:
            return Answer(Verdict.TOKEN, error="no_token", message="There was no token: this request was not sent.")
        body = wire.encode(chunk)
        started = self._clock()
        reply = await post(self._session, self._url, body, self._headers(token))
        seconds = self._clock() - started
        if isinstance(reply, Broken):
            return self._unanswered(reply, seconds)
        answer = self._judged(chunk, reply, seconds - reply.waited)
        if answer.verdict is Verdict.TOKEN:
            self._tokens.refused(token)
        return answer

    def _headers(self, token: Token) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "x-access-token": token.value,
            "x-channel-key": self._channel_key,
        }

    def _judged(self, chunk: Chunk, reply: Reply, seconds: float) -> Answer:
        headers = reply.headers
        wait = seconds_to_wait(headers.get("Retry-After"), date=headers.get("Date"), now=self._now())
        return judge(
            chunk,
            reply.status,
            reply.body,
            location=headers.get("Location", ""),
            retry_after=wait,
            scrub=self._scrub,
            digest=hashlib.sha256(reply.body).hexdigest(),
            seconds=seconds,
        )

    def _unanswered(self, broken: Broken, seconds: float) -> Answer:
        return Answer(
            Verdict.DOUBT if broken.sent else Verdict.NOT_TAKEN,
            error=broken.error,
            message=shortened(self._scrub(broken.message)),
            reached=broken.sent,
            seconds=seconds,
        )


# The header `Retry-After` (RFC 9110, 10.2.3): seconds or a date. Pure.
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def seconds_to_wait(value: str | None, *, date: str | None, now: float) -> float | None:
    """Seconds from now, above 0, or None where the header says nothing that can be used.

    A date is held against the answer's own `Date`, so that a wrong clock on this side does no harm; without one
    against `now`, seconds since 1970.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    until = _moment(text)
    if until is None:
        return None
    since = _moment(date or "")
    wait = until - (now if since is None else since)
    return wait if wait > 0 else None


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
