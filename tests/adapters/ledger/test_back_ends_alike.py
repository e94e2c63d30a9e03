"""What one back end keeps the other keeps, too: a column or a statement that only one has makes these fail."""

from __future__ import annotations

import re
import sqlite3
from importlib import resources
from pathlib import Path

from postgres_server import PostgresServer

from importer.ledger.opening import place_of
from importer.ledger.statements import statements

SQLITE, POSTGRES = "importer.ledger.sqlite", "importer.ledger.postgres"
ITS_OWN = {
    SQLITE: {"holder", "total", "session", "progress", "loss"},
    POSTGRES: {"facts", "writer", "sender", "lease", "queued", "claim", "server", "loss"},
}
"""Tables that only one of them needs: who writes, in PostgreSQL the version of the schema, in SQLite what tells that
the file is damaged, or not the latest state: PostgreSQL has checksums and a log of its own.
"""
OF_A_FILE = {"content"}
"""Columns that SQLite alone needs, for the same reason."""


def columns_of_sqlite() -> dict[str, set[str]]:
    db = sqlite3.connect(":memory:")
    db.executescript((resources.files(SQLITE) / "schema.sql").read_text("utf-8"))
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")} - OF_A_FILE for table in tables}
    db.close()
    return {table: columns for table, columns in found.items() if table not in ITS_OWN[SQLITE]}


def test_both_have_the_same_tables_with_the_same_columns(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    place_of(Path("unused"), url).open().close()
    found: dict[str, set[str]] = {}
    rows = postgres.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'importer'",
        postgres.name_of(url),
    )
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    assert {table: found[table] for table in found if table not in ITS_OWN[POSTGRES]} == columns_of_sqlite()


def test_both_have_the_same_statements() -> None:
    ours, its = set(statements(SQLITE)), set(statements(POSTGRES))
    of_a_file = re.compile(
        r"hold(er)?|prunable|forget_attempts|doubt_\w+|.*_?(progress|committed|sessions?|session_end|backup|loss|totals)"
    )
    assert {name for name in ours - its if name != "insert_attempt" and not of_a_file.fullmatch(name)} == set()
