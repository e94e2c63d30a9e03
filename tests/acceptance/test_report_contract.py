"""The report as people script against it: files, columns, keys, codes, and who may read it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import pytest
from boxes import Box
from commands import Importer, Result
from lists import DROPS, SYRINGE, TABLETS, packs, write_csv
from readback import Report, only_report

SECRETS = {
    "IMPORTER_API__CHANNEL_KEY": "hush-channel-5a1",
    "IMPORTER_API__KEY": "hush-key-77b",
    "IMPORTER_API__SECRET": "hush-secret-90c",
}
OUTCOMES = ["assigned", "already_assigned", "duplicate", "rejected", "refused", "unknown", "unsent"]
COLUMNS = "SerialNumber,GTIN,Batch,ExpirationDate,row,outcome,code,message,chunk,attempts,recorded_at"
GOOD = packs(12, TABLETS)
ROWS = [
    *GOOD,
    GOOD[0],
    ("has space", *GOOD[0][1:]),
    *packs(3, DROPS, "D1", prefix="D"),
    ("D00002", DROPS, "D1", "491130"),
    *packs(15, SYRINGE, "Y1", prefix="Y"),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Report]:
    """A run in which six of the outcomes occur, with a token that was fetched. To be read, not changed."""
    directory = tmp_path_factory.mktemp("report")
    work = directory / "work"
    work.mkdir()
    box = Box(
        *(directory / "box.db", f"unregistered={SYRINGE}", "refused=D00002", "missing=S00003"),
        *("channel_keys=hush-channel-5a1", "api_key=hush-key-77b", "api_secret=hush-secret-90c"),
    )
    try:
        env = {"IMPORTER_API__BASE_URL": box.url, "IMPORTER_LIMITS__CHUNK_SIZE": "10", **SECRETS}
        done = Importer(work)("run", write_csv(work / "list.csv", ROWS), "--json", "--debug", env=env)
    finally:
        box.kill()
    return done, only_report(work / "reports")


Ended = tuple[Result, Report]


def test_every_row_has_one_outcome_and_they_add_up(ended: Ended) -> None:
    done, report = ended
    assert done.code == report.summary["exit_code"] == 5
    assert list(report.summary["outcomes"]) == OUTCOMES
    assert report.outcomes == {"assigned": 13, "duplicate": 2, "rejected": 1, "refused": 11, "unknown": 1, "unsent": 5}
    assert sum(report.outcomes.values()) == len(ROWS) == report.summary["source"]["rows"]
    assert report.summary["identity_holds"] is True
    assert [line.row for line in report.lines] == list(range(2, len(ROWS) + 2))


def test_the_summary_has_what_people_script_against(ended: Ended) -> None:
    done, report = ended
    summary = report.summary
    assert {
        *("run", "source", "started_at", "ended_at", "outcomes", "identity_holds", "batches", "codes", "requests"),
        *("exit_code", "settings", "version", "user", "host"),
        *("user_claimed", "events", "comments"),
    } <= set(summary)
    assert {"sent", "retried", "seconds"} <= set(summary["requests"])
    source = report.directory.parents[1] / "list.csv"
    content = source.read_bytes()
    assert summary["source"] == {
        "name": "list.csv",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": len(ROWS),
    }
    for batch in summary["batches"]:
        assert {"gtin", "batch", "expiry_date", *OUTCOMES} <= set(batch)
    for outcome in OUTCOMES:
        assert sum(batch[outcome] for batch in summary["batches"]) == summary["outcomes"][outcome]
    assert {key: done.json[key] for key in summary} == summary


def test_the_lists_are_csv_as_spreadsheets_take_it(ended: Ended) -> None:
    _, report = ended
    for name in ("assigned.csv", "not_assigned.csv"):
        content = (report.directory / name).read_bytes()
        text = content.decode("utf-8-sig")
        assert content.startswith(b"\xef\xbb\xbf" + COLUMNS.encode() + b"\r\n")
        assert text.endswith("\r\n")
        assert text.count("\n") == text.count("\r\n") == len(list(csv.reader(text.splitlines(), strict=True)))


def test_each_row_stands_in_one_list_in_the_order_of_the_source(ended: Ended) -> None:
    _, report = ended
    assert {line.outcome for line in report.assigned} == {"assigned", "duplicate"}
    for lines in (report.assigned, report.not_assigned):
        assert [line.row for line in lines] == sorted(line.row for line in lines)
    duplicates = {line.row: line.code for line in report.lines if line.outcome == "duplicate"}
    assert duplicates == {14: "", 19: "first_row_not_assigned"}
    for line in report.assigned:
        assert (line.gtin, len(line.expiry), line.message) == (line.gtin.zfill(14), 6, line.message)


def test_each_row_that_is_not_assigned_says_why_and_what_to_do(ended: Ended) -> None:
    _, report = ended
    assert all(line.code and line.message for line in report.not_assigned)
    codes = {line.serial: line.code for line in report.not_assigned if line.outcome != "duplicate"}
    assert (codes["has space"], codes["D00002"], codes["S00003"]) == (
        *("serial_character", "status_not_assigned"),
        "answer_missing",
    )
    assert {code for serial, code in codes.items() if serial[0] == "Y"} == {"product_not_registered"}


def test_the_manifest_proves_the_other_files(ended: Ended) -> None:
    _, report = ended
    manifest = json.loads((report.directory / "manifest.json").read_text("utf-8"))
    files = {file["name"]: file for file in manifest["files"]}
    found = {path.name for path in report.directory.iterdir() if not path.name.startswith(".")}
    assert set(files) == found - {"manifest.json"}
    for name, file in files.items():
        content = (report.directory / name).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_workbook_holds_the_same_rows(ended: Ended) -> None:
    _, report = ended
    for name, lines in (("Assigned", report.assigned), ("Not assigned", report.not_assigned)):
        header, *rows = report.sheet(name)
        assert len(header) == len(COLUMNS.split(","))
        assert [row[:4] for row in rows] == [(line.serial, line.gtin, line.batch, line.expiry) for line in lines]


def test_no_secret_is_in_anything_that_was_written(ended: Ended) -> None:
    """Nor is a token that was fetched: each is a JWT, which begins with eyJ."""
    done, report = ended
    written = {path: path.read_bytes() for path in report.directory.parents[1].rglob("*") if path.is_file()}
    written |= {Path("stdout"): done.out.encode(), Path("stderr"): done.err.encode()}
    assert any(path.name == "importer.db" for path in written)
    leaks = [
        (path.name, needle)
        for path, content in written.items()
        for needle in (*SECRETS.values(), "eyJ")
        if needle.encode() in content
    ]
    assert leaks == []


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_only_the_owner_may_read_ledger_and_report(ended: Ended) -> None:
    _, report = ended
    work = report.directory.parents[1]
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (*report.directory.iterdir(), *work.glob("importer.db*"))
    }
    assert set(modes.values()) == {0o600}
    assert report.directory.stat().st_mode & 0o777 == 0o700


def test_what_was_not_assigned_can_be_corrected_and_imported_as_it_is(importer: Importer) -> None:
    wrong = [("has space", *GOOD[0][1:]), *GOOD[1:3], ("S00009", TABLETS, "B1", "491331")]
    assert importer("run", "--sandbox", write_csv(importer.cwd / "list.csv", wrong)).code == 3
    first = only_report(importer.cwd / "reports")

    file = first.directory / "not_assigned.csv"
    corrected = importer.cwd / "corrected.csv"
    corrected.write_bytes(file.read_bytes().replace(b"has space", b"has-none").replace(b"491331", b"491130"))
    done = importer("run", "--sandbox", corrected, "--report-dir", "again")
    second = only_report(importer.cwd / "again")
    assert (done.code, [(line.serial, line.expiry, line.row) for line in second.assigned]) == (
        0,
        [("has-none", "491130", 2), ("S00009", "491130", 3)],
    )
