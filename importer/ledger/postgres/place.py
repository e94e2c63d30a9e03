"""A ledger that is kept in a database of PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

from importer.events import Event
from importer.ledger.postgres import opening
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

    def exists(self) -> bool:
        with connect(self.url) as db:
            return opening.version_of(db, self.url) is not None
