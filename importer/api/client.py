"""One attempt at commissioning a chunk: the request, its answer, what is known about the wire. No retry, no pace."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

from importer.api import wire
from importer.api.judge import cleaned, judge
from importer.api.quota_headers import MAY_TELL_WAIT, seconds_to_wait
from importer.api.session import SMALL_ANSWER, Broken, Reply, Session
from importer.api.tokens import Token, Tokens, header_value
from importer.model import Answer, Chunk, Verdict

BYTES_A_SERIAL = 300
"""What an answer needs at most for each serial, its line and a text about it."""


class Client:
    """A `Commissioner` at the bottom of the others: each call is exactly one request.

    It fetches no token and raises nothing for the lack of one, since its caller has recorded the attempt already:
    `Retrying` sees to the token before that. A token that the API refuses is reported to `tokens`.
    """

    def __init__(
        self,
        session: Session,
        url: str,
        *,
        channel_key: str,
        tokens: Tokens,
        take_back_url: str = "",
        decommissioned: str = "Decommissioned",
        redact: Callable[[str], str] = str,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`url` is base_url and commission_path, `take_back_url` has the decommission_path;
        `decommissioned` is the status of a serial that was taken back. `now` is seconds since 1970, for a
        Retry-After that is a date.
        """
        self._session = session
        self._url = url
        self._take_back_url = take_back_url
        self._decommissioned = decommissioned
        self._channel_key = header_value("channel_key", channel_key)
        self._tokens = tokens
        self._redact = redact
        self._now = now

    async def commission(self, chunk: Chunk) -> Answer:
        token = self._tokens.current()
        if token is None:
            return Answer(Verdict.TOKEN, error="no_token", message={"code": "no_token"})
        largest = SMALL_ANSWER + BYTES_A_SERIAL * len(chunk.serials)
        body, headers = wire.encode(chunk), self._headers(token)
        url = self._take_back_url if chunk.takes_back else self._url
        reply = await self._session.post(url, body, headers, asker=chunk.id, largest=largest)
        if isinstance(reply, Broken):
            return self._unanswered(reply)
        answer = self._judged(chunk, reply)
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

    def _judged(self, chunk: Chunk, reply: Reply) -> Answer:
        headers = reply.headers
        answer = judge(
            chunk,
            reply.status,
            reply.body,
            location=headers.get("Location", ""),
            content_type=headers.get("Content-Type", ""),
            flaw=reply.flaw,
            redact=self._redact,
            decommissioned=self._decommissioned,
        )
        tells = answer.verdict is Verdict.NOT_TAKEN or reply.status in MAY_TELL_WAIT
        return replace(
            answer,
            retry_after=seconds_to_wait(headers, now=self._now()) if tells else None,
            digest=hashlib.sha256(reply.body).hexdigest(),
            seconds=reply.seconds,
        )

    def _unanswered(self, broken: Broken) -> Answer:
        return Answer(
            Verdict.DOUBT if broken.sent else Verdict.NOT_TAKEN,
            error=broken.error,
            message=cleaned(broken.message, self._redact),
            reached=broken.sent,
            stale=broken.stale,
            held_back=broken.held_back,
            seconds=broken.seconds,
        )
