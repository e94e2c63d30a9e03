"""What the server says when it can't take connections, and how many it may take at most."""

from __future__ import annotations

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from importer.config.settings import Web
from importer.web.connections import Connections

MOST = "from importer.web.connections import most_connections; print(most_connections(400))"


def test_connections_that_can_not_be_taken_are_told_of_once_a_minute_with_their_number() -> None:
    now = [0.0]
    connections = Connections(Web(), lambda: now[0])
    with capture_logs() as logs:
        for second in range(121):
            now[0] = float(second)
            connections._complain(OSError("Too many open files"))
    assert [(log["event"], log["times"]) for log in logs] == [("accept_failed", times) for times in (1, 60, 60)]


@pytest.mark.parametrize(("handles", "most"), [(300, 86), (200, 36), (100, 8), (1024, 400)])
def test_file_handles_are_kept_for_imports_before_any_is_given_to_a_connection(handles: int, most: int) -> None:
    limited = ["prlimit", f"--nofile={handles}:{handles}", sys.executable, "-c", MOST]
    assert subprocess.run(limited, capture_output=True, text=True, check=True).stdout == f"{most}\n"
