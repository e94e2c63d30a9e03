"""Opens the ledger that is kept at a place."""

from __future__ import annotations

from pathlib import Path

from importer.ledger.ports import Ledger, View
from importer.ledger.sqlite.ledger import SqliteLedger
from importer.ledger.sqlite.view import SqliteView


def open_ledger(path: Path) -> Ledger:
    """Open it to write. Raises LedgerBusy when another process holds it, LedgerError when it can't be opened."""
    return SqliteLedger(path)


def open_view(path: Path) -> View:
    """Open it to read. Raises NoLedger if there is none."""
    return SqliteView(path)
