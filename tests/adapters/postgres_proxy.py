"""A stretch of network between the importer and PostgreSQL: it may be long, and it may break at the worst moment."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

_BLOCK = 1 << 16


class Proxy:
    """Listens on a port of its own. `trips` counts round trips: each time that the server answers what it was asked."""

    def __init__(self, server: Path, delay: float = 0.0) -> None:
        """`server`: its socket. `delay`: seconds from asking to answering."""
        self._server, self._delay = server, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self.trips = 0
        self._cut = ""
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str) -> str:
        return f"postgresql://importer@127.0.0.1:{self._listener.getsockname()[1]}/{database}"

    def lose_the_next_answer(self) -> None:
        """The server does what it is asked next, but its answer never arrives: the connection breaks before it."""
        self._cut = "answer"

    def lose_the_next_request(self) -> None:
        """The connection breaks before the server hears of it."""
        self._cut = "request"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for end in list(self._open):
            _close(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._open |= {client, server}
                asked = threading.Event()
                for work in (self._asking, self._answering):
                    threading.Thread(target=work, args=(client, server, asked), daemon=True).start()

    def _asking(self, client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(_BLOCK):
                if self._cut == "request":
                    self._cut = ""
                    break
                asked.set()
                server.sendall(data)
        _close(client)
        _close(server)

    def _answering(self, client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(_BLOCK):
                if asked.is_set():
                    asked.clear()
                    with self._mutex:
                        self.trips += 1
                    time.sleep(self._delay)
                if self._cut == "answer":
                    self._cut = ""
                    break
                client.sendall(data)
        _close(client)
        _close(server)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
