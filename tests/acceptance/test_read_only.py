"""Directories and files that may not be written or read: said in one line, nothing lost, and it goes on afterwards.

Root may write anywhere; its commands run here without the capability that lets it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agreement import FAST
from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from readback import Report

from importer.ledger.sqlite.ledger import SqliteLedger

BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}


@pytest.fixture
def bound(importer: Importer) -> Importer:
    """An importer that rights bind, whoever runs the tests."""
    if os.geteuid() != 0:
        return importer
    if not shutil.which(BOUND[0]):
        pytest.skip("root may write anywhere, and there is no setpriv to keep it from that")
    return Importer(importer.cwd, within=BOUND)


@contextmanager
def read_only(directory: Path, mode: int = 0o500) -> Iterator[None]:
    before = directory.stat().st_mode
    directory.chmod(mode)
    try:
        yield
    finally:
        directory.chmod(before)


def only_line(errors: list[str]) -> str:
    (line,) = (line for line in errors if line)
    return line


@pytest.mark.parametrize(
    ("variable", "name", "words"),
    [
        pytest.param("IMPORTER_LEDGER__PATH", "importer.db", "Choose a path that can be written", id="ledger"),
        pytest.param("IMPORTER_REPORT__DIR", "reports", "Choose another directory with --report-dir", id="reports"),
    ],
)
def test_nothing_is_sent_where_a_directory_may_not_be_written(
    bound: Importer, sandbox: StartBox, variable: str, name: str, words: str
) -> None:
    box = sandbox()
    directory = bound.cwd / "locked"
    directory.mkdir()
    env = {**box.env, variable: str(directory / name)}
    source = write_csv(bound.cwd / "list.csv", packs(4))
    with read_only(directory):
        stopped = bound("run", source, env=env)
    assert (stopped.code, box.requests()) == (2, [])
    assert words in only_line(stopped.errors)
    assert bound("run", source, env=env).code == 0


def test_a_list_that_may_not_be_read_is_said_in_one_line(bound: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    source = write_csv(bound.cwd / "list.csv", packs(4))
    with read_only(source, mode=0o200):
        stopped = bound("run", source, env=box.env)
    assert stopped.code == 2
    assert "list.csv can't be read: Permission denied" in only_line(stopped.errors)


def test_a_report_directory_that_is_locked_meanwhile_loses_nothing(bound: Importer, sandbox: StartBox) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    reports = bound.cwd / "reports"
    reports.mkdir()
    env = {**box.env, **ONE}
    with bound.start("run", write_csv(bound.cwd / "list.csv", packs(8)), env=env) as running:
        running.wait_for("chunk")
        with read_only(reports):
            stopped = running.ended()
    assert stopped.code == 1
    assert "Permission denied. Nothing of the import is lost" in only_line(stopped.errors)
    (run,) = bound("runs", "--json", env=env).json
    assert run["state"] == "finished"
    assert bound("report", run["run"], env=env).code == 0
    assert bound("verify", run["run"], env=env).code == 0


def test_a_ledger_that_may_not_be_written_any_more_is_read_and_left_as_it_is(
    bound: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:503=first:1")
    directory = bound.cwd / "ledger"
    env = {**box.env, **ONE, "IMPORTER_LEDGER__PATH": str(directory / "importer.db")}
    once = {**env, "IMPORTER_UNKNOWN__POLICY": "hold"}
    assert bound("run", write_csv(bound.cwd / "list.csv", packs(8)), env=once).code == 5
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    run = report().run
    with read_only(directory):
        refused = bound("retry", run, env=env)
        reading = [("runs",), ("status", run), ("trace", packs(8)[0][0]), ("verify", run)]
        reading.append(("report", run, "--report-dir", str(bound.cwd / "again")))
        assert [bound(*command, env=env).code for command in reading] == [0, 0, 0, 0, 0]
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert refused.code == 1
    assert "it can't be written. Check that its directory exists and may be written" in only_line(refused.errors)
    assert report().outcomes == {"assigned": 4, "unknown": 4}
    assert bound("retry", report().run, env=env).code == 0


def test_an_archived_ledger_whose_newest_state_lies_in_its_log_is_not_shown_without_it(
    bound: Importer, tmp_path: Path
) -> None:
    whole = tmp_path / "whole" / "importer.db"
    archive = bound.cwd / "archive"
    archive.mkdir()
    with SqliteLedger(whole):  # while it is open, as a kill would leave it
        for end in ("", "-wal", "-anchor"):
            shutil.copy(f"{whole}{end}", archive)
    with read_only(archive):
        refused = bound("runs", "--ledger", archive / "importer.db")
    assert refused.code == 1
    assert "the newest of it is in" in only_line(refused.errors)
    assert bound("runs", "--ledger", archive / "importer.db").code == 0
