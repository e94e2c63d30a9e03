"""A ledger that is kept as a file of SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from importer.events import Event
from importer.ledger.sqlite import left_events
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> SqliteLedger:
        return SqliteLedger(self.path)

    def view(self) -> SqliteView:
        return SqliteView(self.path)

    def leave_event(self, event: Event) -> None:
        left_events.leave_event(self.path, event)

    def exists(self) -> bool:
        """Whether there is a file that holds anything: one of no bytes is left where making one was cut short."""
        return self.path.exists() and self.path.stat().st_size > 0
