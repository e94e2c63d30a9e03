"""Whether a database holds a ledger, of which version, and whether the server keeps what it has confirmed."""

from __future__ import annotations

from importlib import resources

import psycopg

from importer.errors import LedgerError, NoLedger
from importer.ledger.postgres.connecting import SCHEMA, Connection, execute, explain

VERSION = 1
"""Of the schema that this importer knows."""
_FILES = ("schema.sql", "lease.sql")
_NEEDED = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}


def version_of(db: Connection, place: str) -> tuple[int, int] | None:
    """Version of the schema, and the oldest that an importer may know to work with it; None: there is no ledger."""
    try:
        there = execute(db, "there", schema=SCHEMA).fetchone()
        assert there
        if not there["ours"]:
            if there["others"]:
                raise NoLedger("ledger_schema_taken", path=place, schema=SCHEMA)
            return None
        found = db.execute("SELECT version, oldest FROM facts").fetchone()
    except psycopg.Error as error:
        raise explain(error, place) from error
    if found is None:
        raise NoLedger("ledger_schema_taken", path=place, schema=SCHEMA)
    return found["version"], found["oldest"]


def must_be_known(db: Connection, place: str) -> None:
    """Raise NoLedger where there is none, LedgerError where its version is not one to work with."""
    found = version_of(db, place)
    if found is None:
        raise NoLedger("ledger_missing", path=place)
    version, oldest = found
    if version < VERSION:
        raise LedgerError("ledger_to_migrate", path=place, version=version, known=VERSION)
    if oldest > VERSION:
        raise LedgerError("ledger_newer", path=place, version=version, known=VERSION)


def must_be_durable(db: Connection, place: str) -> None:
    """Raise NoLedger where what the server confirms would not survive a power cut, or can't be written at all."""
    try:
        found = {row["name"]: row["setting"] for row in db.execute("SELECT name, setting FROM pg_settings").fetchall()}
        standby = db.execute("SELECT pg_is_in_recovery() AS it").fetchone()
    except psycopg.Error as error:
        raise explain(error, place) from error
    for name, allowed in _NEEDED.items():
        if found[name] not in allowed:
            raise NoLedger("ledger_not_durable", path=place, setting=name, found=found[name])
    if standby and standby["it"]:
        raise NoLedger("ledger_standby", path=place)


def create(db: Connection, place: str) -> None:
    """Make a ledger, unless there is one. Raises LedgerError."""
    if version_of(db, place) is not None:
        return
    try:
        with db.transaction():
            execute(db, "lock_for_now", name="ledger.schema")
            if version_of(db, place) is None:  # nobody made it meanwhile
                db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
                for file in _FILES:
                    db.execute((resources.files(__package__) / file).read_bytes())
                db.execute("INSERT INTO facts (version, oldest) VALUES (%s, %s)", [VERSION, VERSION])
    except psycopg.Error as error:
        raise explain(error, place) from error
