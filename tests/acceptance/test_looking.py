"""runs, status, report, verify: each command that looks, and each with one JSON document."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv
from readback import Report, only_report


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of a run with assigned, refused and rejected rows. To be copied, not changed."""
    directory = tmp_path_factory.mktemp("finished")
    work = directory / "work"
    work.mkdir()
    box = Box(directory / "box.db", "refused=S00002")
    try:
        source = write_csv(work / "list.csv", [*packs(20), ("has space", *packs(1)[0][1:])])
        assert Importer(work)("run", source, env=box.env).code == 3
    finally:
        box.kill()
    return work


@pytest.fixture
def copied(finished: Path, importer: Importer) -> Report:
    """The report of a run that is the importer's own now, ledger and all."""
    shutil.copytree(finished, importer.cwd, dirs_exist_ok=True)
    return only_report(importer.cwd / "reports")


def test_runs_and_status_tell_of_the_run(importer: Importer, copied: Report) -> None:
    (run,) = importer("runs", "--json").json
    assert (run["run"], run["rows"], run["source"], run["state"]) == (copied.run, 21, "list.csv", "finished")
    status = importer("status", copied.run, "--json").json
    assert status["outcomes"] == run["outcomes"] == copied.summary["outcomes"]
    assert status["to_send"] == 0

    for_people = importer("runs").out + importer("status", copied.run).out
    assert for_people.count(copied.run) >= 2
    assert f"importer retry {copied.run}" in for_people


def test_a_report_can_be_written_again(importer: Importer, copied: Report) -> None:
    before = {name: (copied.directory / name).read_bytes() for name in ("assigned.csv", "not_assigned.csv")}
    shutil.rmtree(copied.directory)
    done = importer("report", copied.run, "--json")
    assert (done.code, done.json["run"]) == (0, copied.run)
    assert {name: (copied.directory / name).read_bytes() for name in before} == before
    assert importer("verify", copied.run).code == 0


def test_verify_proves_a_run_that_was_left_alone(importer: Importer, copied: Report) -> None:
    done = importer("verify", copied.run, "--json")
    assert (done.code, done.json["holds"], done.json["findings"], done.json["skipped"]) == (0, True, [], [])
    told = importer("verify", copied.run)
    assert told.last_line == f"Run {copied.run} holds: 21 rows, each with one outcome."


def edit_a_byte(report: Report) -> None:
    path = report.directory / "assigned.csv"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"S00007", b"S00070"))


def change_the_summary(report: Report) -> None:
    path = report.directory / "summary.json"
    path.write_text(path.read_text("utf-8").replace('"refused": 1', '"refused": 0'), "utf-8")


def remove_the_report(report: Report) -> None:
    shutil.rmtree(report.directory)


def in_ledger(statement: str) -> Callable[[Report], None]:
    def change(report: Report) -> None:
        db = sqlite3.connect(report.directory.parents[1] / "importer.db", isolation_level=None)
        assert db.execute(statement).rowcount > 0
        db.close()

    return change


def remove(*names: str) -> Callable[[Report], None]:
    def change(report: Report) -> None:
        for name in names:
            (report.directory / name).unlink()
        (report.directory / "manifest.json").write_text(json.dumps({"run": report.run, "files": []}))

    return change


