"""Outside of the times of [schedule] lists are staged and wait; at the end of one a run stops and goes on later."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from boxes import Box
from commands import Importer
from lists import packs, write_csv

_DAY = 86_400


def showing(seconds_of_day: float) -> dict[str, str]:
    """A time zone in which clocks show this time now."""
    now = datetime.now(UTC)
    behind = round(now.hour * 3600 + now.minute * 60 + now.second - seconds_of_day) % _DAY
    behind -= _DAY if behind > _DAY // 2 else 0
    sign, behind = ("-", -behind) if behind < 0 else ("", behind)
    return {"TZ": f"TST{sign}{behind // 3600}:{behind % 3600 // 60:02}:{behind % 60:02}"}


def night(importer: Importer) -> None:
    (importer.cwd / "config.toml").write_text('[schedule]\nwindows = ["22:00-05:00"]\n', "utf-8")


BEFORE = 22 * 3600 - 5
NOON = 12 * 3600
LATE = 5 * 3600 - 12
SLOW = {"IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "2"}


def test_a_run_before_its_time_sends_in_it(importer: Importer, box: Box, env: dict[str, str]) -> None:
    night(importer)
    write_csv(importer.cwd / "list.csv", packs(3))
    assert importer("run", "list.csv", env={**env, **showing(BEFORE)}).code == 0
    assert len(box.commissioned()) == 3
    assert len(importer("runs", "--json").json) == 1


def test_a_run_that_waits_ends_by_a_signal_and_now_does_not_wait(
    importer: Importer, box: Box, env: dict[str, str]
) -> None:
    night(importer)
    write_csv(importer.cwd / "list.csv", packs(3))
    noon = {**env, **showing(NOON)}
    slow = {**noon, "IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "2"}
    with importer.start("run", "list.csv", env=slow) as running:
        assert "it fits into the time" in running.wait_for("schedule")["message"]
        assert "22:00" in running.wait_for("schedule")["message"]
        assert [run["state"] for run in importer("runs", "--json").json] == ["staged"]
        running.send(signal.SIGTERM)
        assert running.ended().code == 143
    assert box.requests() == []
    assert importer("resume", "--now", env=noon).code == 0
    assert len(box.commissioned()) == 3


def test_a_run_stops_at_the_end_of_its_time_and_says_before_that_it_will_not_fit(
    importer: Importer, box: Box, env: dict[str, str]
) -> None:
    night(importer)
    write_csv(importer.cwd / "list.csv", packs(60))
    done = importer("run", "list.csv", env={**env, **SLOW, **showing(LATE)})
    assert done.code == 4
    assert any(log["event"] == "estimate" and "longer than the time" in log["message"] for log in done.logs)
    sent = len(box.commissioned())
    assert 0 < sent < 60
    assert importer("resume", env={**env, **showing(23 * 3600)}).code == 0
    assert len(box.commissioned()) == 60


def test_a_list_that_can_not_be_read_does_not_wait(importer: Importer, box: Box, env: dict[str, str]) -> None:
    night(importer)
    (importer.cwd / "bad.csv").write_text("nothing of the kind\n1\n", "utf-8")
    write_csv(importer.cwd / "list.csv", packs(3))
    done = importer("run", "bad.csv", "list.csv", env={**env, **showing(BEFORE)})
    assert (done.code, len(box.commissioned())) == (2, 3)
    assert len([line for line in done.errors if "bad.csv" in line]) == 1


def test_a_watch_stages_outside_of_its_time_and_sends_in_it(importer: Importer, box: Box, env: dict[str, str]) -> None:
    night(importer)
    inbox = importer.cwd / "inbox"
    inbox.mkdir()
    old(write_csv(inbox / "list.csv", packs(3)))
    quick = {**env, "IMPORTER_WATCH__QUIET_SECONDS": "0.2", **showing(BEFORE)}
    noon = {**quick, **showing(NOON)}
    with importer.start("watch", "inbox", "--once", env=noon) as running:
        running.wait_for("staged")
        running.send(signal.SIGTERM)
        assert running.ended().code == 143
    assert box.requests() == []
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert len(box.commissioned()) == 3
    assert len(list((inbox / "done").glob("*/list.csv"))) == 1


def old(path: Path) -> None:
    os.utime(path, (time.time() - 100,) * 2)
