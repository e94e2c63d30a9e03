"""Who may come in: api_auth's tokens, their expiry and revocation, and the two headers."""

import base64
import hashlib
import hmac
import json
import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from importer.sandbox.rules import Refusal
from importer.sandbox.settings import Settings


class Gate:
    """`clock` gives seconds since 1970. Tokens live as long as this object: a restarted sandbox knows none of them."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._expiry = dict.fromkeys(settings.static_tokens, float("inf"))
        self._issued = 0
        self._shown: Counter[str] = Counter()
        self._revoked: set[str] = set()

    def issue(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to api_auth, or the refusal of a wrong pair."""
        known = self._settings
        pair = (fields.get("api_key"), fields.get("api_secret"))
        if not all(isinstance(one, str) and one for one in pair) or (
            known.api_key and pair != (known.api_key, known.api_secret)
        ):
            raise self._no("API key or secret is wrong")
        self._issued += 1
        claimed = known.token_lifetime if known.token_claims is None else known.token_claims
        token = self._opaque() if known.token_opaque else self._jwt(str(pair[0]), claimed)
        self._expiry[token] = self._clock() + known.token_lifetime
        *outer, name = known.token_field.split(".")
        return {"success": True, outer[0]: {name: token}} if outer else {"success": True, name: token}

    def check(self, headers: Mapping[str, str], *, revoke: bool = False) -> None:
        """Lets a serials request in, or refuses it. `revoke` takes its token away first, for good."""
        token = headers.get("x-access-token", "")
        if not token:
            raise Refusal("NoTokenError", "No token provided", 401)
        self._shown[token] += 1
        limit = self._settings.revoke_after
        if revoke or (limit is not None and self._shown[token] > limit):
            self._revoked.add(token)
        if token in self._revoked:
            raise self._no("the token was revoked")
        if token not in self._expiry:
            raise self._no("the token is not known")
        if self._clock() >= self._expiry[token]:
            raise self._no("the token has expired")
        channel = headers.get("x-channel-key", "")
        if not channel or (self._settings.channel_keys and channel not in self._settings.channel_keys):
            raise Refusal(self._settings.channel_error, "The channel key is missing or not known", 403)

    def _no(self, why: str) -> Refusal:
        return Refusal(self._settings.auth_error, f"Failed to authenticate: {why}", 401)

    def _opaque(self) -> str:
        return hashlib.sha256(f"{self._settings.seed}/{self._issued}".encode()).hexdigest()

    def _jwt(self, api_key: str, lifetime: float) -> str:
        now = self._clock()
        payload = {"api_key": api_key, "iat": int(now), "exp": int(now + lifetime), "jti": str(self._issued)}
        text = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(payload)}"
        signature = hmac.digest(self._opaque().encode(), text.encode(), "sha256")
        return f"{text}.{_base64(signature)}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# The rate limit on the server's side: a sliding window over the requests that were let in.
class Throttle:
    """At most `burst` requests (default: `rate`, at least 1) in any `burst`/`rate` seconds. `tick` is monotonic."""

    def __init__(self, rate: float | None, burst: int | None, tick: Callable[[], float]) -> None:
        self._burst = burst or max(1, math.floor(rate or 1))
        self._window = self._burst / rate if rate else 0.0
        self._tick = tick
        self._admitted: deque[float] = deque()

    def wait(self) -> float:
        """0.0 lets the request in; else it is refused, and one would be let in after so many seconds."""
        if not self._window:
            return 0.0
        now = self._tick()
        while self._admitted and self._admitted[0] <= now - self._window:
            self._admitted.popleft()
        if len(self._admitted) < self._burst:
            self._admitted.append(now)
            return 0.0
        return self._admitted[0] + self._window - now
