"""Whether a ledger is the latest state, by its anchor, which counts its commits. Where it is not and a person says to
go on: whatever may have been sent after the commit to which it has fallen back is in doubt.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from importer.errors import LedgerDamaged, NoLedger
from importer.ledger.packing import Damaged
from importer.ledger.records import Loss, now
from importer.ledger.sqlite import anchor, checksums, store
from importer.ledger.sqlite.anchor import Anchor, BegunRun, Found, State
from importer.reconcile import LOST


def begin_counting(db: sqlite3.Connection) -> None:
    """Make a new ledger one that is like no other."""
    store.execute(db, "create_progress", ledger=secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a ledger, looked at before it is opened: SQLite makes and removes -wal files."""

    anchor: Found | None
    """What the anchor says; None: there is none."""
    has_log: bool
    """Whether there is a -wal file with something in it."""


def beside(path: Path, log: Path) -> Beside:
    """Raises NoLedger where the anchor may not be read."""
    try:
        return Beside(anchor.find(path), log.exists() and log.stat().st_size > 0)
    except OSError as error:
        why = error.strerror or str(error)
        raise NoLedger("ledger_not_opened", path=str(anchor.beside(path)), reason=why) from error


def must_be_latest(db: sqlite3.Connection, path: Path, found: Beside, *, write: bool) -> None:
    """Raise LedgerDamaged for a ledger that has lost commits, as far as its anchor and it itself tell, and Damaged
    unless its schema is the one that was written.
    """
    made = {row[0] for row in db.execute("SELECT sql FROM sqlite_schema")}
    progress = store.execute(db, "progress").fetchone()
    if progress is None or not checksums.has_all(made):
        raise Damaged("its statements are not those that it was made with", table="sqlite_schema")
    state = found.anchor.state if found.anchor else None
    place = {"path": str(path), "anchor": str(anchor.beside(path))}
    if state is None:
        if progress["state"] == "open" and not found.has_log:
            raise LedgerDamaged("ledger_without_anchor", **place)
        if progress["state"] == "backup" and write:
            raise LedgerDamaged("ledger_backup", **place)
    elif state.ledger != progress["ledger"]:
        raise LedgerDamaged("ledger_of_other_anchor", **place)
    elif not _holds(db, state, progress) or _is_open_elsewhere(state, progress):
        lost = max(0, state.n - int(progress["n"]))
        raise LedgerDamaged("ledger_behind", n=lost, **({} if lost else {"case": "elsewhere"}), **place)


def _holds(db: sqlite3.Connection, state: State, progress: sqlite3.Row) -> bool:
    """Whether the ledger has the commit that its anchor is at, and has only gone on from there."""
    if state.session in {progress["session"], ""}:
        return state.n <= int(progress["n"])
    session = store.execute(db, "session_end", token=state.session).fetchone()
    return session is not None and session["ended"] is not None and state.n <= session["ended"]


def _is_open_elsewhere(state: State, progress: sqlite3.Row) -> bool:
    """Whether it was opened under another name, where its -wal file may be, and was not closed there."""
    return progress["state"] == "open" and progress["session"] not in {state.session, state.coming}


class Commits:
    """Counts the commits of one session of writing, in the ledger and its anchor. Raises OSError."""

    def __init__(self, db: sqlite3.Connection, path: Path, found: Found | None, version: int) -> None:
        progress = store.execute(db, "progress").fetchone()
        self.token = secrets.token_hex(8)
        self._n = int(progress["n"])
        if found and found.state and found.state.ledger == progress["ledger"]:
            self._n = max(self._n, found.state.n)  # a loss was accepted: what was forgotten keeps its numbers
        state = State(progress["ledger"], progress["session"], int(progress["n"]), version, self.token)
        self._anchor = Anchor(path, state, found.begun if found else [])

    def count(self, db: sqlite3.Connection) -> None:
        """As the last statement of a transaction."""
        store.execute(db, "committed", n=self._n + 1)

    def done(self) -> None:
        """The transaction is committed."""
        self._n += 1
        self._anchor.now_at(self._n)

    def begin(self, db: sqlite3.Connection) -> None:
        """Begin the session, in a transaction."""
        store.execute(db, "insert_session", token=self.token, n=self._n + 1)
        store.execute(db, "forget_sessions")
        store.execute(db, "open_session", token=self.token)

    def begun(self) -> None:
        """The session is committed."""
        self._anchor.session_begun()

    def run_begins(self, run: sqlite3.Row) -> None:
        """Note, durably, that requests of a run may go out. Raises OSError."""
        self._anchor.run_begins(BegunRun(self._n + 1, run["id"], run["target"], run["source_name"]))

    def close(self) -> None:
        self._anchor.close()


@dataclass(frozen=True, slots=True)
class _Forgotten:
    """What a ledger may have forgotten."""

    since: int
    runs: Sequence[BegunRun]
    """Runs that were begun to be sent after the commit to which it has fallen back."""
    all_known: bool
    """Whether there are no others."""


def accept_loss(db: sqlite3.Connection, found: Found | None) -> Loss:
    """Put in doubt, within a transaction, whatever may have been sent and was forgotten: the chunks of runs that the
    ledger knows, and all that will be sent to the targets of runs that it does not know.
    """
    forgotten = _forgotten(db, found)
    runs = {row["id"]: row for row in store.execute(db, "runs")}
    again = {run.run for run in forgotten.runs}
    doubted = 0
    for run, row in runs.items():
        sent_again = run in again or not forgotten.all_known
        if sent_again or row["state"] != "finished":
            doubted += store.execute(db, "doubt_pending", run=row["num"]).rowcount
            kind = "doubt_settled" if sent_again else "doubt_skipped"
            doubted += store.execute(db, kind, run=row["num"], code=LOST.code).rowcount
    lost = {run.run: run for run in forgotten.runs if run.run not in runs}
    for target in {run.target for run in lost.values()} if forgotten.all_known else {""}:
        store.execute(db, "insert_loss", at=now(), target=target, n=forgotten.since)
    return Loss(doubted, tuple((run.run, run.source) for run in lost.values()), all_known=forgotten.all_known)


def _forgotten(db: sqlite3.Connection, found: Found | None) -> _Forgotten:
    progress = store.execute(db, "progress").fetchone()
    n = int(progress["n"])
    state = found.state if found else None
    known = state is not None and (state.ledger == progress["ledger"] or not n)
    if not found or not known or found.all_since > n:
        return _Forgotten(n, (), all_known=False)
    return _Forgotten(n, [run for run in found.begun if run.n > n], all_known=True)
