"""Where messages go: to addresses of Apprise (mail, chats, …), and to a webhook of our own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import aiohttp

from importer.errors import ConfigError

_TIMEOUT = 30.0
"""Seconds for one message."""
_PING_TIMEOUT = 10.0
_TAKEN = 300
"""HTTP statuses below this take a message."""


class NotTold(Exception):  # noqa: N818  it says what it means
    """A channel has not taken a message; the text is for the log."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """By which the log and the outbox know it: no secret."""
        ...

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Raises NotTold."""
        ...


class Webhook:
    """POSTs the message as JSON, signed: `X-Importer-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 of the
    timestamp (`X-Importer-Timestamp`, seconds since 1970), a dot and the body. `X-Importer-Delivery` is the same
    whenever a message is repeated.
    """

    name = "webhook"

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret

    async def tell(self, message: Mapping[str, Any]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        at = str(int(time.time()))
        signed = hmac.new(self._secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Importer-Timestamp": at}
        headers |= {"X-Importer-Signature": f"sha256={signed}", "X-Importer-Delivery": str(message["id"])}
        await _asked("POST", self._url, _TIMEOUT, data=body, headers=headers)


class Address:
    """One address of Apprise. It blocks, so it has a thread."""

    def __init__(self, number: int, url: str) -> None:
        """Raises ConfigError for what is none, or where Apprise is not installed."""
        try:
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of what it still imports
                from apprise import Apprise  # noqa: PLC0415  an extra

                self._apprise = Apprise()
                known = self._apprise.add(url)
        except ImportError as error:
            raise ConfigError("notify_not_installed", reason=str(error)) from error
        if not known:
            raise ConfigError("notify_url_wrong", number=str(number))
        self.name = f"url {number} ({url.partition(':')[0]})"

    async def tell(self, message: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                told = await asyncio.to_thread(
                    self._apprise.notify, title=str(message["title"]), body=str(message["text"])
                )
        except TimeoutError as error:
            raise NotTold(f"no answer within {_TIMEOUT:g} s") from error
        except Exception as error:
            raise NotTold(type(error).__name__) from error
        if not told:
            raise NotTold("refused, or out of reach")


def channels(urls: Sequence[str], webhook_url: str, webhook_secret: str) -> list[Channel]:
    """Raises ConfigError."""
    return list(_made(urls, webhook_url, webhook_secret))


def _made(urls: Sequence[str], webhook_url: str, webhook_secret: str) -> Iterator[Channel]:
    if webhook_url and not webhook_secret:
        variable, file = "IMPORTER_NOTIFY__WEBHOOK_SECRET", "notify.webhook_secret_file"
        names = {"name": "notify.webhook_url", "other": "notify.webhook_secret"}
        raise ConfigError("secret_missing", variable=variable, file=file, **names)
    if webhook_url:
        yield Webhook(webhook_url, webhook_secret)
    for number, url in enumerate(urls, 1):
        yield Address(number, url)


async def ping(url: str) -> None:
    """Tell a dead man's switch that a pass has come to its end. Raises NotTold."""
    await _asked("GET", url, _PING_TIMEOUT)


async def _asked(method: str, url: str, seconds: float, **given: Any) -> None:
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.request(method, url, allow_redirects=False, **given) as answer,
        ):
            if answer.status >= _TAKEN:
                raise NotTold(f"HTTP status {answer.status}")
    except TimeoutError as error:
        raise NotTold(f"no answer within {seconds:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotTold(type(error).__name__) from error  # its text may hold the address, which is a secret
