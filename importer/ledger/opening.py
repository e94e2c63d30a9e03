"""Finds the ledger that a configuration names; the only place that knows all back ends."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path

from importer.errors import ConfigError, NoLedger
from importer.ledger.ports import Channel, Jobs, Place, View
from importer.ledger.records import NOTHING_LOST, Backup, Loss, Prunable
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


def channel_of(url: str, name: str, life: float) -> Channel:
    """The runs that wait for a channel, in a ledger that several hosts share; who sends loses the right to it `life`
    seconds after it was last heard of. Raises ConfigError for any other, and
    where the driver is not installed.
    """
    if not url:
        raise ConfigError("workers_need_url")
    _must_be_installed(url)
    from importer.ledger.postgres.channel import PostgresChannel  # noqa: PLC0415  as above

    return PostgresChannel(url, name, life=life)


def jobs_of(url: str, channel: str) -> Jobs:
    """What hands the work of a channel to workers; raises as `channel_of`."""
    if not url:
        raise ConfigError("workers_need_url")
    _must_be_installed(url)
    from importer.ledger.postgres.jobs import ProcrastinateJobs  # noqa: PLC0415  as above

    return ProcrastinateJobs(url, channel)


def put_in_doubt(url: str, since: datetime) -> int:
    """What a ledger in PostgreSQL may have forgotten since then is in doubt; how many chunks. Raises ConfigError for a
    file, LedgerBusy while a process sends.
    """
    if not url:
        raise ConfigError("doubt_needs_url")
    _must_be_installed(url)
    from importer.ledger.postgres import doubting  # noqa: PLC0415  as above

    return doubting.put_in_doubt(url, since)


def _must_be_installed(url: str) -> None:
    try:
        import procrastinate  # noqa: F401, PLC0415
        import psycopg  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConfigError("postgresql_not_installed", url=url, reason=str(error)) from error


def accept_loss(path: Path, url: str = "") -> Loss:
    """Go on with a ledger that is not the latest state: whatever may have been sent since is in doubt. Does nothing to
    one that is, nor to one of PostgreSQL, which keeps its own log. Raises LedgerBusy, LedgerDamaged for one that is not
    whole.
    """
    return NOTHING_LOST if url else SqlitePlace(path).accept_loss()


def migrate(path: Path, url: str = "") -> tuple[int, int]:
    """Bring the schema of a ledger to the version that this importer knows; return that of before and of now. Raises
    NoLedger where there is none, and for a file, which has the version of the importer that made it.
    """
    place = place_of(path, url)
    if not url:
        raise NoLedger("migrate_needs_url", path=str(place))
    from importer.ledger.postgres.migrating import migrate as brought  # noqa: PLC0415  its driver is an extra

    return brought(url)


def back_up(path: Path, url: str, to: Path) -> Backup:
    """Copy a ledger, also beside a running import. Raises ConfigError for one of PostgreSQL (pg_dump copies that), and
    where `to` is there already; LedgerDamaged where it is damaged.
    """
    _must_be_a_file(url)
    from importer.ledger.sqlite.copying import back_up  # noqa: PLC0415  commands that need it not start sooner

    return back_up(path, to)


def prune(path: Path, url: str, before: str, *, dry_run: bool) -> list[Prunable]:
    """Remove the runs that ended before a moment (UTC, ISO 8601) and of which later lists need nothing: no serial of
    theirs is assigned or in doubt, or they went to a sandbox. Return them. Raises ConfigError for a ledger of
    PostgreSQL, LedgerBusy unless it is a `dry_run`.
    """
    _must_be_a_file(url)
    place = SqlitePlace(path)
    return place.prunable(before) if dry_run else place.prune(before)


def _must_be_a_file(url: str) -> None:
    if url:
        raise ConfigError("ledger_no_file", url=url)


def viewed(place: Place) -> AbstractContextManager[View | None]:
    """The ledger for reading; None where there is none yet."""
    return place.view() if place.exists() else nullcontext()
