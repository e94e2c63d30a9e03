"""Brings the schema of a ledger to the version that this importer knows: only when a person says so, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg

from importer.errors import LedgerError, NoLedger
from importer.ledger.postgres import opening
from importer.ledger.postgres.connecting import Connection, connect, execute, explain


def migrate(url: str, steps: Traversable | None = None) -> tuple[int, int]:
    """Return the version of before and of now. `steps`: a directory with a file for each version, NNN.sql, which brings
    a ledger there from the one before. Such a step only adds: what knows the version before may go on meanwhile, which
    is why the workers of several hosts can be upgraded one by one. Raises LedgerError, NoLedger.
    """
    known = _steps(steps or resources.files(__package__) / "migrations")
    with connect(url) as db:
        opening.must_be_durable(db, url)
        try:
            with db.transaction():
                execute(db, "lock_for_now", name="ledger.schema")
                return _migrated(db, url, known)
        except psycopg.Error as error:
            raise explain(error, url) from error


def _steps(directory: Traversable) -> Mapping[int, str]:
    files = directory.iterdir() if directory.is_dir() else ()
    return {int(file.name[:3]): file.read_text("utf-8") for file in files if re.fullmatch(r"\d{3}\.sql", file.name)}


def _migrated(db: Connection, url: str, steps: Mapping[int, str]) -> tuple[int, int]:
    found = opening.version_of(db, url)
    if found is None:
        raise NoLedger("ledger_missing", path=url)
    before, oldest = found
    newest = max(opening.VERSION, *steps) if steps else opening.VERSION
    if oldest > newest:
        raise LedgerError("ledger_newer", path=url, version=before, known=newest)
    for version in range(before + 1, newest + 1):
        db.execute(steps[version].encode())
        execute(db, "migrated", version=version, oldest=version - 1)
    return before, max(before, newest)
