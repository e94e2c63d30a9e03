"""What one session alone may do: stage its own runs, and send into a target. Held by locks of its session, which end
with it; so no write can come from one that has lost them.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import Any

import psycopg

from importer.errors import LedgerBusy
from importer.ledger.postgres.connecting import Connection, execute
from importer.model import RunState

_PATIENCE = "10s"
"""For a backend that was told to end."""
_MOMENT = "1s"
"""For that of a process which has just been killed."""


@dataclass(slots=True)
class _Target:
    taken: int
    """The how manieth sender into it this one is."""
    runs: set[int] = field(default_factory=set)


class Locks:
    """Used by the writer's thread only, over the connection that writes."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._staging: set[int] = set()
        self._targets: dict[str, _Target] = {}

    def new_run(self, db: Connection) -> int:
        """A number for a run that is this session's to stage."""
        num = int(_one(db, "run_nums")["num"])
        execute(db, "lock", name=_staging(num))
        self._staging.add(num)
        return num

    def staged(self, db: Connection, run: int) -> None:
        """It exists, and is not this session's alone any more."""
        self._staging.discard(run)
        execute(db, "unlock", name=_staging(run))

    def give_up_staging(self, db: Connection) -> int:
        for run in self._staging:
            execute(db, "unlock", name=_staging(run))
        self._staging.clear()
        return self.forget_half_staged(db)

    def forget_half_staged(self, db: Connection) -> int:
        """Forget the runs whose staging was cut short, but those that other sessions are at; return how many."""
        forgotten = 0
        for run in [row["num"] for row in execute(db, "half_staged")]:
            if run in self._staging or not _one(db, "try_lock", name=_staging(run))["held"]:
                continue
            if _one(db, "run_by_num", run=run)["state"] == RunState.STAGING:  # and not staged meanwhile
                _forget(db, run)
                forgotten += 1
            execute(db, "unlock", name=_staging(run))
        return forgotten

    def send(self, db: Connection, run: int, *, leased: bool) -> None:
        """From here on this session may send into the run's target: alone, or where it has the lease of a channel, with
        others that have one. Raises LedgerBusy.
        """
        target = str(_one(db, "run_by_num", run=run)["target"])
        if target not in self._targets:
            try:
                with db.transaction():
                    db.execute(f"SET LOCAL lock_timeout = '{_MOMENT}'".encode())
                    execute(db, "lock_shared" if leased else "lock", name=_sending(target))
            except psycopg.errors.LockNotAvailable:
                raise LedgerBusy("ledger_busy", path=self._place, holder=self._holder(db, target)) from None
            taken = _one(db, "taken", target=target, pid=os.getpid(), host=socket.gethostname())["taken"]
            self._targets[target] = _Target(taken)
            if not leased:
                execute(db, "lost", target=target)
        self._targets[target].runs.add(run)

    def _holder(self, db: Connection, target: str) -> dict[str, Any]:
        found = execute(db, "sender", target=target).fetchone()
        if found is None:
            return {"code": "other_process"}
        return {"code": "process", "pid": str(found["pid"]), "host": found["host"], "since": found["since"]}

    def sent(self, db: Connection, run: int, *, leased: bool) -> None:
        """Nothing of the run is sent any more: others may send into its target, unless this session still does."""
        for target, held in list(self._targets.items()):
            if run in held.runs:
                held.runs.discard(run)
                if not held.runs:
                    execute(db, "unlock_shared" if leased else "unlock", name=_sending(target))
                    del self._targets[target]

    def take_again(self, db: Connection, *, leased: bool) -> None:
        """The session was lost with its connection: over a new one, hold what it held. Raises LedgerBusy where another
        had it meanwhile.
        """
        db.execute(f"SET lock_timeout = '{_PATIENCE}'".encode())
        try:
            for run in self._staging:
                execute(db, "lock", name=_staging(run))
            for target, held in self._targets.items():
                execute(db, "lock_shared" if leased else "lock", name=_sending(target))
                if not leased and _one(db, "sender", target=target)["taken"] != held.taken:
                    raise self._taken_over()
        except psycopg.errors.LockNotAvailable as error:
            raise self._taken_over() from error
        db.execute(b"RESET lock_timeout")

    def _taken_over(self) -> LedgerBusy:
        return LedgerBusy("ledger_taken_over", path=self._place)


def _one(db: Connection, query: str, **values: Any) -> dict[str, Any]:
    found = execute(db, query, **values).fetchone()
    assert found
    return found


def _forget(db: Connection, run: int) -> None:
    for what in ("rows", "chunks", "rejects", "reject_counts", "batches", "fingerprints", "run"):
        execute(db, f"forget_{what}", run=run)


def _staging(run: int) -> str:
    return f"staging {run}"


def _sending(target: str) -> str:
    return f"sending {target}"
