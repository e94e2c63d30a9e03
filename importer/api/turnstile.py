"""When the next request may leave: one number, of this process alone or shared by all of a user's on this host.

Whoever comes takes the moment if it has come, and moves it on; whoever comes too early learns when to come again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_NUMBER = struct.Struct("<d")


class Turnstile(Protocol):
    """`now` is always a moment of the clock that never jumps; on one host all processes have the same one."""

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        """None: a request may leave now, and the next one an interval later, less what this one came too late, up to
        the tolerance. Else the moment to come again.
        """
        ...

    def hold(self, until: float) -> None:
        """No request leaves before."""
        ...


class OwnTurnstile:
    def __init__(self, now: float) -> None:
        self._next = now

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        if self._next > now:
            return self._next
        self._next = max(self._next, now - tolerance) + interval
        return None

    def hold(self, until: float) -> None:
        self._next = max(self._next, until)


class SharedTurnstile:
    """The number stands in a file that is locked for the few microseconds of each use.

    After a restart of the host its clock begins anew: a moment further away than any hold is forgotten.
    """

    def __init__(self, path: Path, longest_hold: float) -> None:
        """Raises OSError where the file can't be made, or is not this user's own."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{path.parent} belongs to another user")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._longest_hold = longest_hold

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        if not interval:  # nothing to move on, only a hold to look at
            return self._read(now).take(now, interval, tolerance)
        with self._locked():
            turnstile = self._read(now + interval)
            again = turnstile.take(now, interval, tolerance)
            if again is None:
                self._write(turnstile)
            return again

    def hold(self, until: float) -> None:
        with self._locked():
            turnstile = self._read(until)
            turnstile.hold(until)
            self._write(turnstile)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _read(self, soonest: float) -> OwnTurnstile:
        data = os.pread(self._file, _NUMBER.size, 0)
        moment: float = _NUMBER.unpack(data)[0] if len(data) == _NUMBER.size else 0.0
        return OwnTurnstile(moment if moment < soonest + self._longest_hold + 60 else 0.0)

    def _write(self, turnstile: OwnTurnstile) -> None:
        os.pwrite(self._file, _NUMBER.pack(turnstile._next), 0)  # noqa: SLF001  two halves of one idea


def shared_by(*secrets: str, longest_hold: float, now: float) -> Turnstile:
    """The turnstile of everybody on this host who uses the same quota: that of one address and channel, say.

    Where no file can be shared, one of this process alone.
    """
    name = hashlib.sha256("\0".join(secrets).encode()).hexdigest()[:32]
    path = Path(tempfile.gettempdir()) / f"importer-{os.getuid()}" / f"{name}.pace"
    try:
        return SharedTurnstile(path, longest_hold)
    except OSError:
        return OwnTurnstile(now)
