"""watch takes complete lists from an inbox, once each, and leaves the others where they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv
from readback import Report, reports

QUICK = {"IMPORTER_WATCH__QUIET_SECONDS": "0.2"}


@pytest.fixture
def inbox(importer: Importer) -> Path:
    directory = importer.cwd / "inbox"
    directory.mkdir()
    return directory


@pytest.fixture
def quick(env: dict[str, str]) -> dict[str, str]:
    return {**env, **QUICK}


def aged(path: Path, seconds: float = 100) -> Path:
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def open_files(process: int) -> Iterator[Path]:
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield descriptor.readlink()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


def test_a_complete_list_is_imported_and_put_away_where_verify_finds_it(
    importer: Importer, inbox: Path, env: dict[str, str], report: Callable[[], Report]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(5)))
    write_csv(inbox / "young.csv", packs(5, prefix="Y"))
    done = importer("watch", "inbox", "--once", env=env)
    assert done.code == 0
    assert [path.relative_to(inbox).as_posix() for path in inbox.rglob("*.csv")] == ["young.csv", "done/list.csv"]
    assert any(log["event"] == "waits" and "young.csv" in log["source"] for log in done.logs)
    verified = importer("verify", report().run, "--json")
    assert (verified.code, verified.json["skipped"]) == (0, [])


def test_a_list_that_a_process_has_open_is_left(importer: Importer, inbox: Path, quick: dict[str, str]) -> None:
    path = aged(write_csv(inbox / "list.csv", packs(5)))
    program = f"file = open({str(path)!r}, 'a'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        writer.stdout.readline()
        done = importer("watch", "inbox", "--once", env=quick)
        assert (done.code, names(inbox)) == (0, ["list.csv"])
        assert any(log.get("message") == f"process {writer.pid} has it open" for log in done.logs)
        writer.communicate("\n")
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert (inbox / "done" / "list.csv").exists()


def test_a_list_whose_last_line_is_cut_is_left_with_a_message(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    path = write_csv(inbox / "list.csv", packs(5))
    whole = path.read_bytes()
    path.write_bytes(whole[:-18])
    aged(path)
    good = aged(write_csv(inbox / "good.csv", packs(2, prefix="G")), 50)
    done = importer("watch", "inbox", "--once", env=quick)
    assert done.code == 75
    (line,) = [line for line in done.errors if "list.csv" in line]
    assert "the last line is cut" in line
    assert "2 of 4 fields" in line
    assert path.exists()
    assert not good.exists()

    path.write_bytes(whole)
    aged(path)
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert len(box.commissioned()) == 7


def test_a_list_that_grew_after_it_was_read_is_imported_as_what_it_is_now(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    path = aged(write_csv(inbox / "list.csv", packs(5)))
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    moved = inbox / "done" / path.name
    with moved.open("a", encoding="utf-8") as file:
        file.writelines(f"{','.join(row)}\r\n" for row in packs(5, first=6))
    time.sleep(0.3)  # as long as it must have been quiet
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert len(box.commissioned()) == 10
    assert [one.outcomes for one in reports(importer.cwd / "reports")] == [
        {"assigned": 5},
        {"assigned": 5, "already_assigned": 5},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"IMPORTER_API__CA_FILE": "nowhere.pem"}, id="ca_file"),
        pytest.param({"IMPORTER_API__TOKEN": ""}, id="no token"),
        pytest.param({"IMPORTER_INPUT__DATE_ORDER": "ymd"}, id="no such choice"),
    ],
)
def test_a_wrong_setting_moves_no_list(
    wrong: dict[str, str], importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    for name in ("a.csv", "b.csv"):
        aged(write_csv(inbox / name, packs(2, prefix=name[0].upper())))
    assert importer("watch", "inbox", "--once", env={**quick, **wrong}).code == 2
    assert not (inbox / "failed").exists()
    assert not (inbox / "done").exists()
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert names(inbox / "done") == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    "flags", [pytest.param(["--map", "serial=Pack nr"], id="header"), pytest.param(["--encoding", "utf-99"], id="enc")]
)
def test_a_flag_that_names_what_is_not_there_moves_no_list(
    flags: list[str], importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    for name in ("a.csv", "b.csv"):
        aged(write_csv(inbox / name, packs(2, prefix=name[0].upper())))
    done = importer("watch", "inbox", "--once", *flags, env=quick)
    assert (done.code, len(done.errors)) == (2, 2)
    assert names(inbox) == ["a.csv", "b.csv"]


def test_a_list_that_can_not_be_read_fails_alone(importer: Importer, inbox: Path, quick: dict[str, str]) -> None:
    (inbox / "a.csv").write_text("nothing of the kind\n1\n", "utf-8")
    aged(inbox / "a.csv")
    aged(write_csv(inbox / "b.csv", packs(2)), 50)
    assert importer("watch", "inbox", "--once", env=quick).code == 2
    assert (names(inbox / "failed"), names(inbox / "done")) == (["a.csv"], ["b.csv"])


def test_lists_that_vanished_or_come_from_the_future_do_not_block_the_others(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    (inbox / "gone.csv").symlink_to(inbox / "nowhere.csv")
    aged(write_csv(inbox / "future.csv", packs(2, prefix="F")), -86_400)
    aged(write_csv(inbox / "list.csv", packs(2)))
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert names(inbox / "done") == ["future.csv", "list.csv"]


def test_a_limit_holds_for_all_rounds_together(importer: Importer, inbox: Path, quick: dict[str, str]) -> None:
    aged(write_csv(inbox / "list.csv", packs(50)))
    slow = {"IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "2"}
    begun = time.monotonic()
    done = importer("watch", "inbox", "--max-duration", "5s", env={**quick, **slow})
    assert done.code == 4
    assert time.monotonic() - begun < 30
    assert names(inbox) == ["list.csv"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_watch_that_waits(
    number: signal.Signals, code: int, importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(2)))
    with importer.start("watch", "inbox", env=quick) as running:
        running.wait_for("run")
        running.send(number)
        done = running.ended()
    assert (done.code, names(inbox / "done")) == (code, ["list.csv"])
    assert "Traceback" not in done.err


def test_rounds_leave_no_handle_of_the_shared_quota_open(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    with importer.start("watch", "inbox", env=quick) as running:
        for name in ("a", "b", "c"):
            aged(write_csv(inbox / f"{name}.csv", packs(2, prefix=name.upper())))
            running.wait_for("chunk")
            assert sum(link.suffix == ".pace" for link in open_files(running.pid)) <= 1
