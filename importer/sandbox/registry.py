"""The sandbox's own ledger: what became of each serial, and each request. It is what a test holds a report against."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from importer.sandbox.rules import Order

_PAGE = 10_000


class Entry(msgspec.Struct, gc=False):
    """One serial of one GTIN that any request has named, also one that was refused, or cut before the work.

    `batch` and `expiry` are those it was first taken with (until then, those it was last asked for with). `received`:
    requests that named it. `commissioned`: how often the work took it. `confirmed`: how often an answer that was meant
    to arrive whole called it Assigned, and nothing else. `conflicts`: how often it came, once taken, with another batch
    or expiry. `decommissioned`: how often the work took it back.
    """

    gtin: str
    serial: str
    batch: str
    expiry: str
    received: int = 0
    commissioned: int = 0
    confirmed: int = 0
    conflicts: int = 0
    decommissioned: int = 0


class Visit(msgspec.Struct):
    """One request. `at` is seconds since 1970, `tick` the system's monotonic clock, both at its arrival.

    `status` is the HTTP status sent, None where none was. `error` is the name of the error sent, `fault` the kind of
    the fault that struck, "rate" where the rate limit did. `in_flight` counts it and the others then at work.
    """

    number: int
    request: str
    path: str
    at: float
    tick: float
    in_flight: int
    gtin: str = ""
    serials: int = 0
    bytes: int = 0
    taken: int = 0
    status: int | None = None
    error: str = ""
    fault: str = ""


class Book:
    """In memory; with a `path`, in that SQLite file too, where each request's part is committed before its answer."""

    def __init__(self, path: Path | None = None) -> None:
        self._products: dict[str, dict[str, Entry]] = {}
        self.visits: list[Visit] = []
        self._durable = Durable(path, Entry, Visit) if path else None
        if self._durable:
            for entry in self._durable.read(Entry):
                self._products.setdefault(entry.gtin, {})[entry.serial] = entry
            self.visits.extend(self._durable.read(Visit))

    def __len__(self) -> int:
        return sum(map(len, self._products.values()))

    def __iter__(self) -> Iterator[Entry]:
        for page in self.pages():
            yield from page

    def pages(self, gtin: str | None = None) -> Iterator[Sequence[Entry]]:
        """The entries, or those of one product, a few thousand at a time; requests may be served between two pages."""
        for product in list(self._products) if gtin is None else [gtin]:
            entries = list(self._products.get(product, {}).values())
            for first in range(0, len(entries), _PAGE):
                yield entries[first : first + _PAGE]

    def get(self, gtin: str, serial: str) -> Entry | None:
        return self._products.get(gtin, {}).get(serial)

    def receive(self, order: Order) -> list[Entry]:
        """Counts the serials as received, before anything is judged; one entry per serial named, in their order."""
        entries = self._products.setdefault(order.gtin, {}) if order.serials else {}
        found = []
        for serial in order.serials:
            entry = entries.get(serial)
            if entry is None:
                entry = entries[serial] = Entry(order.gtin, serial, order.batch, order.expiry)
            elif not entry.commissioned:
                entry.batch, entry.expiry = order.batch, order.expiry
            entry.received += 1
            found.append(entry)
        return found

    def settle(self, visit: Visit, entries: Iterable[Entry]) -> None:
        """Call it before the answer goes out: from then on another process can read it."""
        if self._durable:
            self._durable.write(entries, visit)

    def close(self) -> None:
        if self._durable:
            self._durable.close()


def read_ledger(path: Path) -> dict[tuple[str, str], Entry]:
    """(GTIN, serial) to entry, from the file of a sandbox that may be running in another process, or killed."""
    durable = Durable(path, Entry, Visit, reader=True)
    try:
        return {(entry.gtin, entry.serial): entry for entry in durable.read(Entry)}
    finally:
        durable.close()


def read_requests(path: Path) -> list[Visit]:
    """The requests answered so far, in the order of their arrival, from the same file."""
    durable = Durable(path, Entry, Visit, reader=True)
    try:
        return durable.read(Visit)
    finally:
        durable.close()


# The book in an SQLite file: tables `entry` and `visit` with the fields of those records as columns.
# It survives the death of any process. A power cut it need not survive: the sandbox is a stand-in.
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
