"""Starts readers and ends them, from the parent's side. Light: the command's first act is to start the helper.

On Linux one helper is loaded once and forks a reader for each list (helper.py); elsewhere a process is started for
each list (alone.py). Either way it is in a session of its own, so that Ctrl-C is the parent's alone.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

_INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TMP",
)
"""Nothing else of the environment reaches a reader: a token stands there."""
_OURS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",  # else it starts a thread per core, with a stack each
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # what is forked, and locked up, is to be one thread
}
_ROOT = str(Path(__file__).parents[2])
_PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from importer.readers.{module} import main; main({argument})"
_MOST_WAIT = 10.0
"""Seconds until a reader that was killed must have ended."""
_PIPE = 1 << 20
"""Bytes that a pipe may hold: the most that Linux gives a user without asking."""

# What the helper says of a reader (helper.py), by a socket of the reader's own.
STARTED = struct.Struct("<i")
"""Its process id, or the negated errno of a fork that failed."""
ENDED = struct.Struct("<iqd")
"""The fields of `Ended`."""
PIPES = 3
"""A start hands over: where the job comes from, where frames go to, and that socket."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a reader ended."""

    status: int
    """The exit status, or the negated number of the signal that ended it."""
    peak_kilobytes: int = 0
    cpu_seconds: float = 0.0


class Reader(Protocol):
    """A process that reads one list."""

    frames: int
    """The pipe that its frames come by. Who reads it closes it."""
    pid: int

    def tell(self, job: bytes) -> None:
        """Hand it the job. Raises BrokenPipeError where it has ended."""
        ...

    def end(self, wait: float) -> Ended:
        """Wait so many seconds for its end, then kill it. Safe to call twice."""
        ...


class NotStartedError(Exception):
    """The system has no room for one more process."""


@cache
def can_fork() -> bool:
    """Whether the kernel can tell of the end of a child by a descriptor (Linux 5.3), which the helper waits for."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def start_early() -> None:
    """Start loading what readers need, beside what the command needs. Says nothing where that fails: `start` will."""
    if can_fork():
        with suppress(OSError):
            _helper.start()


def start(*, forked: bool | None = None) -> Reader:
    """A new reader, ready for its job: forked from the helper where that can be done, unless `forked` says otherwise.
    Raises NotStartedError.
    """
    try:
        return _helper.fork() if (can_fork() if forked is None else forked) else _Alone()
    except OSError as error:
        raise NotStartedError(error.strerror or str(error)) from error


def _command(module: str, argument: str, number: int) -> list[str]:
    path = [entry for entry in sys.path if entry and Path(entry).is_absolute() and entry != _ROOT]
    program = _PROGRAM.format(module=module, argument=argument)
    return [sys.executable, "-I", "-S", "-c", program, str(number), _ROOT, *path]


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | _OURS


def _errors() -> int | None:
    """Native code speaks of its panics on standard error, and only a developer wants to hear that."""
    return None if sys.flags.dev_mode else subprocess.DEVNULL


class _Helper:
    """The one helper of this process, started when it is needed, and again if it should have died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def start(self) -> None:
        """Idempotent."""
        with self._lock:
            self._running()

    def _running(self) -> socket.socket:
        if self._control and self._owner == os.getpid():
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = theirs.fileno()
        self._process = subprocess.Popen(  # noqa: S603  our own program
            _command("helper", "int(sys.argv[1])", number),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=_errors(),
            env=_environment(), pass_fds=[number], start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._control, self._owner = ours, os.getpid()
        atexit.register(self.stop)
        return ours

    def fork(self) -> Reader:
        """Raises OSError."""
        with self._lock:
            try:
                return _Forked(self._running())
            except (BrokenPipeError, ConnectionError):
                self._stop()
                return _Forked(self._running())

    def stop(self) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._process and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


_helper = _Helper()


class _Forked:
    """A reader that the helper has forked."""

    def __init__(self, control: socket.socket) -> None:
        their_jobs, self._jobs = os.pipe()
        self.frames, their_frames = os.pipe()
        self._channel, theirs = socket.socketpair()
        self._ended: Ended | None = None
        self._ending = threading.Lock()
        try:
            _widen(self.frames)
            socket.send_fds(control, [b"."], [their_jobs, their_frames, theirs.fileno()])
        except BaseException:
            self._close(self.frames)
            raise
        finally:
            os.close(their_jobs)
            os.close(their_frames)
            theirs.close()
        self.pid = self._started()

    def _started(self) -> int:
        words = self._channel.recv(STARTED.size)
        pid = STARTED.unpack(words)[0] if len(words) == STARTED.size else -errno.EPIPE
        if pid < 0:
            self._close(self.frames)
            raise OSError(-pid, os.strerror(-pid))
        return int(pid)

    def _close(self, *more: int) -> None:
        for pipe in (self._jobs, *more):
            os.close(pipe)
        self._channel.close()

    def tell(self, job: bytes) -> None:
        while job:
            job = job[os.write(self._jobs, job) :]

    def end(self, wait: float) -> Ended:
        with self._ending:  # who waits for frames, and who watches how long
            if self._ended is None:
                self._ended = self._wait(wait) or self._kill()
                self._close()
            return self._ended

    def _wait(self, seconds: float) -> Ended | None:
        self._channel.settimeout(max(seconds, 1e-6))
        try:
            words = self._channel.recv(ENDED.size)
        except TimeoutError:
            return None
        # The helper has died, and its readers' pipes to it with it: nothing tells how this one ended.
        return Ended(*ENDED.unpack(words)) if len(words) == ENDED.size else Ended(-signal.SIGKILL)

    def _kill(self) -> Ended:
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
        return self._wait(_MOST_WAIT) or Ended(-signal.SIGKILL)


class _Alone:
    """A reader in a process that was started for it alone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own program
            _command("alone", "", 0),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=_errors(),
            bufsize=0, env=_environment(), start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._stdin = self._process.stdin
        self.frames = os.dup(self._process.stdout.fileno())
        self._process.stdout.close()
        self.pid = self._process.pid

    def tell(self, job: bytes) -> None:
        while job:
            job = job[self._stdin.write(job) or 0 :]

    def end(self, wait: float) -> Ended:
        try:
            status = self._process.wait(wait)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        with suppress(OSError):
            self._stdin.close()
        return Ended(status)


def _widen(pipe: int) -> None:
    with suppress(ImportError, OSError):
        import fcntl  # noqa: PLC0415  not on Windows

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
