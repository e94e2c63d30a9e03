"""A process that sends for a channel: it takes the lease, marks, and begins "requests", each a line in a file.

    owner_process.py URL CHANNEL NAME LIFE FILE

A line: `took`, `began` or `fenced`, its name, and the moment by the clock that all processes of a machine share.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from typing import Any

import psycopg

from importer.ledger.postgres.lease import FENCED, Renewing, clock, take
from importer.ledger.postgres.tenure import Tenure


def main(url: str, channel: str, name: str, life: str, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    tenure = Tenure(float(life))

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True, connect_timeout=2)

    def say(what: str) -> None:
        os.write(file, f"{what} {name} {clock()}\n".encode())

    last = 0
    while True:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(connect())
                taken = take(connection, tenure, channel, name, backend=connection.info.backend_pid, last=last)
                if taken is None:
                    time.sleep(0.05)
                    continue
                last = taken.token
                say("took")
                stack.enter_context(
                    Renewing(connect, tenure, channel, told=dict, on_lost=lambda: say("lost"), every=float(life) / 4)
                )
                send(connection, tenure, channel, say)
            except psycopg.errors.Error as error:
                if error.sqlstate == FENCED:
                    say("fenced")
                time.sleep(0.05)


def send(connection: psycopg.Connection[Any], tenure: Tenure, channel: str, say: Any) -> None:
    """Mark, look at the clock, begin: until the lease is over."""
    while (token := tenure.token) is not None:
        with connection.pipeline():
            connection.execute("SELECT lease_fence(%s, %s)", (channel, token))
            connection.execute("INSERT INTO written VALUES (%s)", (token,))
        if tenure.holds(clock()):
            say("began")
        time.sleep(0.005)


if __name__ == "__main__":
    main(*sys.argv[1:])