def with_a_new_manifest(name: str, text: str) -> Callable[[Report], None]:
    """Replace a file of the report and let its manifest say that it has always been so."""

    def change(report: Report) -> None:
        path = report.directory / name
        path.write_text(text, "utf-8")
        manifest = json.loads((report.directory / "manifest.json").read_text("utf-8"))
        for entry in manifest["files"]:
            if entry["name"] == name:
                entry |= {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        (report.directory / "manifest.json").write_text(json.dumps(manifest))

    return change


REFUSED_TO_ASSIGNED = "UPDATE chunk SET outcome = 'assigned', code = '' WHERE outcome = 'refused' AND state = 2"
UNSENT_TO_ALREADY = "UPDATE chunk SET outcome = 'already_assigned', code = '', message = '' WHERE outcome != 'assigned'"
MADE_UP_ANSWERS = "UPDATE attempt SET assigned = 99, digest = 'x', answered_at = 'x'"
RIGHT_ROWS_REJECTED = "UPDATE chunk SET outcome = 'rejected', code = 'serial_too_long' WHERE outcome = 'assigned'"

TAMPERING = [
    pytest.param(edit_a_byte, {"manifest", "report"}, id="a byte of assigned.csv"),
    pytest.param(change_the_summary, {"manifest", "report"}, id="summary.json"),
    pytest.param(with_a_new_manifest("summary.json", "{}"), {"report"}, id="summary.json and the manifest"),
    pytest.param(with_a_new_manifest("report.html", "<h1>0 rows</h1>"), {"report"}, id="the page and the manifest"),
    pytest.param(with_a_new_manifest("report.xlsx", ""), {"report"}, id="the workbook and the manifest"),
    pytest.param(remove("assigned.csv", "not_assigned.csv"), {"report"}, id="no lists, and a manifest without them"),
    pytest.param(remove_the_report, {"report"}, id="no report"),
    pytest.param(in_ledger(REFUSED_TO_ASSIGNED), {"answers", "report"}, id="a refusal becomes assigned"),
    pytest.param(in_ledger(UNSENT_TO_ALREADY), {"answers", "report"}, id="a refusal becomes already assigned"),
    pytest.param(in_ledger(RIGHT_ROWS_REJECTED), {"source", "report"}, id="right rows become rejected"),
    pytest.param(in_ledger("UPDATE batch SET batch = 'OTHER'"), {"source", "report"}, id="another batch"),
    pytest.param(in_ledger("UPDATE batch SET expiry = '991231'"), {"source", "report"}, id="another expiry"),
    pytest.param(in_ledger("UPDATE batch SET gtin = '00000000000017'"), {"source"}, id="another GTIN"),
    pytest.param(in_ledger(MADE_UP_ANSWERS), {"answers"}, id="answers that nobody gave"),
    pytest.param(in_ledger("DELETE FROM attempt"), {"answers"}, id="no answer on record"),
    pytest.param(in_ledger("UPDATE attempt SET says = x''"), {"answers"}, id="answers that name all serials"),
    pytest.param(in_ledger("DELETE FROM reject"), {"identity", "source", "report"}, id="a rejected row is lost"),
    pytest.param(in_ledger("DELETE FROM reject_count"), {"identity", "report"}, id="a rejected row is not counted"),
    pytest.param(in_ledger("UPDATE chunk_rows SET rows = substr(rows, 1, 20)"), {"identity"}, id="serials are cut off"),
    pytest.param(in_ledger("DELETE FROM chunk_rows"), {"identity"}, id="serials are lost"),
    pytest.param(in_ledger("UPDATE attempt SET assigned = 3"), {"answers"}, id="an answer named fewer"),
]


@pytest.mark.parametrize(("tamper", "kinds"), TAMPERING)
def test_verify_finds_what_was_changed_since(
    tamper: Callable[[Report], None], kinds: set[str], importer: Importer, copied: Report
) -> None:
    tamper(copied)
    done = importer("verify", copied.run, "--json")
    assert (done.code, done.json["holds"]) == (1, False)
    assert kinds <= {finding["kind"] for finding in done.json["findings"]}
    assert "Traceback" not in done.err


def test_verify_finds_a_source_that_was_changed_since(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    assert importer("run", "--sandbox", source).code == 0
    run = only_report(importer.cwd / "reports").run
    source.write_bytes(source.read_bytes().replace(b"S00002", b"S00020"))

    done = importer("verify", run)
    assert done.code == 1
    assert "NOT RIGHT  source: " in done.out
    assert "it was changed since" in done.out


def test_of_a_list_of_which_nothing_is_right_check_says_that_nothing_would_be_sent(importer: Importer) -> None:
    done = importer("check", write_csv(importer.cwd / "list.csv", packs(2, expiry="280230")))
    assert done.code == 3
    assert "A run would send nothing." in done.out


def test_verify_of_a_ledger_whose_runs_are_forged_finds_it_in_its_own_words(importer: Importer) -> None:
    importer("run", "--sandbox", write_csv(importer.cwd / "list.csv", packs(3)))
    with closing(sqlite3.connect(importer.cwd / "importer.db")) as db, db:
        db.execute("UPDATE run SET exit_code = 3")
    done = importer("verify", "last", "--json")
    assert done.code == 1
    assert (done.json["holds"], [finding["kind"] for finding in done.json["findings"]]) == (False, ["ledger"])
    assert importer("runs").code == 1
