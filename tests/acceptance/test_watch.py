"""watch takes complete lists from an inbox, once each, and leaves the others where they are."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv
from readback import Report, reports

REPORT = {"assigned.csv", "not_assigned.csv", "undo.csv"}
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
    """Of the lists in it, at any depth."""
    return sorted(path.name for path in directory.rglob("*.csv") if path.name not in REPORT)


def test_a_complete_list_is_imported_and_put_away_where_verify_finds_it(
    importer: Importer, inbox: Path, env: dict[str, str], report: Callable[[], Report]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(5)))
    write_csv(inbox / "young.csv", packs(5, prefix="Y"))
    done = importer("watch", "inbox", "--once", env=env)
    assert done.code == 0
    run = report().run
    assert {path.relative_to(inbox).as_posix() for path in inbox.rglob("*") if path.is_file()} == {
        "young.csv",
        *(f"done/{run}/{name}" for name in ("list.csv", "manifest.json", "summary.json", "report.html", "report.xlsx")),
        *(f"done/{run}/{name}" for name in REPORT),
    }
    assert done.errors == []
    assert done.out == ""
    assert all("file" in log and "run" in log for log in done.logs)
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
    assert names(inbox / "done") == ["list.csv"]


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
    (line,) = [log["message"] for log in done.logs if log["event"] == "stays"]
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
    aged(write_csv(inbox / "list.csv", packs(5)))
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    (moved,) = (inbox / "done").glob("*/list.csv")
    with moved.open("a", encoding="utf-8") as file:
        file.writelines(f"{','.join(row)}\r\n" for row in packs(5, first=6))
    time.sleep(0.3)  # as long as it must have been quiet
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    assert len(box.commissioned()) == 10
    assert [one.outcomes for one in reports(importer.cwd / "reports")] == [
        {"assigned": 5},
        {"assigned": 5, "already_assigned": 5},
    ]


def test_a_list_that_grows_while_it_is_imported_is_imported_again_as_what_it_is_then(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(8)))
    slow = {**quick, "IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "2"}
    with importer.start("watch", "inbox", env=slow) as running:
        running.wait_for("chunk")
        (claimed,) = (inbox / "working").glob("*/list.csv")
        with claimed.open("a", encoding="utf-8") as file:
            file.writelines(f"{','.join(row)}\r\n" for row in packs(2, first=9))
        assert running.wait_for("run")["end"] is None
        assert running.wait_for("run")["already_assigned"] == 8
        running.send(signal.SIGTERM)
        running.ended()
    assert len(box.commissioned()) == 10
    assert names(inbox / "done") == ["list.csv"]


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
    assert (done.code, len([log for log in done.logs if log["event"] == "failed"])) == (2, 2)
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


def test_a_watch_that_gets_signals_one_after_another_ends_without_a_traceback(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(2)))
    with importer.start("watch", "inbox", env=quick) as running:
        running.wait_for("run")
        for _ in range(3):
            running.send(signal.SIGTERM)
        done = running.ended()
    assert done.code == 143
    assert "Traceback" not in done.err


def test_rounds_leave_no_handle_of_the_shared_quota_open(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    with importer.start("watch", "inbox", env=quick) as running:
        for name in ("a", "b", "c"):
            aged(write_csv(inbox / f"{name}.csv", packs(2, prefix=name.upper())))
            running.wait_for("chunk")
            assert sum(link.suffix == ".pace" for link in open_files(running.pid)) <= 1


def events(logs: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [log for log in logs if log["event"] == name]


def test_a_list_with_rejects_goes_to_problems_with_its_report(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", [*packs(2), ("S#9", *packs(1)[0][1:])]))
    done = importer("watch", "inbox", "--once", env=quick)
    assert done.code == 3
    (log,) = events(done.logs, "run")
    assert (log["end"], log["assigned"], log["rejected"]) == ("problems", 2, 1)
    place = importer.cwd / log["report"]
    assert place == inbox / "problems" / log["run"]
    assert (place / "list.csv").exists()
    assert (place / "report.html").exists()


def test_the_same_content_is_not_sent_twice_and_said(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(5)))
    assert importer("watch", "inbox", "--once", env=quick).code == 0
    sent = len(box.requests())
    aged(write_csv(inbox / "again.csv", packs(5)))
    done = importer("watch", "inbox", "--once", env=quick)
    (log,) = events(done.logs, "seen")
    assert "imported before by run" in log["message"]
    assert (done.code, len(box.requests()), names(inbox / "done" / log["run"])) == (0, sent, ["again.csv", "list.csv"])
    assert len(importer("runs", "--json").json) == 1


def test_create_makes_the_directories_of_inbox_and_profiles(importer: Importer, env: dict[str, str]) -> None:
    (importer.cwd / "config.toml").write_text('[profiles.acme]\ntenant = "acme"\n', "utf-8")
    missing = importer("watch", "in/box", "--once", env=env)
    assert (missing.code, missing.errors) == (2, [])
    assert importer("watch", "in/box", "--once", "--create", env=env).code == 0
    made = {path.name for path in (importer.cwd / "in/box").iterdir()}
    assert made == {"acme", "working", "done", "problems", "failed"}


def test_a_profile_has_its_own_credentials_reports_and_mapping(
    importer: Importer, inbox: Path, sandbox: Callable[..., Box]
) -> None:
    box = sandbox("channel_keys=sandbox-channel", "channel_keys=acme-channel")
    key = importer.cwd / "acme.key"
    key.write_text("acme-channel\n", "utf-8")
    (importer.cwd / "config.toml").write_text(
        f"""[profiles.acme]
