"""Finds the ledger that a configuration names; the only place that knows all back ends."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from importer.ledger.ports import Place, View
from importer.ledger.sqlite.place import SqlitePlace


def place_of(path: Path) -> Place:
    """Where the ledger is kept that a configuration names."""
    return SqlitePlace(path)


def viewed(place: Place) -> AbstractContextManager[View | None]:
    """The ledger for reading; None where there is none yet."""
    return place.view() if place.exists() else nullcontext()
