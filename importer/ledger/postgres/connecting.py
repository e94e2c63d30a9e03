"""A connection to PostgreSQL, the named statements in its own spelling, and what its errors mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg.types.numeric import NumericBinaryLoader

from importer.errors import LedgerBusy, LedgerError, NoLedger
from importer.ledger.packing import Damaged
from importer.ledger.reading import damaged
from importer.ledger.statements import readable, statements

Connection = psycopg.Connection[dict[str, Any]]
SCHEMA = "importer"
"""Of the database: all that is the ledger's stands in it."""
_FENCED, _MUST = "SL001", "SL002"
"""SQLSTATEs of lease.sql and schema.sql."""
_NOT_NOW = (
    "starting up",
    "not yet accepting",
    "shutting down",
    "recovery mode",
    "too many",
    "remaining connection slots",
)
"""What a server says that is there, but takes no connection for the moment."""


class _Whole(NumericBinaryLoader):
    """sum(bigint) is numeric: here all of them are whole numbers."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


def connect(url: str, application: str = "importer", *, read_only: bool = False) -> Connection:
    """A connection in autocommit. The password comes from the environment (PGPASSWORD) or a .pgpass. Raises LedgerBusy
    where the server can't be reached, NoLedger where it lets no one in.
    """
    given = f"{conninfo_to_dict(url).get('options') or ''} -c search_path={SCHEMA}".strip()
    settings = {
        "options": f"{given} -c default_transaction_read_only=on" if read_only else given,
        "application_name": application,
        "connect_timeout": "10",
        # A server that is gone without a word is noticed within half a minute.
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
        "client_encoding": "utf8",
    }
    try:
        db = psycopg.connect(make_conninfo(url, **settings), autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        raise _not_connected(error, url) from error
    db.adapters.register_loader("numeric", _Whole)
    return db


def _not_connected(error: psycopg.Error, url: str) -> LedgerError:
    text = _one_line(error)
    let_in = not any(sign in text for sign in ("FATAL", "no password supplied", "SSL", "certificate"))
    if let_in or any(sign in text for sign in _NOT_NOW):
        return LedgerBusy("ledger_unreachable", path=url, reason=text)
    return NoLedger("ledger_refused", path=url, reason=text)


def execute(db: Connection, name: str, /, **values: Any) -> psycopg.Cursor[dict[str, Any]]:
    """Run a named statement. In a pipeline its rows are there at the end of that."""
    return db.execute(native(name), plain(values), binary=True)


@cache
def native(name: str) -> bytes:
    """A statement as the driver takes it."""
    text = statements(__package__)[name].replace("%", "%%")
    return re.sub(r"(?<!:):([a-z_][a-z_0-9]*)", r"%(\1)s", text).encode()


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the driver takes them: it would keep the name of an enum's member, and no text with a NUL in it."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and not (value.isascii() and "\0" not in value):
        return readable(value).replace("\0", "\\x00")
    return value


def is_lost(db: Connection) -> bool:
    """Whether the connection is of no use any more."""
    return db.closed


def explain(error: psycopg.Error | Damaged, place: str) -> LedgerError:
    """What an error means."""
    if isinstance(error, Damaged):
        return damaged(place, error)
    state = error.sqlstate or ""
    if state == _MUST:
        return LedgerError(
            error.diag.message_primary or "ledger_fault", **json.loads(error.diag.message_detail or "{}")
        )
    if state == _FENCED:
        return LedgerBusy("ledger_taken_over", path=place)
    code = {
        "53100": "ledger_disk_full",
        "42501": "ledger_unwritable",
        "25006": "ledger_unwritable",
        "XX001": "ledger_malformed",
        "XX002": "ledger_malformed",
    }.get(state)
    if code:
        return LedgerError(code, path=place, reason=_one_line(error))
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not state:
        return LedgerBusy("ledger_unreachable", path=place, reason=_one_line(error))
    if state.startswith("57P"):  # it was shut down, or has crashed
        return LedgerBusy("ledger_unreachable", path=place, reason=_one_line(error))
    return LedgerError("ledger_fault", path=place, reason=_one_line(error))


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
