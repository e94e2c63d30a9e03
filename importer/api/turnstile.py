"""When the next request may leave: one number, of this process alone or shared by all on this host that use a quota.

A caller takes the next send time if it is due, and advances it; one that comes too early learns when to come again.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

try:
    import fcntl
    import pwd
except ImportError:  # Windows: its imports don't share a quota, and say so
    fcntl = pwd = None  # type: ignore[assignment]

_NUMBERS = struct.Struct("<dd")
_BUSY_SECONDS = 0.002
"""Another process is in its few microseconds with the file: come again."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Turnstile(Protocol):
    """`now` is always a moment of the clock that never jumps; on one host all processes have the same one."""

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        """None: a request may leave now, and the next one an interval later, less what this one came too late, up to
        the tolerance. Else the moment to come again.
        """
        ...

    def due(self, now: float) -> float:
        """The moment from which a request may leave; nothing is taken."""
        ...

    def hold(self, now: float, until: float) -> None:
        """No request leaves before."""
        ...


class OwnTurnstile:
    """Of this process alone."""

    def __init__(self, now: float) -> None:
        self._next = now

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        if self._next > now:
            return self._next
        self._next = max(self._next, now - tolerance) + interval
        return None

    def due(self, now: float) -> float:  # noqa: ARG002  the shared one needs it
        return self._next

    def hold(self, now: float, until: float) -> None:  # noqa: ARG002
        self._next = max(self._next, until)


class SharedTurnstile:
    """The moment is in a file that is locked for the few microseconds of each use.

    The file's name holds what shares it: host, address, channel. Beside the moment it holds when that was written: one
    that was written later than now is of the host's life before its last start, and forgotten.
    """

    def __init__(self, path: Path, *, others: bool = False) -> None:
        """`others`: other users may share it, too. Raises OSError where the file can't be made, or belongs to another
        user though they may not.
        """
        if fcntl is None:
            raise OSError("this system has no locks of a part of a second (fcntl)")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not others and path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{path.parent} belongs to another user")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        made = os.fstat(self._file)
        if others and made.st_uid == os.getuid():
            os.fchmod(self._file, 0o660 | (path.parent.stat().st_mode & stat.S_IWOTH and 0o666))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def take(self, now: float, interval: float, tolerance: float) -> float | None:
        if not interval:  # nothing to advance, only a hold to look at
            return self._read(now).take(now, interval, tolerance)
        with self._locked() as mine:
            if not mine:
                return now + _BUSY_SECONDS
            turnstile = self._read(now)
            again = turnstile.take(now, interval, tolerance)
            if again is None:
                self._write(turnstile, now)
            return again

    def due(self, now: float) -> float:
        return self._read(now).due(now)

    def hold(self, now: float, until: float) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            turnstile = self._read(now)
            turnstile.hold(now, until)
            self._write(turnstile, now)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether the lock is ours: waiting for it would stop the whole loop where another process is halted in it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _read(self, now: float) -> OwnTurnstile:
        data = os.pread(self._file, _NUMBERS.size, 0)
        moment, written = _NUMBERS.unpack(data) if len(data) == _NUMBERS.size else (0.0, 0.0)
        return OwnTurnstile(moment if written <= now else 0.0)

    def _write(self, turnstile: OwnTurnstile, now: float) -> None:
        os.pwrite(self._file, _NUMBERS.pack(turnstile.due(now), now), 0)


def shared_by(*names: str, directory: Path | None) -> SharedTurnstile:
    """The turnstile of all imports on this host that use the same quota: that of one address and channel, say.

    It is in `directory`, which several users may share, or else in the state directory of this user: by the user's
    entry in the system, never by the environment, which differs between a shell, cron and a service. Raises OSError.
    """
    name = hashlib.sha256("\0".join((_host(), *names)).encode()).hexdigest()[:32]
    return SharedTurnstile((directory or state_directory()) / f"{name}.pace", others=directory is not None)


def state_directory() -> Path:
    """Where this user's processes share what is no record. Raises OSError where the user has no home."""
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError as cause:
        raise FileNotFoundError(f"user {os.getuid()} has no home directory") from cause
    return Path(home) / ".local" / "state" / "serial-importer"


def _host() -> str:
    """Tells hosts apart that share a home directory: each has a clock of its own."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return socket.gethostname()
