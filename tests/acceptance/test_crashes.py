"""SIGKILL at chosen moments, and a disk that fails: another command goes on, and ends as an undisturbed run would."""

from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from agreement import FAST, differences
from commands import Importer, Running
from conftest import StartBox
from filelock import FileLock
from lists import TABLETS, packs, write_csv
from readback import Report, reports

from importer.ledger.sqlite.ledger import SqliteLedger

ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
HOLD = {"IMPORTER_UNKNOWN__POLICY": "hold"}
"""What loses an answer stays lost in the run: it is not sent again."""
STALLED = {**FAST, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.005"}
"""The first request goes out at once, the next one minutes later."""


def killed(running: Running) -> None:
    running.send(signal.SIGKILL)
    assert running.ended().code == -signal.SIGKILL


def until(so: Callable[[], object]) -> None:
    """Ask again and again: what is waited for is another process's doing, and pytest's timeout is the end of it."""
    while not so():
        pass


def asked(ledger: Path, query: str) -> int:
    try:
        db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
        try:
            return int(db.execute(query).fetchone()[0])
        finally:
            db.close()
    except sqlite3.OperationalError:
        return 0


@contextmanager
def never_staged(path: Path) -> Iterator[None]:
    """A ledger in which the last statement of staging takes hours, so that there is time to kill."""
    with SqliteLedger(path):
        pass
    db = sqlite3.connect(path)
    try:
        db.execute(
            "CREATE TRIGGER held BEFORE UPDATE OF state ON run WHEN NEW.state = 'staged' BEGIN "
            "SELECT count(*) FROM chunk a, chunk b, chunk c, chunk d, chunk e, chunk f; END"
        )
        yield
        db.execute("DROP TRIGGER held")
    finally:
        db.close()


@pytest.mark.parametrize("query", ["SELECT count(*) FROM run", "SELECT count(*) FROM chunk"])
def test_killed_while_it_stages_it_leaves_nothing(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], query: str
) -> None:
    box = sandbox()
    source = write_csv(importer.cwd / "list.csv", packs(99_999))
    ledger = importer.cwd / "importer.db"
    with never_staged(ledger), importer.start("run", source, env=box.env) as running:
        until(lambda: asked(ledger, query))
        running.send(signal.SIGSTOP)
        staged = asked(ledger, "SELECT count(*) FROM run WHERE state != 'staging'")
        running.send(signal.SIGKILL)
        running.ended()
    assert (staged, box.ledger(), importer("runs", "--json").json) == (0, {}, [])
    part = write_csv(importer.cwd / "list.csv", packs(8))
    assert importer("run", part, env=box.env).code == 0
    assert report().outcomes == {"assigned": 8}


@pytest.mark.parametrize(
    ("fault", "twice", "exists_means", "outcomes"),
    [
        pytest.param("hang_before", "error", "unknown", {"assigned": 12}, id="before_the_work"),
        pytest.param("hang_after", "assigned", "unknown", {"assigned": 12}, id="after_the_work"),
        pytest.param("hang_after", "error", "unknown", {"assigned": 8, "unknown": 4}, id="exists_is_unknown"),
        pytest.param("hang_after", "status", "unknown", {"assigned": 8, "unknown": 4}, id="status_exists_is_unknown"),
        pytest.param("hang_after", "error", "assigned", {"assigned": 12}, id="exists_is_assigned"),
        pytest.param("hang_after", "status", "assigned", {"assigned": 12}, id="status_exists_is_assigned"),
    ],
)
def test_killed_while_a_request_is_on_its_way(
    importer: Importer,
    sandbox: StartBox,
    report: Callable[[], Report],
    fault: str,
    twice: str,
    exists_means: str,
    outcomes: dict[str, int],
) -> None:
    box = sandbox(f"commission:{fault}=at:2", f"twice={twice}")
    env = {**box.env, **ONE, "IMPORTER_UNKNOWN__EXISTS_MEANS": exists_means}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env=env) as running:
        until(lambda: len(box.requests()) == 2)
        killed(running)
    resumed = importer("resume", env=env)
    assert differences(box, report()) == []
    assert (resumed.code, report().outcomes) == (5 if "unknown" in outcomes else 0, outcomes), resumed.err
    received = [entry.received for (_, serial), entry in sorted(box.ledger().items()) if serial <= "S00004"]
    assert received == [1] * 4, "what the ledger had as assigned was sent again"
    assert importer("verify", report().run, env=env).code == 0


