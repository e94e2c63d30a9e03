"""Who may use the page: names and argon2 hashes in one file, made by `importer user add`."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from importer.errors import ConfigError
from importer.web.durable import read_json, write_json

SHORTEST = 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")
"""What the password of an unknown name is held against: both take the same time."""


class Users:
    """Reads the file again whenever it has changed: whoever is removed from it is out at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._hashes: dict[str, str] = {}

    def names(self) -> list[str]:
        """Raises ConfigError where the file is none."""
        return sorted(self._read())

    def know(self, name: str) -> bool:
        return name in self._read()

    def verify(self, name: str, password: str) -> bool:
        """Whether the password is right. Takes some 50 ms by intent: not from an event loop."""
        stored = self._read().get(name)
        try:
            return _HASHER.verify(stored or _NOBODY, password) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False

    def add(self, name: str, password: str) -> None:
        """Add a user, or give one a new password. Raises ConfigError."""
        if not _NAME.fullmatch(name):
            raise ConfigError("user_name_wrong", name=name)
        if len(password) < SHORTEST:
            raise ConfigError("password_short", n=len(password), least=SHORTEST)
        self._write({**self._read(), name: _HASHER.hash(password)})

    def remove(self, name: str) -> None:
        """Raises ConfigError where there is no such user."""
        hashes = dict(self._read())
        if hashes.pop(name, None) is None:
            raise ConfigError("user_missing", path=str(self.path), name=name, users=list(hashes))
        self._write(hashes)

    def _read(self) -> dict[str, str]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._hashes = self._parsed()
            self._stamp = stamp
        return self._hashes

    def _parsed(self) -> dict[str, str]:
        try:
            users = json.loads(self.path.read_text("utf-8"))["users"]
            return {str(name): str(value) for name, value in users.items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError("users_file_wrong", path=str(self.path)) from error

    def _write(self, hashes: dict[str, str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self.path, {"users": hashes})
        except OSError as error:
            raise ConfigError("file_unwritable", path=str(self.path), reason=error.strerror or str(error)) from error


# Who is logged in: a random token in a cookie, its hash in a file, so that a restart logs nobody out.
_MOST = 10_000


class Sessions:
    def __init__(self, path: Path, hours: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._seconds = hours * 3600
        self._clock = clock
        self._open: dict[str, tuple[str, float]] = {
            digest: (name, ends) for digest, (name, ends) in (read_json(path) or {}).items()
        }

    def begin(self, name: str) -> str:
        """Log a person in; return the token for the cookie."""
        token = secrets.token_urlsafe(32)
        self._open[_digest(token)] = (name, self._clock() + self._seconds)
        self._save()
        return token

    def who(self, token: str) -> str | None:
        """The name behind a token; None where there is none, or its time is up."""
        name, ends = self._open.get(_digest(token), ("", 0.0))
        return name if name and self._clock() < ends else None

    def end(self, token: str) -> None:
        if self._open.pop(_digest(token), None):
            self._save()

    def _save(self) -> None:
        now = self._clock()
        alive = sorted((one for one in self._open.items() if one[1][1] > now), key=lambda one: -one[1][1])
        self._open = dict(alive[:_MOST])
        write_json(self._path, self._open)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# Forged requests: every change needs a token that only a page of ours can know, and comes from no other site.
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


# Makes guessing passwords slow: after some failures a name, or an address, has to wait, twice as long each time.
_FREE = 5
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 900.0
_FORGET_AFTER = 3600.0
_MOST_KEPT = 10_000


class Throttle:
    """Counts failures by key. `free` says how many a key of each kind (its first part) has without a wait."""

    def __init__(self, free: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def wait(self, *keys: tuple[str, str]) -> float:
        """Seconds until the next attempt is heard; 0: now."""
        return max((self._wait(key) for key in keys), default=0.0)

    def _wait(self, key: tuple[str, str]) -> float:
        failures, last = self._failures.get(key, (0, 0.0))
        over = failures - self._free.get(key[0], _FREE)
        if over < 0:
            return 0.0
        return max(0.0, last + min(_FIRST_WAIT * 2.0 ** min(over, 20), _LONGEST_WAIT) - self._clock())

    def failed(self, *keys: tuple[str, str]) -> None:
        now = self._clock()
        if len(self._failures) > _MOST_KEPT:
            self._failures = {k: v for k, v in self._failures.items() if now - v[1] < _FORGET_AFTER}
        for key in keys:
            failures, last = self._failures.get(key, (0, now))
            self._failures[key] = (failures + 1 if now - last < _FORGET_AFTER else 1, now)

    def succeeded(self, *keys: tuple[str, str]) -> None:
        for key in keys:
            self._failures.pop(key, None)
