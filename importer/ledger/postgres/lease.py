"""The lease of a channel over psycopg: taken for a connection that writes, renewed by a thread with one of its own.

The rules are in lease.sql, the owner's own view of them in tenure.py. What they hold together is tried
in every order by tests/unit/leasing.py.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.errors import LockNotAvailable
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from importer.errors import LedgerError
from importer.ledger.postgres.tenure import Tenure

LIFE = 10.0
"""Seconds that a lease lasts without being renewed."""
EVERY = 2.5
"""Seconds from one renewal to the next: three may fail."""
_AGAIN = 0.2
"""Seconds until a renewal that the server has not answered is tried again."""
FENCED = "SL001"
"""The SQLSTATE with which a write of an old token is refused."""

Connect = Callable[[], psycopg.Connection[Any]]
"""Opens a connection in autocommit, with time limits of its own for a server that has gone silent."""


def schema() -> str:
    """The table and the functions of the lease."""
    return (resources.files(__package__) / "lease.sql").read_text("utf-8")


def owner_name() -> str:
    """A name that no other process has or ever had: the host's, for people, and chance."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def clock() -> float:
    """Goes on while the machine sleeps: its lease does, too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease that is this owner's from now on."""

    token: int
    state: Mapping[str, Any]
    """What the owner before knew of the API."""
    age: float
    """Seconds since it was noted."""
    followed_itself: bool
    """No other owner was in between: what is on the wire is this one's own."""


def take(
    connection: psycopg.Connection[Any],
    tenure: Tenure,
    channel: str,
    owner: str,
    *,
    backend: int,
    last: int = 0,
    also: Callable[[Taken], None] = lambda _: None,
) -> Taken | None:
    """Take the lease for the owner that writes over the connection with this backend; None: another owner has it.

    `last` is the token that this owner had last. `also` is done in the same transaction: what follows for chunks whose
    requests another owner may have begun. The lease counts from before it was asked for.
    """
    asked_at = clock()
    try:
        taken = _taken(connection, channel, owner, backend, tenure.life, last, also)
    except LockNotAvailable:
        connection.execute("SELECT lease_evict(%s, %s)", (channel, owner))
        asked_at = clock()
        try:
            taken = _taken(connection, channel, owner, backend, tenure.life, last, also)
        except LockNotAvailable:
            return None
    if taken:
        tenure.granted(taken.token, asked_at)
    return taken


def _taken(
    connection: psycopg.Connection[Any],
    channel: str,
    owner: str,
    backend: int,
    life: float,
    last: int,
    also: Callable[[Taken], None],
) -> Taken | None:
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '1s'")
        row = (
            connection.cursor(row_factory=tuple_row)
            .execute(
                "SELECT granted, state, age FROM lease_take(%s, %s, make_interval(secs => %s), %s)",
                (channel, owner, life, backend),
            )
            .fetchone()
        )
        if row is None:
            return None
        taken = Taken(row[0], row[1], row[2], followed_itself=bool(last) and row[0] == last + 1)
        also(taken)
        return taken


class Renewing:
    """Keeps a lease while it is open, and gives it free at the end. `told` gives what the next owner must know."""

    def __init__(
        self,
        connect: Connect,
        tenure: Tenure,
        channel: str,
        *,
        told: Callable[[], Mapping[str, Any]],
        on_lost: Callable[[], None],
        every: float = EVERY,
    ) -> None:
        """`on_lost` is called once, from the thread, if another owner has taken the lease."""
        self._connect = connect
        self._tenure = tenure
        self._channel = channel
        self._told = told
        self._on_lost = on_lost
        self._every = every
        self._wake = threading.Event()
        self._end = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No request may be under way any more, and all writes are durable."""
        token = self._tenure.token
        self._tenure.over()
        self._end.set()
        self._wake.set()
        self._thread.join()
        if token is not None:
            self._say("SELECT lease_free(%s, %s, %s)", self._channel, token, Jsonb(dict(self._told())))
        if self._connection:
            self._connection.close()

    def now(self) -> None:
        """Renew at once: there is something that the next owner must know (a Retry-After)."""
        self._wake.set()

    def _run(self) -> None:
        answered = True
        while not self._end.is_set():
            self._wake.wait(self._every if answered else _AGAIN)
            self._wake.clear()
            token = self._tenure.token
            if token is not None and not self._end.is_set():
                answered = self._renew(token)

    def _renew(self, token: int) -> bool:
        """Whether the server has answered."""
        asked_at = clock()
        kept = self._say(
            "SELECT lease_renew(%s, %s, make_interval(secs => %s), %s)",
            self._channel,
            token,
            self._tenure.life,
            Jsonb(dict(self._told())),
        )
        if kept:
            self._tenure.renewed(token, asked_at)
        elif kept is False and self._tenure.token == token:
            self._tenure.over()
            self._on_lost()
        return kept is not None

    def _say(self, statement: str, *values: object) -> bool | None:
        """The server's answer; None where it gave none: then the next renewal tries it on a new connection."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            row = self._connection.cursor(row_factory=tuple_row).execute(statement, values).fetchone()
        except (psycopg.Error, LedgerError):
            if self._connection:
                self._connection.close()
                self._connection = None
            return None
        return bool(row and row[0])
