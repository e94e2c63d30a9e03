"""A ledger that is kept as a file of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from importer.errors import ConfigError, NoLedger
from importer.events import Event, EventKind, this_process
from importer.ledger.contents import Contents
from importer.ledger.records import NOTHING_LOST, Loss, Prunable
from importer.ledger.sqlite import anchor, left_events, opening
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

    def prunable(self, before: str) -> list[Prunable]:
        """The runs that `prune` would remove."""
        with SqliteView(self.path) as view:
            return view.prunable(before)

    def prune(self, before: str) -> list[Prunable]:
        """Remove runs of which later lists need nothing, and give their room back to the disk."""
        with SqliteLedger(self.path) as ledger, ledger.view() as view:
            found = view.prunable(before)
            if found:
                ledger.forget([run.num for run in found])
                after = {"runs": [run.run for run in found]}
                ledger.record_event(Event(EventKind.PRUNE, this_process(), after=after))
        if found:
            opening.shrink(self.path)
        return found

    def view(self) -> SqliteView:
        return SqliteView(self.path)

    def leave_event(self, event: Event) -> None:
        left_events.leave_event(self.path, event)

    @contextmanager
    def at_rest(self) -> Iterator[SqliteView]:
        if not self.exists():
            raise NoLedger("ledger_missing", path=str(self.path))
        with SqliteLedger(self.path) as ledger, ledger.view() as view:
            if view.has_lost:
                raise ConfigError("copy_after_loss", path=str(self.path))
            yield view

    def fill(self, contents: Contents) -> None:
        with SqliteLedger(self.path) as ledger:
            with ledger.view() as view:
                if view.runs() or view.events():
                    raise ConfigError("copy_target_not_empty", path=str(self.path))
            ledger.fill(contents)

    def exists(self) -> bool:
        """Whether there is, or was, one that holds anything; a file of no bytes is left by a making cut short."""
        return (self.path.exists() and self.path.stat().st_size > 0) or anchor.beside(self.path).exists()
