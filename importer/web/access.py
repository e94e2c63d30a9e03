"""Who may use the page, who is logged in, whose request it is. Knows no pages."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from importer.config.settings import Settings
from importer.errors import ConfigError
from importer.web.durable import make_private, read_json, write_json

ROLES = ("viewer", "planner", "releaser")
_ROLE = "planner"
SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_UNTYPABLE = frozenset({"Cc", "Cs", "Cn"})
"""Categories of characters that no form of a browser sends as they are: controls, and what is no character."""
_HASHER = PasswordHasher()
_STRANGER = _HASHER.hash("the password of an unknown name")
"""What the password of an unknown name is held against: both take the same time."""


def users_of(settings: Settings) -> Users:
    """The users that are configured: the file that `web.users_file` names, else users.json beside the ledger."""
    beside = settings.ledger.directory
    named = settings.web.users_file
    if named and named.is_dir():
        raise ConfigError("users_file_is_directory", path=str(named))
    return Users(named or beside / "users.json", beside / "uploads" / ".server" / "closed.json", named=bool(named))


class Users:
    """Names and argon2 hashes in one file, made by `importer user add`, which is read again whenever it has changed.

    Once there have been users the page is closed for good: `mark` is a file that says so, whatever becomes of theirs.
    """

    def __init__(self, path: Path, mark: Path, *, named: bool = False) -> None:
        self.path = path
        self._mark = mark
        self._closed = named
        self._stamp: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}
        self._roles: dict[str, str] = {}

    @property
    def closed(self) -> bool:
        """Whether people have to log in."""
        if not self._closed and (self._mark.exists() or self.path.exists()):
            self._closed = True
            self._set_mark()
        return self._closed

    def must_open(self) -> None:
        """Raise ConfigError if nobody could log in to a page that is closed."""
        if self.closed and not self._read():
            raise ConfigError("users_none", path=str(self.path), mark=str(self._mark))

    def names(self) -> list[str]:
        """Raises ConfigError if the file can't be read, or is missing although there have been users."""
        return sorted(self._read())

    def role_of(self, name: str) -> str:
        """viewer, planner or releaser: planner where none was given."""
        return self._roles.get(name, _ROLE) if name in self._read() else "viewer"

    def mark_of(self, name: str) -> str:
        """Stands for a user's present password, to be kept in a session; empty if there is no such user."""
        stored = self._read().get(name, "")
        return hashlib.sha256(stored.encode()).hexdigest()[:32] if stored else ""

    def verify(self, name: str, password: str) -> bool:
        """Whether the password is right. Takes some 50 ms by intent: not from an event loop."""
        stored = self._read().get(name)
        try:
            return _HASHER.verify(stored or _STRANGER, _composed(password)) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False

    def add(self, name: str, password: str, role: str = "") -> bool:
        """Add a user, or give one a new password, and a role where one is named; return whether it is a new one. Raises
        ConfigError.
        """
        if role and role not in ROLES:
            raise ConfigError("user_role_wrong", found=role, known=list(ROLES))
        if not _NAME.fullmatch(name):
            raise ConfigError("user_name_wrong", name=name)
        if len(password) < SHORTEST:
            raise ConfigError("password_short", n=len(password), least=SHORTEST)
        if len(password) > LONGEST:
            raise ConfigError("password_long", n=len(password), most=LONGEST)
        if any(unicodedata.category(char) in _UNTYPABLE for char in password):
            raise ConfigError("password_untypable")
        hashes = self._read() if self.path.exists() else {}
        roles = {**self._roles, **({name: role} if role else {})}
        self._write({**hashes, name: _HASHER.hash(_composed(password))}, roles)
        self._set_mark()
        return name not in hashes

    def remove(self, name: str) -> None:
        """Raises ConfigError if there is no such user."""
        hashes = dict(self._read())
        if hashes.pop(name, None) is None:
            raise ConfigError("user_missing", path=str(self.path), name=name, users=list(hashes))
        self._set_mark()
        self._write(hashes, {one: role for one, role in self._roles.items() if one != name})

    def _read(self) -> dict[str, str]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            if self.closed:
                raise ConfigError("users_file_missing", path=str(self.path), mark=str(self._mark)) from None
            return {}
        except OSError as error:
            raise self._unreadable(error) from error
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            (self._hashes, self._roles), self._stamp = self._parsed(), stamp
        return self._hashes

    def _parsed(self) -> tuple[dict[str, str], dict[str, str]]:
        """Hashes and roles, by name."""
        try:
            whole = json.loads(self.path.read_text("utf-8"))
            users, roles = whole["users"], whole.get("roles", {})
            known = {str(name): ROLES[ROLES.index(role)] for name, role in roles.items()}
            return {str(name): str(value) for name, value in users.items()}, known
        except OSError as error:
            raise self._unreadable(error) from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError("users_file_wrong", path=str(self.path)) from error

    def _write(self, hashes: dict[str, str], roles: dict[str, str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self.path, {"users": hashes, "roles": roles})
        except OSError as error:
            raise ConfigError("file_unwritable", path=str(self.path), reason=error.strerror or str(error)) from error

    def _set_mark(self) -> None:
        try:
            if not self._mark.exists():
                make_private(self._mark.parent)
                write_json(self._mark, {"users_file": str(self.path)})
        except OSError as error:
            raise ConfigError("file_unwritable", path=str(self._mark), reason=error.strerror or str(error)) from error

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError("users_file_unreadable", path=str(self.path), reason=error.strerror or str(error))


def _composed(password: str) -> str:
    """One form for é as one character and as two: keyboards of two systems send the same password differently."""
    return unicodedata.normalize("NFC", password)


# Who is logged in: a random token in a cookie, its hash in a file, so that a restart logs nobody out.
_MOST = 10_000
_SAVED_EVERY = 60.0


@dataclass(slots=True)
class Session:
    name: str
    ends: float
    mark: str
    """`Users.mark_of` when it began: a new password ends it."""
    seen: float
    """When its person last did something."""


class Sessions:
    """A session ends with its time, after `idle` minutes without a request of its person, and with the password."""

    def __init__(self, path: Path, hours: float, idle: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._seconds = hours * 3600
        self._idle = idle * 60 or float("inf")
        self._clock = clock
        self._saved = 0.0
        self._open: dict[str, Session] = {}
        kept = read_json(path)
        for digest, values in (kept if isinstance(kept, dict) else {}).items():
            if isinstance(values, list) and len(values) == len(Session.__slots__):
                self._open[digest] = Session(*values)

    def begin(self, name: str, mark: str) -> str:
        """Log a person in; return the token for the cookie."""
        token, now = secrets.token_urlsafe(32), self._clock()
        self._open[_digest(token)] = Session(name, now + self._seconds, mark, now)
        self._save()
        return token

    def who(self, token: str, mark_of: Callable[[str], str], *, active: bool) -> str:
        """The name behind a token; empty if its time is up. `active`: its person, and no page by itself, asks now."""
        session = self._open.get(_digest(token)) if token else None
        now = self._clock()
        if session is None or now >= session.ends or now >= session.seen + self._idle:
            return ""
        if not session.mark or session.mark != mark_of(session.name):
            return ""
        if active:
            session.seen = now
            if now > self._saved + _SAVED_EVERY:
                self._save()
        return session.name

    def end(self, token: str) -> None:
        if self._open.pop(_digest(token), None):
            self._save()

    def _save(self) -> None:
        self._saved = now = self._clock()
        alive = sorted((one for one in self._open.items() if one[1].ends > now), key=lambda one: -one[1].ends)
        self._open = dict(alive[:_MOST])
        write_json(self._path, {digest: [one.name, one.ends, one.mark, one.seen] for digest, one in self._open.items()})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# Forged requests: every change needs a token that only a page of ours can know, and comes from no other site.
_SEED = "csrf_seed"


class Csrf:
    """The token is a MAC of a seed in a cookie; the cookie goes to our own pages alone (SameSite=Strict)."""

    def __init__(self, secret: bytes, cookie: str) -> None:
        self._secret = secret
        self.cookie = cookie

    def token(self, request: web.Request) -> str:
        """For the page that answers this request."""
        seed: str = request.get(_SEED) or request.cookies.get(self.cookie) or secrets.token_hex(16)
        request[_SEED] = seed
        return self._mac(seed)

    def new_seed(self, request: web.Request) -> str:
        """What the answer's cookie is to hold; empty if the browser has it already."""
        seed: str = request.get(_SEED, "")
        return "" if seed == request.cookies.get(self.cookie) else seed

    def holds(self, request: web.Request, token: str) -> bool:
        seed = request.cookies.get(self.cookie, "")
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
