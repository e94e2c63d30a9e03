"""The book in an SQLite file: tables `entry` and `visit` with the fields of those records as columns.

It survives the death of any process. A power cut it need not survive: the sandbox is a stand-in.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)

_KEYS = {"entry": "gtin, serial", "visit": "number"}


class Durable:
    """`reader` opens without a right to write, and without making a file. OSError where the path does not open."""

    def __init__(self, path: Path, *records: type[msgspec.Struct], reader: bool = False) -> None:
        try:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode={'ro' if reader else 'rwc'}", uri=True)
        except sqlite3.OperationalError as error:
            raise OSError(f"the sandbox's ledger {path}: {error}") from error
        if reader:
            return
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        for record in records:
            columns, key = ", ".join(record.__struct_fields__), _KEYS[_table(record)]
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS {_table(record)} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID",
            )

    def read(self, record: type[Record]) -> list[Record]:
        columns = ", ".join(record.__struct_fields__)
        rows = self._db.execute(f"SELECT {columns} FROM {_table(record)} ORDER BY {_KEYS[_table(record)]}")
        return [record(*row) for row in rows]

    def write(self, entries: Iterable[msgspec.Struct], visit: msgspec.Struct) -> None:
        """All or nothing; a record with the key of an older one takes its place."""
        with self._db:
            for records in (entries, (visit,)):
                rows = [msgspec.structs.astuple(record) for record in records]
                if rows:
                    self._db.executemany(_replace(type(next(iter(records)))), rows)

    def close(self) -> None:
        self._db.close()


def _replace(record: type[Any]) -> str:
    marks = ", ".join("?" * len(record.__struct_fields__))
    return f"INSERT OR REPLACE INTO {_table(record)} VALUES ({marks})"


def _table(record: type[Any]) -> str:
    return record.__name__.lower()
