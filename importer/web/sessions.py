"""Who is logged in: a random token in a cookie, its hash in a file, so that a restart logs nobody out."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from importer.web.kept import read_json, write_json

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
