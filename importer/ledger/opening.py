"""Finds the ledger that a configuration names; the only place that knows all back ends."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from importer.errors import ConfigError
from importer.ledger.ports import Place, View
from importer.ledger.sqlite.place import SqlitePlace


def place_of(path: Path, url: str = "") -> Place:
    """Where the ledger is kept that a configuration names: at a URL of PostgreSQL, else in a file. Raises ConfigError
    where the driver is not installed.
    """
    if not url:
        return SqlitePlace(path)
    try:
        from importer.ledger.postgres.place import PostgresPlace  # noqa: PLC0415  its driver is an extra
    except ImportError as error:
        raise ConfigError("postgresql_not_installed", url=url, reason=str(error)) from error
    return PostgresPlace(url)


def viewed(place: Place) -> AbstractContextManager[View | None]:
    """The ledger for reading; None where there is none yet."""
    return place.view() if place.exists() else nullcontext()
