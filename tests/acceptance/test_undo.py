"""What was commissioned by mistake is taken back, in a run of its own with all promises of one that commissions."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
from boxes import Box
from commands import COMMAND, Importer, Result
from conftest import StartBox
from lists import DROPS, TABLETS, packs, write_csv
from webserver import Server

SMALL = {"IMPORTER_LIMITS__CHUNK_SIZE": "5", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
QUICK = {"IMPORTER_LIMITS__BACKOFF_SECONDS": "0.001"}


def outcomes(done: Result) -> dict[str, int]:
    return {outcome: rows for outcome, rows in done.json["outcomes"].items() if rows}


def taken_back(box: Box) -> set[str]:
    return {serial for (_, serial), entry in box.ledger().items() if entry.decommissioned}


def commissioned(importer: Importer, box: Box, *rows: tuple[str, ...]) -> str:
    """A list of these rows, or of 12 packs, is imported; its run's id."""
    source = write_csv(importer.cwd / "list.csv", rows or packs(12))
    done = importer("run", source, "--json", env=box.env)
    assert done.code == 0
    return str(done.json["run"])


def test_all_that_a_run_has_assigned_is_taken_back_and_the_report_proves_it(importer: Importer, box: Box) -> None:
    run = commissioned(importer, box, *packs(8), *packs(4, DROPS, "B2", prefix="D"))
    done = importer("decommission", run, "--yes", "--json", env={**box.env, **SMALL})
    assert (done.code, outcomes(done)) == (0, {"decommissioned": 12})
    assert (done.json["action"], done.json["undoes"]) == ("decommission", run)
    assert list(done.json["outcomes"]) == [
        *("decommissioned", "already_decommissioned", "duplicate", "rejected", "refused", "unknown", "unsent")
    ]
    assert len(taken_back(box)) == 12
    assert importer("status", "last").out.startswith(f"LIVE: taken back at {box.url}")
    assert {visit.request for visit in box.requests()} == {"commission", "decommission"}
    directory = Path(done.json["report"])
    lines = (importer.cwd / directory / "decommissioned.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 13
    assert lines[1].startswith(f"S00001,{TABLETS},B1,491130,2,decommissioned,,,1,1,")
    assert len((importer.cwd / directory / "not_decommissioned.csv").read_text("utf-8-sig").splitlines()) == 1
    assert not (importer.cwd / directory / "undo.csv").exists()
    for each in (run, done.json["run"]):
        verified = importer("verify", each, "--json", env=box.env)
        assert (verified.code, verified.json["findings"]) == (0, [])
    assert [one["outcome"] for one in importer("trace", "S00001", "--json").json["found"]][:1] == ["decommissioned"]


def test_report_and_page_of_such_a_run_speak_of_taking_back(importer: Importer, box: Box) -> None:
    run = commissioned(importer, box)
    done = importer("decommission", run, "--yes", "--json", env=box.env)
    page = (importer.cwd / done.json["report"] / "report.html").read_text("utf-8")
    assert "Everything is taken back" in page
    assert "every row is assigned" not in page
    with (
        Server(importer.cwd, box.env) as server,
        urllib.request.urlopen(f"{server.url}/runs/{done.json['run']}") as answer,
    ):
        shown = answer.read().decode()
    assert "Everything is taken back" in shown
    assert "All 12 rows are taken back" in shown
    assert f'href="/runs/{run}"' in shown
    assert "is assigned" not in shown


def test_the_report_of_a_run_lists_what_would_be_taken_back(importer: Importer, box: Box) -> None:
    commissioned(importer, box, *packs(3))
    again = write_csv(importer.cwd / "more.csv", [*packs(5), packs(1)[0], ("#", TABLETS, "B1", "491130")])
    done = importer("run", again, "--json", env=box.env)
    lines = (importer.cwd / done.json["report"] / "undo.csv").read_text("utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines] == ["SerialNumber", "S00004", "S00005"]
    manifest = (importer.cwd / done.json["report"] / "manifest.json").read_text("utf-8")
    assert "undo.csv" in manifest


def test_nothing_is_taken_back_that_was_not_confirmed(importer: Importer, box: Box) -> None:
    run = commissioned(importer, box)
    done = importer("decommission", run, env=box.env)
    assert done.code == 2
    assert "Add --yes" in done.errors[-1]
    assert not taken_back(box)
    assert len(importer("runs", "--json").json) == 1


@pytest.mark.parametrize(("typed", "code", "gone"), [("12", 0, 12), ("11", 2, 0), ("y", 2, 0), ("", 2, 0)])
def test_on_a_live_target_the_number_is_typed(typed: str, code: int, gone: int, importer: Importer, box: Box) -> None:
    run = commissioned(importer, box)
    ours, theirs = os.openpty()
    os.write(ours, f"{typed}\n".encode())
    done = subprocess.run(
        [*COMMAND, "decommission", run],
        cwd=importer.cwd,
        env=importer.environ(box.env),
        stdin=theirs,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, len(taken_back(box))) == (code, gone), done.stderr
    assert "12 serials" in done.stderr
    assert box.url in done.stderr


@pytest.mark.parametrize(
    ("only", "gone"),
    [
        (["batch:B2"], {"D00001", "D00002"}),
        (["B2"], {"D00001", "D00002"}),
        (["S00003"], {"S00003"}),
        (["serial:S00003", "S00004"], {"S00003", "S00004"}),
        ([f"(01){TABLETS}(21)S00005"], {"S00005"}),
    ],
)
def test_a_batch_or_serials_alone(only: list[str], gone: set[str], importer: Importer, box: Box) -> None:
    run = commissioned(importer, box, *packs(8, prefix="S"), *packs(2, DROPS, "B2", prefix="D"))
    done = importer("decommission", run, "--yes", *(f"--only={one}" for one in only), "--json", env=box.env)
    assert (done.code, outcomes(done)) == (0, {"decommissioned": len(gone)})
    assert taken_back(box) == gone


@pytest.mark.parametrize("only", ["batch:B9", "serial:X", "X", "nothing.csv"])
def test_what_the_run_has_not_assigned_is_an_error_before_credentials_are(
    only: str, importer: Importer, box: Box
) -> None:
    run = commissioned(importer, box)
    done = importer("decommission", run, "--yes", "--only", only)
    assert (done.code, len(done.errors)) == (2, 1)
    assert only.rpartition(":")[2] in done.errors[0]


def test_a_list_takes_back_its_rows_and_rejects_what_the_run_has_not_assigned(importer: Importer, box: Box) -> None:
    other = commissioned(importer, box, *packs(2, prefix="T"))
    run = commissioned(importer, box)
    rows = [*packs(3), packs(1)[0], *packs(1, prefix="T"), *packs(1, batch="B7", first=7), *packs(1, prefix="X")]
    only = write_csv(importer.cwd / "back.csv", rows)
    done = importer("decommission", run, "--only", only, "--yes", "--json", env=box.env)
    assert (done.code, outcomes(done)) == (3, {"decommissioned": 3, "duplicate": 1, "rejected": 3})
    assert done.json["codes"] == {"not_assigned_by_run": 3}
    assert taken_back(box) == {"S00001", "S00002", "S00003"}
    verified = importer("verify", "last", "--json")
    assert (verified.code, verified.json["findings"]) == (0, [])
    assert "source" in verified.json["passed"]
    assert other in importer("trace", "T00001").out


def test_a_run_of_another_target_is_refused(importer: Importer, box: Box, sandbox: StartBox) -> None:
    run = commissioned(importer, box)
    other = sandbox(file="other.db")
    done = importer("decommission", run, "--yes", env=other.env)
    assert done.code == 2
    assert box.url in done.errors[-1]
    assert other.url in done.errors[-1]
    assert importer("decommission", run, "--yes", "--sandbox").code == 2
    assert not other.requests()


def test_a_serial_that_was_taken_back_is_not_sent_again_in_a_new_list(importer: Importer, box: Box) -> None:
    run = commissioned(importer, box)
    assert importer("decommission", run, "--yes", "--only", "S00001", env=box.env).code == 0
    sent = len(box.requests())
    new = write_csv(importer.cwd / "new.csv", [*packs(2), *packs(1, batch="B5"), *packs(1, first=77)])
    done = importer("run", new, "--json", env=box.env)
    assert (done.code, outcomes(done)) == (3, {"assigned": 1, "already_assigned": 1, "rejected": 2})
    assert set(done.json["codes"]) <= {"taken_back", "conflict_in_source"}
    again = importer("run", write_csv(importer.cwd / "one.csv", packs(1)), "--json", env=box.env)
    assert again.json["codes"] == {"taken_back": 1}
    text = (importer.cwd / again.json["report"] / "not_assigned.csv").read_text("utf-8-sig")
    assert "was taken back by run" in text
    assert len(box.requests()) == sent + 1
    assert importer("verify", "last").code == 0


def test_what_was_taken_back_before_is_not_sent_again(importer: Importer, box: Box) -> None:
    run = commissioned(importer, box)
    importer("decommission", run, "--yes", "--only", "S00001", env=box.env)
    done = importer("decommission", run, "--yes", "--json", env=box.env)
    assert (done.code, outcomes(done)) == (0, {"decommissioned": 11, "already_decommissioned": 1})
    assert {entry.decommissioned for entry in box.ledger().values()} == {1}
    assert importer("verify", "last").code == 0
    last = importer("decommission", run, "--yes", env=box.env)
    assert (last.code, "Nothing to take back" in last.out) == (0, True)
    assert importer("decommission", "last", "--yes", env=box.env).code == 2  # a run that takes back itself


def test_an_answer_that_was_lost_leaves_doubt_which_a_new_list_respects(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("decommission:drop_after=first:1", "taken_back=error")
    run = commissioned(importer, box)
    done = importer("decommission", run, "--yes", "--json", env={**box.env, **QUICK})
    assert (done.code, outcomes(done)) == (5, {"unknown": 12})
    assert done.json["codes"] == {"gone_in_doubt": 12}
    again = importer("run", write_csv(importer.cwd / "one.csv", packs(1)), "--json", env=box.env)
    assert (again.code, again.json["codes"]) == (3, {"taken_back": 1})
    text = (importer.cwd / again.json["report"] / "not_assigned.csv").read_text("utf-8-sig")
    assert "may have been taken back" in text
    means = {**box.env, **QUICK, "IMPORTER_UNKNOWN__EXISTS_MEANS": "assigned"}
    settled = importer("retry", done.json["run"], "--json", env=means)
    assert (settled.code, outcomes(settled)) == (0, {"decommissioned": 12})
    assert importer("verify", done.json["run"]).code == 0


@pytest.mark.parametrize(
    ("knobs", "code", "expected", "why"),
    [
        (["poison=S00003"], 3, {"decommissioned": 11, "refused": 1}, "api_refused"),
        (["refused=S00003", "refused_status=Assigned"], 3, {"decommissioned": 11, "refused": 1}, "status_not_assigned"),
        (["refused=S00003"], 5, {"decommissioned": 11, "unknown": 1}, "status_not_decommissioned"),
        (["missing=S00003"], 5, {"decommissioned": 11, "unknown": 1}, "answer_missing"),
    ],
)
def test_what_an_answer_says_of_single_serials(
    knobs: list[str], code: int, expected: dict[str, int], why: str, importer: Importer, sandbox: StartBox
) -> None:
    before = sandbox(file="pool.db")
    run = commissioned(importer, before)
    before.kill()
    box = sandbox(*knobs, file="pool.db", port=before.port)
    done = importer("decommission", run, "--yes", "--json", env={**box.env, **QUICK})
    assert (done.code, outcomes(done), done.json["codes"]) == (code, expected, {why: 1})
    assert importer("verify", "last").code == 0


def test_another_word_for_taken_back_is_a_setting(importer: Importer, sandbox: StartBox) -> None:
    before = sandbox(file="pool.db")
    run = commissioned(importer, before)
    before.kill()
    box = sandbox("refused_share=1", "refused_status=Inactive", file="pool.db", port=before.port)
    env = {**box.env, "IMPORTER_API__DECOMMISSIONED_STATUS": "Inactive"}
    done = importer("decommission", run, "--yes", "--json", env=env)
    assert (done.code, outcomes(done)) == (0, {"decommissioned": 12})


def test_after_a_kill_resume_takes_back_the_rest(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("decommission:latency=1,seconds=0.05")
    run = commissioned(importer, box, *packs(60))
    with importer.start("decommission", run, "--yes", env={**box.env, **SMALL}) as running:
        running.wait_for("chunk", times=2)
        running.send(signal.SIGKILL)
        running.ended()
    listed = importer("runs", "--json").json[-1]
    assert listed["state"] != "finished"
    other = sandbox(file="other.db")
    assert importer("resume", listed["run"], env=other.env).code == 2
    done = importer("resume", "--json", env={**box.env, **SMALL})
    assert (done.code, outcomes(done)) == (0, {"decommissioned": 60})
    assert len(taken_back(box)) == 60
    assert importer("verify", "last").code == 0


def test_in_a_sandbox_of_the_process_it_works_too(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(5))
    assert importer("run", "--sandbox", source).code == 0
    done = importer("decommission", "last", "--sandbox", "--yes")
    assert done.code == 0
    assert "decommissioned" in done.out
    assert "can't be undone" not in done.err