def test_killed_with_a_request_on_its_way_what_is_held_is_not_sent_again(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:hang_after=at:2")
    env = {**box.env, **ONE, "IMPORTER_UNKNOWN__POLICY": "hold"}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env=env) as running:
        until(lambda: len(box.requests()) == 2)
        killed(running)
    assert importer("resume", env=env).code == 5
    assert {line.serial: line.code for line in report().not_assigned} == {f"S0000{n}": "held" for n in range(5, 9)}
    assert {entry.received for entry in box.ledger().values()} == {1}


def test_killed_before_a_request_was_marked_nothing_is_in_doubt(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox()
    env = {**box.env, "IMPORTER_UNKNOWN__POLICY": "hold"}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env={**env, **STALLED}) as running:
        running.wait_for("chunk")
        killed(running)
    assert importer("resume", env={**env, **FAST}).code == 0
    assert report().outcomes == {"assigned": 12}
    assert {entry.received for entry in box.ledger().values()} == {1}


@pytest.mark.parametrize(("exists_means", "code"), [("unknown", 5), ("assigned", 0)])
def test_killed_after_an_answer_and_before_its_record(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report], exists_means: str, code: int
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3", "twice=error")
    ledger = importer.cwd / "importer.db"
    env = {**box.env, **ONE, "IMPORTER_UNKNOWN__EXISTS_MEANS": exists_means}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env) as running:
        until(lambda: asked(ledger, "SELECT count(*) FROM attempt"))
        db = sqlite3.connect(ledger, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")  # from here on nothing can be recorded
        until(box.requests)
        killed(running)
        db.close()
    assert [(visit.status, visit.taken) for visit in box.requests()] == [(200, 4)]
    assert importer("resume", env=env).code == code
    assert report().outcomes == {"unknown" if code else "assigned": 4}
    assert differences(box, report()) == []


def test_killed_while_the_report_is_written_resume_writes_it(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    ledger = importer.cwd / "importer.db"
    env = {**box.env, **ONE}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(4)), env=env) as running:
        run = running.wait_for("sending")["run"]
        directory = importer.cwd / "reports" / run
        directory.mkdir(parents=True)
        with FileLock(directory / ".lock"):
            running.wait_for("reporting")
            killed(running)
    assert asked(ledger, "SELECT count(*) FROM run WHERE state = 'finished'") == 1
    assert not (directory / "manifest.json").exists()
    assert importer("resume", env=env).code == 0
    assert report().outcomes == {"assigned": 4}
    assert importer("verify", run, env=env).code == 0
    assert len(box.requests()) == 1


@pytest.mark.parametrize(("exists_means", "code"), [("unknown", 5), ("assigned", 0)])
@pytest.mark.parametrize("twice", ["error", "status"])
def test_doubt_reaches_later_runs_of_other_files(
    importer: Importer, sandbox: StartBox, twice: str, exists_means: str, code: int
) -> None:
    box = sandbox("commission:drop_after=at:1", f"twice={twice}")
    env = {**box.env, **ONE, "IMPORTER_UNKNOWN__EXISTS_MEANS": exists_means}
    first = write_csv(importer.cwd / "first.csv", packs(4))
    assert importer("run", first, env={**env, **HOLD}).code == 5
    second = write_csv(importer.cwd / "second.csv", [*packs(2, first=3), *packs(2, prefix="T")])
    assert importer("run", second, env=env).code == code
    report = reports(importer.cwd / "reports")[-1]
    expected = ["unknown" if code else "assigned"] * 2 + ["assigned"] * 2
    assert [line.outcome for line in report.lines] == expected
    assert differences(box, report)[:-2] == []  # the first two are in the other run
    third = write_csv(importer.cwd / "third.csv", packs(1, batch="B2", first=1))
    assert importer("run", third, env=env).code == 3
    assert [line.code for line in reports(importer.cwd / "reports")[-1].lines] == ["conflict_with_run"]


