"""After a restored backup, or a standby that took over: what may have been sent and forgotten is put in doubt."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from importer.errors import LedgerBusy
from importer.ledger.postgres import opening
from importer.ledger.postgres.connecting import connect, execute, explain
from importer.reconcile import LOST


def put_in_doubt(url: str, since: datetime) -> int:
    """Put in doubt all that is open, what runs that had not ended before `since` have left, and whatever is staged from
    here on; take the server as the one to go on with. Returns how many chunks that are. Raises LedgerBusy while a
    process sends, LedgerError.
    """
    moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with connect(url) as db:
        opening.must_be_known(db, url)
        try:
            with db.transaction():
                if found := execute(db, "owners").fetchone():
                    host, pid, _ = found["owner"].split("/")
                    raise LedgerBusy("doubt_while_sending", host=host, pid=pid)
                doubted = execute(db, "doubt_open").rowcount
                doubted += execute(db, "doubt_ended", since=moment, code=LOST.code).rowcount
                execute(db, "insert_loss")
                execute(db, "accept_server")
                return doubted
        except psycopg.Error as error:
            raise explain(error, url) from error
