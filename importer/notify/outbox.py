"""What is to be told, kept on disk until it is: a message is told once, however often it is handed over.

entries/<id>.json     lists that the next digest names
pending/<id>.json     messages, with the channels that have not got them yet
sent/<id>.json        what was told: known again for a while
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

_DIGEST_AT = "digest-at.txt"
_KEPT_FOR = 90 * 86_400.0
"""Seconds."""


def identity_of(*keys: str) -> str:
    return hashlib.sha256("\0".join(keys).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Outbox:
    """Raises OSError where it can't be read or written."""

    directory: Path

    def knows(self, identity: str) -> bool:
        return any(self._place(room, identity).exists() for room in ("entries", "pending", "sent"))

    def keep_entry(self, identity: str, entry: Mapping[str, Any]) -> None:
        self._write("entries", identity, entry)

    def keep(self, identity: str, message: Mapping[str, Any], channels: Sequence[str]) -> None:
        """Have a message told by all channels."""
        waits = {name: {"tries": 0, "next_at": 0.0} for name in channels}
        self._write("pending", identity, {"message": message, "waits": waits})

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Oldest first."""
        return list(self._read("entries"))

    def made_digest(self, identities: Sequence[str]) -> None:
        """These stand in a message that is kept by now."""
        for identity in identities:
            self._move("entries", identity)

    def digest_at(self) -> datetime | None:
        """When the next digest is due; None: that was never written down."""
        place = self.directory / _DIGEST_AT
        return datetime.fromisoformat(place.read_text("ascii")) if place.exists() else None

    def next_digest_at(self, at: datetime) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.directory / f"{_DIGEST_AT}.part"
        draft.write_text(at.isoformat(), "ascii")
        draft.replace(self.directory / _DIGEST_AT)

    def pending(self) -> list[tuple[str, dict[str, Any]]]:
        return list(self._read("pending"))

    def waits_on(self, identity: str, kept: Mapping[str, Any]) -> None:
        """Write down which channels have a message still to tell; none: it is sent."""
        self._write("pending", identity, kept)
        if not kept["waits"]:
            self._move("pending", identity)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process is the one that tells: False where another one does."""
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.directory / ".lock", timeout=0, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def forget_old(self) -> None:
        sent = self.directory / "sent"
        for path in sent.iterdir() if sent.is_dir() else ():
            if time.time() - path.stat().st_mtime > _KEPT_FOR:
                path.unlink(missing_ok=True)

    def _place(self, room: str, identity: str) -> Path:
        return self.directory / room / f"{identity}.json"

    def _write(self, room: str, identity: str, content: Mapping[str, Any]) -> None:
        place = self._place(room, identity)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = place.with_suffix(".part")
        draft.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        draft.replace(place)

    def _move(self, room: str, identity: str) -> None:
        sent = self._place("sent", identity)
        sent.parent.mkdir(exist_ok=True)
        self._place(room, identity).replace(sent)

    def _read(self, room: str) -> Iterator[tuple[str, dict[str, Any]]]:
        place = self.directory / room
        found = [path for path in (place.iterdir() if place.is_dir() else ()) if path.suffix == ".json"]
        for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name)):
            yield path.stem, json.loads(path.read_text("utf-8"))
