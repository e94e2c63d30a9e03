"""The process that readers are forked from (Linux): it loads everything once, reads no list itself, knows no secret.

One thread only, so that a fork is safe and what locks a reader up covers all of it.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from importer.readers import child
from importer.readers.starting import ENDED, PIPES, STARTED
from importer.runtime import loaded
from importer.sources import epcis, epcis_json, epcis_xml  # noqa: F401  a reader finds them loaded

_CHUNK = 64
_HIGHEST_KEPT = 4
_CODECS = ("cp1250", "cp1251", "cp1252", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "idna")


@dataclass(slots=True)
class _Reader:
    pid: int
    ended: int
    """A descriptor that can be read once the process has ended."""
    parent: socket.socket


def main(control: int) -> NoReturn:
    """Fork a reader for whatever comes by the socket, until it is closed."""
    _load()
    Helper(socket.socket(fileno=control)).serve()


def _load() -> None:
    for name in _CODECS:
        "".encode(name)
    loaded()
    gc.freeze()


class Helper:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._readers: list[_Reader] = []
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> NoReturn:
        while True:
            ready = {fd for fd, _ in self._poll.poll()}
            for reader in list(self._readers):
                if reader.ended in ready:
                    self._report(reader)
                elif reader.parent.fileno() in ready:
                    self._end(reader)
            if self._control.fileno() in ready:
                self._start()

    def _start(self) -> None:
        _, pipes, _, _ = socket.recv_fds(self._control, _CHUNK, PIPES)
        if len(pipes) < PIPES:
            for reader in self._readers:
                os.kill(reader.pid, signal.SIGKILL)
            os._exit(0)  # the parent has gone
        jobs, frames, parent = pipes
        try:
            pid = os.fork()
        except OSError as error:
            pid = -(error.errno or 1)
        if pid == 0:
            _become_reader(jobs, frames)
        os.close(jobs)
        os.close(frames)
        channel = socket.socket(fileno=parent)
        _tell(channel, STARTED.pack(pid))
        if pid < 0:
            channel.close()
            return
        reader = _Reader(pid, os.pidfd_open(pid), channel)
        self._readers.append(reader)
        self._poll.register(reader.ended, select.POLLIN)
        self._poll.register(channel, select.POLLIN)

    def _report(self, reader: _Reader) -> None:
        _, status, usage = os.wait4(reader.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        _tell(reader.parent, ENDED.pack(code, usage.ru_maxrss, usage.ru_utime + usage.ru_stime))
        self._readers.remove(reader)
        self._poll.unregister(reader.ended)
        if reader.parent.fileno() >= 0:
            self._forget_parent(reader)
            reader.parent.close()
        os.close(reader.ended)

    def _end(self, reader: _Reader) -> None:
        """The parent said so, or has closed its end."""
        os.kill(reader.pid, signal.SIGKILL)
        self._forget_parent(reader)

    def _forget_parent(self, reader: _Reader) -> None:
        with suppress(KeyError):
            self._poll.unregister(reader.parent)


def _tell(channel: socket.socket, what: bytes) -> None:
    with suppress(OSError):  # it has gone
        channel.send(what)


def _become_reader(jobs: int, frames: int) -> NoReturn:
    """In the child of a fork: keep its own two pipes, and no descriptor of the helper or of another reader."""
    try:
        os.dup2(jobs, 0)
        os.dup2(frames, _HIGHEST_KEPT - 1)
        os.closerange(_HIGHEST_KEPT, 1 << 20)
        child.serve(0, _HIGHEST_KEPT - 1)
    finally:
        os._exit(child.UNHEARD)
