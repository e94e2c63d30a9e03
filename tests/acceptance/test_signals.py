"""A run is interrupted cleanly, and another command goes on from there."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Callable

import pytest
from boxes import Box
from commands import COMMAND, Importer
from conftest import StartBox
from lists import packs, write_csv
from oracle import disagreements
from readback import Report

CHUNKS_OF_5 = {"IMPORTER_LIMITS__CHUNK_SIZE": "5"}
ONE_BY_ONE = {"IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
STALLED = {**CHUNKS_OF_5, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.005"}
"""The first request goes out at once, the next one minutes later."""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_run_cleanly_and_resume_finishes_it(
    number: signal.Signals, code: int, importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox()
    source = write_csv(importer.cwd / "list.csv", packs(20))
    with importer.start("run", source, env={**box.env, **STALLED}) as running:
        running.wait_for("chunk")
        running.send(number)
        stopped = running.ended()

    assert (stopped.code, stopped.errors) == (code, [])
    assert report().outcomes == {"assigned": 5, "unsent": 15}
    assert {line.code for line in report().not_assigned} == {"not_sent"}
    assert report().summary["exit_code"] == code
    assert stopped.last_line == f"Go on with: importer resume {report().run}"
    assert disagreements(report(), box) == []

    resumed = importer("resume", env=box.env)
    assert (resumed.code, report().outcomes) == (0, {"assigned": 20})
    assert disagreements(report(), box) == []
    assert {entry.received for entry in box.ledger().values()} == {1}


def test_what_is_on_its_way_is_finished_first(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    source = write_csv(importer.cwd / "list.csv", packs(300))
    with importer.start("run", source, env={**box.env, **CHUNKS_OF_5}) as running:
        running.wait_for("chunk")
        running.send(signal.SIGINT)
        stopped = running.ended()

    assert stopped.code == 130
    assert set(report().outcomes) == {"assigned", "unsent"}
    assert disagreements(report(), box) == []
    assert {(line.gtin, line.serial) for line in report().assigned} == set(box.ledger())


def test_a_second_signal_does_not_wait_for_an_answer(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:hang_after=at:2")
    source = write_csv(importer.cwd / "list.csv", packs(20))
    env = {**box.env, **CHUNKS_OF_5, **ONE_BY_ONE}
    with importer.start("run", source, env=env) as running:
        running.wait_for("chunk")
        running.send(signal.SIGINT)
        running.send(signal.SIGTERM)
        stopped = running.ended()

    assert stopped.code in {130, 143}  # whichever came first
    assert "Traceback" not in stopped.err
    assert stopped.errors == []
    assert stopped.last_line == f"Go on with: importer resume {report().run}"
    assert sum(report().outcomes.values()) == 20
    assert len(report().assigned) == 5

    box.kill()
    box = sandbox(port=box.port)
    assert importer("resume", env=box.env).code == 0
    assert report().outcomes == {"assigned": 20}
    assert disagreements(report(), box) == []


def test_a_run_ends_cleanly_when_its_time_is_up(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:revoke=at:2", "static_tokens=old", "static_tokens=new")
    source = write_csv(importer.cwd / "list.csv", packs(20))
    importer("run", source, env={**box.env, **CHUNKS_OF_5, **ONE_BY_ONE, "IMPORTER_API__TOKEN": "old"})
    stopped = importer("resume", "--max-duration", "0s", env={**box.env, "IMPORTER_API__TOKEN": "new"})
    assert (stopped.code, stopped.errors) == (4, ["list.csv: the time is up"])
    assert report().outcomes == {"assigned": 5, "unsent": 15}
    assert "the time is up" in report().not_assigned[-1].message
    assert stopped.last_line == f"Go on with: importer resume {report().run}"


def test_a_list_that_was_still_being_read_is_not_kept(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    source = write_csv(importer.cwd / "list.csv", packs(20))
    stopped = importer("run", source, "--max-duration", "0s", env=box.env)
    assert stopped.code == 4
    told = "the time is up: nothing of it was sent or kept. Begin it again when you want it."
    assert stopped.errors == [f"{source}: {told}"]
    assert stopped.last_line == f"Go on with: importer run {source} --max-duration 0s"
    assert box.requests() == []
    assert importer("runs", "--json").json == []


def test_a_signal_that_comes_while_the_report_of_a_finished_run_is_written_changes_nothing(
    importer: Importer, box: Box, report: Callable[[], Report]
) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(40_000))
    with importer.start("run", source, env=box.env) as running:
        running.wait_for("reporting")
        running.send(signal.SIGINT)
        done = running.ended()
    assert (done.code, report().summary["exit_code"]) == (0, 0)
    assert report().outcomes == {"assigned": 40_000}


def test_what_was_started_with_nohup_goes_on_after_its_terminal_hung_up(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    source = write_csv(importer.cwd / "list.csv", packs(20))
    shielded = Importer(importer.cwd, within=("nohup",))
    with shielded.start("run", source, env={**box.env, **CHUNKS_OF_5, **ONE_BY_ONE}) as running:
        running.wait_for("chunk")
        running.send(signal.SIGHUP)
        done = running.ended()
    assert (done.code, report().outcomes) == (0, {"assigned": 20})


def test_a_terminal_that_hangs_up_ends_a_run_cleanly(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    source = write_csv(importer.cwd / "list.csv", packs(200))
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover  another process
        os.chdir(importer.cwd)
        env = importer.environ({**box.env, **CHUNKS_OF_5, **ONE_BY_ONE})
        os.execve(COMMAND[0], [*COMMAND, "run", str(source)], env)
    seen = b""
    while b"Sending" not in seen:
        seen += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert report().summary["exit_code"] == 129
    assert set(report().outcomes) <= {"assigned", "unsent"}
