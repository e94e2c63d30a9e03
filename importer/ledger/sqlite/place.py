"""A ledger that is kept as a file of SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from importer.events import Event, EventKind, this_process
from importer.ledger.records import NOTHING_LOST, Loss
from importer.ledger.sqlite import anchor, left_events
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> SqliteLedger:
        return SqliteLedger(self.path)

    def accept_loss(self) -> Loss:
        """Go on with a ledger that has lost commits: put in doubt what they may have been. Raises as `open` does."""
        with SqliteLedger(self.path, accept_loss=True) as ledger:
            if ledger.loss is not NOTHING_LOST:
                after = {"doubted": ledger.loss.doubted, "runs_lost": [run for run, _ in ledger.loss.lost]}
                ledger.record_event(Event(EventKind.ACCEPT_LOSS, this_process(), after=after))
            return ledger.loss

    def view(self) -> SqliteView:
        return SqliteView(self.path)

    def leave_event(self, event: Event) -> None:
        left_events.leave_event(self.path, event)

    def exists(self) -> bool:
        """Whether there is, or was, one that holds anything; a file of no bytes is left by a making cut short."""
        return (self.path.exists() and self.path.stat().st_size > 0) or anchor.beside(self.path).exists()
