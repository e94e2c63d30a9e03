"""Forged requests: every change needs a token that only a page of ours can know, and comes from no other site."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web

COOKIE = "importer_csrf"
_SEED = "csrf_seed"


class Csrf:
    """The token is a MAC of a seed in a cookie; the cookie goes to our own pages alone (SameSite=Strict)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, request: web.Request) -> str:
        """For the page that answers this request."""
        seed: str = request.get(_SEED) or request.cookies.get(COOKIE) or secrets.token_hex(16)
        request[_SEED] = seed
        return self._mac(seed)

    def new_seed(self, request: web.Request) -> str:
        """What the answer's cookie is to hold; empty where the browser has it already."""
        seed: str = request.get(_SEED, "")
        return "" if seed == request.cookies.get(COOKIE) else seed

    def holds(self, request: web.Request, token: str) -> bool:
        seed = request.cookies.get(COOKIE, "")
        right = hmac.compare_digest(self._mac(seed).encode(), token.encode("utf-8", "replace"))
        return bool(seed) and right and own(request)

    def _mac(self, seed: str) -> str:
        return hmac.new(self._secret, seed.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def own(request: web.Request) -> bool:
    """Whether the browser says that a page of ours asks, or says nothing."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")
