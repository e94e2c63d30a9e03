"""Makes a ledger of what another one holds: by COPY, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from importer.errors import ConfigError
from importer.ledger.contents import Contents, Row, values
from importer.ledger.postgres.connecting import SCHEMA, Connection, execute, explain, plain

_AT_ONCE = 256
"""Chunks whose rows are in memory."""


def fill(db: Connection, contents: Contents, place: str) -> None:
    """Raises ConfigError where the ledger holds anything."""
    try:
        with db.transaction():
            execute(db, "lock_for_now", name="ledger.schema")
            found = execute(db, "holds_anything").fetchone()
            if found and found["found"]:
                raise ConfigError("copy_target_not_empty", path=place)
            for table, rows in contents:
                if table == "chunk":
                    _fill_chunks(db, rows)
                else:
                    with _copying(db, table) as write:
                        for row in rows:
                            write(row)
            execute(db, "count_on")
    except psycopg.Error as error:
        raise explain(error, place) from error


def _fill_chunks(db: Connection, rows: Iterator[Row]) -> None:
    """They stand in two tables, and only one COPY runs at a time."""
    while some := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
        with _copying(db, "chunk") as write:
            for row in some:
                write(row)
        with _copying(db, "chunk_rows") as write:
            for row in some:
                write({"chunk": row["id"], "rows": row["rows"]})


@contextmanager
def _copying(db: Connection, table: str) -> Iterator[Any]:
    found = execute(db, "columns", schema=SCHEMA, table=table).fetchall()
    columns = [row["name"] for row in found]
    names = ", ".join(f'"{name}"' for name in columns)
    with db.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.set_types([row["type"] for row in found])
        yield lambda row: copy.write_row(values(plain(row), columns))