tenant = "Acme"
channel_key_file = "{key.name}"
report_dir = "acme reports"
columns = {{ "Pack" = "serial" }}
""",
        "utf-8",
    )
    (inbox / "acme").mkdir()
    lines = [",".join(row) for row in packs(3, prefix="A")]
    (inbox / "acme" / "list.csv").write_text("\n".join(["Pack,GTIN,Batch,ExpirationDate", *lines, ""]), "utf-8")
    aged(inbox / "acme" / "list.csv")
    aged(write_csv(inbox / "own.csv", packs(3)))
    quick = {**box.env, **QUICK}
    done = importer("watch", "inbox", "--once", env=quick)
    assert done.code == 0
    assert (names(inbox / "done"), names(inbox / "acme" / "done")) == (["own.csv"], ["list.csv"])
    runs = {run["source"]: run for run in importer("runs", "--json").json}
    assert runs["list.csv"]["target"].endswith("tenant:Acme")
    assert runs["own.csv"]["target"] != runs["list.csv"]["target"]
    assert (importer.cwd / "acme reports" / runs["list.csv"]["run"] / "summary.json").exists()
    assert importer("verify", runs["list.csv"]["run"], "--profile", "acme", env=quick).code == 0


def test_what_is_no_list_is_named_with_the_reason_and_left(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(2)))
    aged(write_csv(inbox / "export.dat", packs(2, prefix="D")))
    others = {"photo.png": b"\x89PNG....", "notes.md": b"# Notes\n", "list.csv.part": b"x", ".hidden.csv": b"x"}
    for name, content in others.items():
        (inbox / name).write_bytes(content)
        aged(inbox / name)
    (inbox / "other").mkdir()
    done = importer("watch", "inbox", "--once", env=quick)
    assert done.code == 0
    assert {Path(log["file"]).name for log in events(done.logs, "skipped")} == {*others, "other"}
    assert all(log["message"] for log in events(done.logs, "skipped"))
    assert all((inbox / name).read_bytes() == content for name, content in others.items())
    assert {path.name for path in (inbox / "done").glob("*/*.*")} >= {"list.csv", "export.dat"}


def test_two_watches_with_ledgers_of_their_own_share_an_inbox(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    for number in range(12):
        aged(write_csv(inbox / f"{number}.csv", packs(3, prefix=f"N{number}X")))
    with ExitStack() as stack:
        watches = [
            stack.enter_context(importer.start("watch", "inbox", "--ledger", f"{name}.db", env=quick))
            for name in ("one", "two")
        ]
        while len(names(inbox / "done")) < 12:
            time.sleep(0.1)
        for watch in watches:
            watch.send(signal.SIGTERM)
            assert watch.ended().code == 143
    taken = [run["source"] for name in ("one", "two") for run in runs_in(importer, f"{name}.db")]
    assert sorted(taken) == sorted(names(inbox / "done"))
    assert len(box.commissioned()) == 36


def runs_in(importer: Importer, ledger: str) -> list[dict[str, Any]]:
    return list(importer("runs", "--json", "--ledger", ledger).json) if (importer.cwd / ledger).exists() else []


def test_what_a_killed_watch_has_left_goes_on_at_the_next_start(
    importer: Importer, inbox: Path, box: Box, quick: dict[str, str]
) -> None:
    aged(write_csv(inbox / "list.csv", packs(50)))
    slow = {**quick, "IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "5"}
    with importer.start("watch", "inbox", env=slow) as running:
        running.wait_for("chunk", 3)
        running.send(signal.SIGKILL)
        running.ended()
    assert names(inbox) == names(inbox / "working") == ["list.csv"]
    done = importer("watch", "inbox", "--once", env=quick)
    assert (done.code, names(inbox / "done"), names(inbox / "working")) == (0, ["list.csv"], [])
    assert len(box.commissioned()) == 50


def test_a_service_manager_is_told_that_a_watch_is_ready_and_stops(
    importer: Importer, inbox: Path, quick: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        told = {**quick, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
        with importer.start("watch", "inbox", env=told) as running:
            assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            running.send(signal.SIGTERM)
            while (state := manager.recv(100)) == b"WATCHDOG=1":
                pass
            assert state == b"STOPPING=1"


class Hook:
    """A web server that keeps what is POSTed to it."""

    def __init__(self) -> None:
        got: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self.got = got
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/with-a-secret-in-it"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_a_night_s_problems_are_told_once_and_no_secret_is_shown(
    importer: Importer, inbox: Path, quick: dict[str, str]
) -> None:
    hook = Hook()
    (importer.cwd / "hook.url").write_text(hook.url, "utf-8")
    secret = "the secret that signs"
    (importer.cwd / "config.toml").write_text('[notify]\nwebhook_url_file = "hook.url"\n', "utf-8")
    told = {**quick, "IMPORTER_NOTIFY__WEBHOOK_SECRET": secret}
    aged(write_csv(inbox / "good.csv", packs(2)))
    aged(write_csv(inbox / "wrong.csv", [("S#9", *packs(1)[0][1:])]))
    (inbox / "bad.csv").write_text("nothing of the kind\n1\n", "utf-8")
    aged(inbox / "bad.csv")
    said = [importer("watch", "inbox", "--once", env=told) for _ in range(2)]
    hook.close()
    assert [done.code for done in said] == [2, 0]
    kinds = {message["kind"]: message for message in hook.got}
    assert (len(hook.got), set(kinds)) == (3, {"rejects", "failure", "digest"})
    assert [file["file"] for file in kinds["digest"]["files"]] == ["good.csv"]
    (bad,) = kinds["failure"]["files"]
    assert bad["code"]
    assert bad["happened"]
    assert "Put the corrected list into the inbox again." in bad["to_do"]
    assert (Path(bad["report"]) / "bad.csv.report.txt").exists()
    (wrong,) = kinds["rejects"]["files"]
    assert (Path(wrong["report"]) / "not_assigned.csv").exists()
    everything = "".join(done.out + done.err for done in said) + (
        importer.cwd / "reports" / wrong["run"] / "summary.json"
    ).read_text("utf-8")
    assert hook.url not in everything
    assert secret not in everything
