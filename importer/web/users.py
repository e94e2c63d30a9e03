"""Who may use the page: names and argon2 hashes in one file, made by `importer user add`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from importer.errors import ConfigError
from importer.web.kept import write_json

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
            raise ConfigError(f"{name!r} can't be a user's name: use letters, digits and . _ @ -, 64 at most")
        if len(password) < SHORTEST:
            raise ConfigError(f"the password has {len(password)} characters; at least {SHORTEST} are expected")
        self._write({**self._read(), name: _HASHER.hash(password)})

    def remove(self, name: str) -> None:
        """Raises ConfigError where there is no such user."""
        hashes = dict(self._read())
        if hashes.pop(name, None) is None:
            raise ConfigError(f"{self.path} has no user {name!r}: it has {', '.join(hashes) or 'none'}")
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
            raise ConfigError(f"{self.path} is no file of users: make one with `importer user add NAME`") from error

    def _write(self, hashes: dict[str, str]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self.path, {"users": hashes})
        except OSError as error:
            raise ConfigError(f"{self.path} can't be written: {error.strerror}") from error
