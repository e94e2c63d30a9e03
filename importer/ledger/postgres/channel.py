"""A channel as the one that sends for it uses it: its lease, and the runs that wait for their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from importer.errors import LedgerBusy, LedgerError
from importer.ledger.ports import Held, Standing
from importer.ledger.postgres.connecting import Connection, connect, execute, explain
from importer.ledger.postgres.lease import LIFE, Renewing, Taken, clock, owner_name, take
from importer.ledger.postgres.ledger import PostgresLedger
from importer.ledger.postgres.tenure import Tenure

T = TypeVar("T")
_RENEWED = 4
"""Times in the life of a lease: three renewals in a row may fail."""
_SILENT = "SET statement_timeout = '4s'"
"""A renewal that takes longer is better asked for again, over a new connection."""


class PostgresChannel:
    """The runs of a channel, over a connection of its own. From any thread. Raises LedgerBusy while the server is
    away: what was asked for can be asked for again.
    """

    def __init__(self, url: str, name: str, *, life: float = LIFE) -> None:
        self.name = name
        self._url = url
        self._life, self._every = life, life / _RENEWED
        self._mutex = threading.Lock()
        self._db: Connection | None = None

    def close(self) -> None:
        with self._mutex:
            if self._db:
                self._db.close()
                self._db = None

    def _ask(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self._mutex:
            return self._over(lambda db: _rows(execute(db, query, channel=self.name, **values)))

    def _over(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._db is None or self._db.closed:
                self._db = connect(self._url, "importer channel")
            return work(self._db)
        except psycopg.Error as error:
            raise explain(error, self._url) from error

    def queue(self, run: int, *, urgent: bool, waits: bool = True) -> None:
        """Hand a run to the workers, or (`waits` False) note that this channel sends it."""
        self._ask("queue", run=run, urgent=urgent, waits=waits)

    def next_run(self) -> tuple[int, bool] | None:
        """The run whose turn it is, and whether it is urgent."""
        found = self._ask("next_queued")
        return (found[0]["run"], found[0]["urgent"]) if found else None

    def waiting(self) -> int:
        """How many runs wait, those that are to be tried again later included."""
        return int(self._ask("count_queued")[0]["n"])

    def served(self, run: int, *, waits: bool, later: float = 0.0) -> None:
        """A turn of it is over; where it still waits, its next one comes `later` seconds from now at the earliest."""
        self._ask("served", run=run, waits=waits, later=later)

    def stands(self, run: int) -> Standing | None:
        found = self._ask("queue_of", run=run)
        return Standing(**{**found[0], "owner_since": found[0]["owner_since"] or ""}) if found else None

    def owner(self) -> dict[str, str]:
        """The process that sends for the channel, and since when."""
        found = self._ask("owner_of")
        if not found:
            return {"pid": "", "host": "", "since": "", "until": ""}
        host, pid, _ = found[0]["owner"].split("/")
        return {"pid": pid, "host": host, "since": found[0]["since"], "until": found[0]["until"]}

    def take(self, ledger: PostgresLedger) -> Held | None:
        """Take the channel's lease for what this ledger writes; None: another owner has it. What earlier owners had on
        the wire is in doubt from here on.
        """
        if not self._ask("same_server")[0]["same"]:
            raise LedgerError("ledger_elsewhere", path=self._url)
        tenure, owner, lost = Tenure(self._life), owner_name(), list[int]()

        def take_over(_: Taken) -> None:
            assert self._db
            lost.append(execute(self._db, "lost_of_channel", channel=self.name).rowcount)

        with self._mutex:
            taken = self._over(lambda db: take(db, tenure, self.name, owner, backend=ledger.backend, also=take_over))
        if taken is None:
            return None
        lease = Lease(self, self._url, ledger, tenure, owner, taken, lost[-1], every=self._every)
        ledger.fence(lease)
        return lease

    def claim(self, run: int, token: int) -> int | None:
        lost: int | None = self._ask("claim", run=run, token=token)[0]["lost"]
        return lost

    def unclaim(self, owner: str) -> None:
        self._ask("unclaim", owner=owner)


class Lease:
    """A lease that was taken: what the gate asks, what the ledger's writer fences with."""

    def __init__(
        self,
        channel: PostgresChannel,
        url: str,
        ledger: PostgresLedger,
        tenure: Tenure,
        owner: str,
        taken: Taken,
        lost: int,
        *,
        every: float,
    ) -> None:
        self._channel, self._url, self._ledger = channel, url, ledger
        self._tenure, self._owner, self._every = tenure, owner, every
        self._token = taken.token
        self._renewing: Renewing | None = None
        self.state, self.age = taken.state, taken.age
        self.lost, self.taken_at = lost, time.monotonic()

    @property
    def channel(self) -> str:
        return self._channel.name

    @property
    def token(self) -> int:
        return self._token

    def holds(self) -> bool:
        return self._tenure.holds(clock())

    def now(self) -> None:
        if self._renewing:
            self._renewing.now()

    def claim(self, run: int) -> int | None:
        return self._channel.claim(run, self._token)

    def unclaim(self) -> None:
        self._channel.unclaim(self._owner)

    @contextmanager
    def kept(self, told: Callable[[], Mapping[str, Any]], on_lost: Callable[[], None]) -> Iterator[None]:
        try:
            with Renewing(
                self._connect, self._tenure, self.channel, told=told, on_lost=on_lost, every=self._every
            ) as self._renewing:
                yield
        finally:
            self._ledger.fence(None)

    def _connect(self) -> psycopg.Connection[Any]:
        db = connect(self._url, "importer lease")
        db.execute(_SILENT)
        return db

    def take_again(self, db: Connection) -> None:
        """The ledger's connection was lost: go on over this one, unless another owner was in between."""
        try:
            taken = take(db, self._tenure, self.channel, self._owner, backend=db.info.backend_pid, last=self._token)
        except psycopg.Error as error:
            raise explain(error, self._url) from error
        if taken is None or not taken.followed_itself:
            self._tenure.over()
            raise LedgerBusy("ledger_taken_over", path=self._url)
        self._token = taken.token


def _rows(cursor: psycopg.Cursor[dict[str, Any]]) -> list[dict[str, Any]]:
    return cursor.fetchall() if cursor.description else []
