"""What keeps a reader to its file on this system: tried by a reader itself, for `importer doctor`."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from importer.readers import limits

_NAME = "importer-reader-probe"
_HELD = ("other_files", "writing", "network", "processes", "memory", "cpu")


class Locks(msgspec.Struct, frozen=True):
    """What the kernel took on."""

    no_new_privileges: bool = False
    landlock: int = 0
    """The version of the interface that holds; 0: none."""
    seccomp: bool = False


class Protection(msgspec.Struct, frozen=True):
    """What holds for every list that is read here. The fields up to `processes` were tried, not only asked for."""

    locks: Locks
    other_files: bool
    """No other file can be read."""
    writing: bool
    """No file can be made."""
    network: bool
    """No socket can be opened."""
    processes: bool
    """No other process can be started or signalled."""
    memory: bool
    """The system holds a reader to its limit of memory."""
    cpu: bool
    """And of computing time."""

    @property
    def missing(self) -> Sequence[str]:
        """The names of what does not hold."""
        return [name for name in _HELD if not getattr(self, name)]

    @property
    def whole(self) -> bool:
        return not self.missing


def attempt(locks: Locks) -> Protection:
    """Try, in a reader, what it must not be able to do. Harmless where it can."""
    return Protection(
        locks=locks,
        other_files=_fails(_read_something),
        writing=_fails(_write_something),
        network=_fails(_open_socket),
        processes=_fails(_start_process) and _fails(_signal_parent),
        memory=limits.can_limit_memory(),
        cpu=limits.can_limit_cpu(),
    )


def _fails(what: Callable[[], None]) -> bool:
    try:
        what()
    except OSError:
        return True
    return False


def _read_something() -> None:
    os.close(os.open(os.path.expanduser("~"), os.O_RDONLY))  # noqa: PTH111  a path, not a Path: no stat before


def _write_something() -> None:
    path = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getpid()}"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    finally:
        path.unlink(missing_ok=True)


def _open_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def _start_process() -> None:
    if not hasattr(os, "fork"):
        return
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def _signal_parent() -> None:
    os.kill(os.getppid(), 0)
