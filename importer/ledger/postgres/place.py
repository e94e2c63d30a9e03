"""A ledger that is kept in a database of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from importer.errors import LedgerBusy
from importer.events import Event
from importer.ledger.contents import Contents
from importer.ledger.postgres import filling, opening
from importer.ledger.postgres.connecting import connect
from importer.ledger.postgres.ledger import PostgresLedger, leave_event
from importer.ledger.postgres.view import PostgresView


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    url: str
    """Without a password."""

    def __str__(self) -> str:
        return self.url

    def open(self) -> PostgresLedger:
        return PostgresLedger(self.url)

    def view(self) -> PostgresView:
        return PostgresView(self.url)

    def leave_event(self, event: Event) -> None:
        leave_event(self.url, event)

    @contextmanager
    def at_rest(self) -> Iterator[PostgresView]:
        with PostgresView(self.url) as view, view.at_one_moment():
            if writers := view.writers():
                raise LedgerBusy("ledger_busy", path=self.url, holder=writers[0])
            yield view

    def fill(self, contents: Contents) -> None:
        with connect(self.url) as db:
            opening.must_be_durable(db, self.url)
            opening.create(db, self.url)
            opening.must_be_known(db, self.url)
            filling.fill(db, contents, self.url)

    def exists(self) -> bool:
        with connect(self.url) as db:
            return opening.version_of(db, self.url) is not None