def test_doubt_outlives_a_run_of_which_the_api_took_nothing(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("commission:drop_after=at:1", "twice=error")
    assert importer("run", write_csv(importer.cwd / "first.csv", packs(3)), env={**box.env, **ONE, **HOLD}).code == 5
    box.kill()
    busy = sandbox("commission:429=since:1", port=box.port)
    impatient = {**busy.env, **ONE, "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.01"}
    assert importer("run", write_csv(importer.cwd / "second.csv", packs(2)), env=impatient).code == 75
    lines = reports(importer.cwd / "reports")[-1].lines
    assert [(line.outcome, line.code) for line in lines] == [("unsent", "not_taken")] * 2
    busy.kill()
    well = sandbox(f"ledger={box.file}", "twice=error", port=box.port)
    assert importer("resume", env={**well.env, **ONE}).code == 5
    lines = reports(importer.cwd / "reports")[-1].lines
    assert {line.outcome for line in lines} == {"unknown"}
    third = write_csv(importer.cwd / "third.csv", packs(1, first=2))
    assert importer("run", third, env={**well.env, **ONE}).code == 5
    (line,) = reports(importer.cwd / "reports")[-1].lines
    assert line.outcome == "unknown"


def test_a_retry_that_reaches_no_api_leaves_every_row_as_it_was(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("refused=S00002")
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(3)), env={**box.env, **ONE}).code == 3
    (report,) = reports(importer.cwd / "reports")
    before = [(line.outcome, line.code, line.message) for line in report.lines]
    box.kill()
    away = {**box.env, **ONE, "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.01"}
    assert importer("retry", report.run, env=away).code == 75
    (report,) = reports(importer.cwd / "reports")
    assert [(line.outcome, line.code, line.message) for line in report.lines] == before
    well = sandbox(port=box.port)
    assert importer("resume", env={**well.env, **ONE}).code == 0


def test_a_retry_with_nothing_to_send_leaves_the_run_finished(importer: Importer, sandbox: StartBox) -> None:
    env = sandbox().env
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(3)), env=env).code == 0
    (before,) = importer("runs", "--json").json
    assert importer("retry", before["run"], env=env).code == 0
    assert importer("runs", "--json").json == [before]


def test_a_retry_of_a_retry_keeps_the_doubt(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:drop_after=at:1", "commission:429=at:2", "twice=error")
    env = {**box.env, **ONE}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(1)), env={**env, **HOLD}).code == 5
    for _ in range(2):
        assert importer("retry", report().run, env=env).code == 5
    assert [(line.code, line.attempts) for line in report().lines] == [("exists_in_doubt", "4")]


def test_a_disk_that_takes_no_more_ends_the_run_and_resume_goes_on(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    env = {**box.env, **ONE}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env=env) as running:
        running.wait_for("chunk")
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (1, 1))
        stopped = running.ended()
    assert stopped.code == 1
    (line,) = (line for line in stopped.errors if line)
    assert "importer.db" in line
    assert "importer resume" in line
    assert importer("resume", env=env).code == 0
    assert report().outcomes == {"assigned": 12}
    assert differences(box, report()) == []
    assert {entry.received for (_, serial), entry in box.ledger().items() if serial <= "S00004"} == {1}


def test_a_ledger_that_vanishes_ends_the_run_and_goes_on_where_it_is_put_back(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:latency=1,seconds=0.3")
    env = {**box.env, **ONE}
    with importer.start("run", write_csv(importer.cwd / "list.csv", packs(12)), env=env) as running:
        running.wait_for("chunk")
        away = importer.cwd / "away"
        away.mkdir()
        for name in ("importer.db", "importer.db-wal", "importer.db-shm"):
            (importer.cwd / name).rename(away / name)
        stopped = running.ended()
    assert stopped.code == 1
    (line,) = (line for line in stopped.errors if line)
    assert "was removed or replaced while it was in use" in line
    for path in away.iterdir():
        shutil.move(path, importer.cwd / path.name)
    assert importer("resume", env=env).code == 0
    assert report().outcomes == {"assigned": 12}
    assert differences(box, report()) == []


@pytest.mark.parametrize("command", [("runs",), ("resume",)])
def test_a_ledger_of_a_newer_importer_is_left_alone(
    importer: Importer, sandbox: StartBox, command: tuple[str, ...]
) -> None:
    box = sandbox()
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4, TABLETS)), env=box.env).code == 0
    db = sqlite3.connect(importer.cwd / "importer.db", isolation_level=None)
    db.execute("PRAGMA user_version = 99")
    db.close()
    done = importer(*command, env=box.env)
    assert done.code == 1
    assert "was written by a newer importer (schema 99" in done.err
