"""The report as a set of files: whole or not at all, the owner's alone, and vouched for by the manifest."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from filelock import FileLock, Timeout
from report_builders import column, facts, rejected, serials, window
from saying import refused

from importer.errors import ImporterError
from importer.reports.manifest import check_manifest
from importer.reports.publishing import Drafts
from importer.reports.writing import write_reports
from importer.words.language import language

ALL = ("csv", "xlsx", "html")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file() and path.name[0] != "."}


def breaking_off() -> Iterator[pa.RecordBatch]:
    yield window(*serials("A", "B"))
    raise KeyboardInterrupt


def test_the_manifest_vouches_for_every_other_file(tmp_path: Path) -> None:
    written = write_reports(tmp_path, facts(), [window({}, rejected("x y"))], ALL)
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["run"] == facts().run
    assert {entry["name"] for entry in manifest["files"]} == set(contents(tmp_path)) - {"manifest.json"}
    for entry in manifest["files"]:
        data = (tmp_path / entry["name"]).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert {entry.name: entry.rows for entry in written.files}["not_assigned.csv"] == 1
    assert list(check_manifest(tmp_path)) == []


def test_the_rows_are_counted_as_they_pass(tmp_path: Path) -> None:
    twin = {"outcome": "duplicate", "good": False, "code": "first_row_not_assigned"}
    written = write_reports(tmp_path, facts(), [window({}, rejected("x y"), twin), window({}, first=5)], ["csv"])
    assert written.outcomes == {"assigned": 2, "rejected": 1, "duplicate": 1}
    assert written.codes == {"serial_charset": 1, "first_row_not_assigned": 1}


def test_only_the_owner_may_read_a_report(tmp_path: Path) -> None:
    directory = tmp_path / "reports" / "run"
    write_reports(directory, facts(), [window({})], ALL)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_writer_that_breaks_off_leaves_the_older_report_as_it_was(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({})], ALL)
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_reports(tmp_path, facts(), breaking_off(), ALL)
    assert contents(tmp_path) == before
    assert list(tmp_path.glob(".*.partial")) == []


def test_a_first_writer_that_breaks_off_leaves_nothing_that_looks_like_a_report(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_reports(tmp_path, facts(), breaking_off(), ALL)
    assert contents(tmp_path) == {}


def test_a_writer_that_is_killed_leaves_the_older_report_and_does_not_stop_the_next(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({})], ALL)
    before = contents(tmp_path)
    program = """
import os, pathlib, signal, sys
from report_builders import facts, window
from importer.reports.writing import write_reports

def windows():
    yield window({})
    os.kill(os.getpid(), signal.SIGKILL)

write_reports(pathlib.Path(sys.argv[1]), facts(), windows(), ["csv", "xlsx", "html"])
"""
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parent, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(tmp_path) == before
    assert list(tmp_path.glob(".*.partial")) != []
    write_reports(tmp_path, facts(), [window({}, {})], ALL)
    assert list(check_manifest(tmp_path)) == []
    assert list(tmp_path.glob(".*.partial")) == []


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".assigned.csv.partial").write_text("half a line")
    (tmp_path / ".report-of-old.partial").write_text("")
    write_reports(tmp_path, facts(), [window(*serials("A"))], ALL)
    assert column(tmp_path / "assigned.csv", "SerialNumber") == ["A"]
    assert list(tmp_path.glob(".*.partial")) == []


def test_files_of_formats_that_are_not_wanted_any_more_go(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({})], ALL)
    (tmp_path / "my notes.txt").write_text("kept")
    write_reports(tmp_path, facts(), [window({})], ["csv"])
    assert set(contents(tmp_path)) == {
        "assigned.csv", "not_assigned.csv", "undo.csv", "summary.json", "manifest.json", "my notes.txt"
    }  # fmt: skip


def test_a_report_that_is_written_again_keeps_the_earlier_ones_and_says_which_it_follows(tmp_path: Path) -> None:
    kept = []
    for serial in ("A", "B", "C"):
        write_reports(tmp_path, facts(), [window(*serials(serial))], ALL)
        kept.append(contents(tmp_path))
    assert [contents(tmp_path / f"report-{number}") for number in (1, 2)] == kept[:2]
    follows = [json.loads(files["manifest.json"]).get("follows") for files in kept]
    assert follows == [
        None,
        *(
            {
                "directory": f"report-{number}",
                "manifest_sha256": hashlib.sha256(kept[number - 1]["manifest.json"]).hexdigest(),
            }
            for number in (1, 2)
        ),
    ]
    assert list(check_manifest(tmp_path)) == list(check_manifest(tmp_path / "report-1")) == []


def test_a_report_that_says_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    for _ in range(2):
        write_reports(tmp_path, facts(), [window({}, rejected("x y"))], ALL)
    assert not (tmp_path / "report-1").exists()


def test_what_a_person_has_changed_in_a_report_is_kept_although_the_report_is_the_same(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({}, rejected("x y"))], ["csv"])
    (tmp_path / "not_assigned.csv").write_text("corrected by hand")
    write_reports(tmp_path, facts(), [window({}, rejected("x y"))], ["csv"])
    assert (tmp_path / "report-1" / "not_assigned.csv").read_text() == "corrected by hand"
    assert list(check_manifest(tmp_path)) == []


def test_a_report_whose_successor_was_cut_short_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reports(tmp_path, facts(), [window(*serials("A"))], ALL)
    first = contents(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Drafts, "publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_reports(tmp_path, facts(), [window(*serials("B"))], ALL)
    assert contents(tmp_path) == first
    write_reports(tmp_path, facts(), [window(*serials("B"))], ALL)
    assert contents(tmp_path / "report-1") == first
    assert not (tmp_path / "report-2").exists()


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_earlier_report_that_was_changed_is_a_discrepancy(tmp_path: Path) -> None:
    for serial in ("A", "B"):
        write_reports(tmp_path, facts(), [window(*serials(serial))], ["csv"])
    (tmp_path / "report-1" / "manifest.json").write_text("{}")
    (found,) = check_manifest(tmp_path)
    assert (found.code, found.values["name"]) == ("verify_file_changed", "report-1/manifest.json")


def test_summary_and_manifest_are_written_whatever_the_formats(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({})], [])
    assert set(contents(tmp_path)) == {"summary.json", "manifest.json"}


def test_the_summary_holds_what_the_contract_lists(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [], ["csv"])
    summary = json.loads((tmp_path / "summary.json").read_bytes())
    assert summary.keys() >= {
        "run", "source", "started_at", "ended_at", "outcomes", "identity_holds", "batches", "codes", "requests",
        "exit_code", "settings", "version", "user", "host",
    }  # fmt: skip
    assert summary["source"] == {"name": "serials.csv", "sha256": "ab" * 32, "bytes": 4711, "rows": 3}
    assert summary["outcomes"] == {
        "assigned": 2, "already_assigned": 0, "duplicate": 0, "rejected": 1, "refused": 0, "unknown": 0, "unsent": 0
    }  # fmt: skip
    assert summary["batches"][0].items() >= {"gtin": "01234567891231", "batch": "BATCH002", "unsent": 0}.items()
    assert summary["requests"] == {"sent": 3, "retried": 1, "seconds": 1.5}


def test_a_changed_file_is_named_with_both_checksums(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window(*serials("A"))], ["csv"])
    path = tmp_path / "assigned.csv"
    path.write_bytes(path.read_bytes().replace(b"\nA,", b"\nB,"))
    (found,) = check_manifest(tmp_path)
    assert (found.code, found.values["name"]) == ("verify_file_changed", "assigned.csv")
    assert found.values["found"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_cut_file_is_named_with_both_sizes(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [], ["csv"])
    (tmp_path / "assigned.csv").write_bytes(b"")
    (found,) = check_manifest(tmp_path)
    assert language("en").sentence(found) == "assigned.csv has 0 bytes, the manifest expects 95."


def test_a_missing_file_and_a_missing_manifest_are_named(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [], ["csv"])
    (tmp_path / "not_assigned.csv").unlink()
    (found,) = check_manifest(tmp_path)
    assert language("en").sentence(found) == "not_assigned.csv is missing in the report."
    (tmp_path / "manifest.json").unlink()
    (found,) = check_manifest(tmp_path)
    assert "manifest.json is missing: the report was not finished." in language("en").sentence(found)


def test_a_manifest_that_is_no_manifest_is_a_discrepancy(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"run": 5}')
    (found,) = check_manifest(tmp_path)
    assert "manifest.json can't be read" in language("en").sentence(found)


def test_a_directory_that_can_not_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with refused(ImporterError, r"can't be written to .*: Not a directory\. Nothing of the import is lost"):
        write_reports(tmp_path / "file" / "run", facts(), [], ["csv"])


def test_a_disk_that_is_full_is_explained_and_leaves_the_older_report(tmp_path: Path) -> None:
    write_reports(tmp_path, facts(), [window({})], ALL)
    before = contents(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with refused(ImporterError, r"can't be written to .*: File too large\."):
            write_reports(tmp_path, facts(), [window(*serials(*map(str, range(5000))))], ALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == before


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    with Drafts(tmp_path), pytest.raises(Timeout):
        FileLock(tmp_path / ".lock").acquire(timeout=0)


def test_a_report_is_published_in_one_go_with_the_manifest_last(tmp_path: Path) -> None:
    with Drafts(tmp_path) as drafts:
        for name in ("assigned.csv", "manifest.json"):
            drafts.open(name).finish()
        assert contents(tmp_path) == {}
        (tmp_path / "assigned.csv").mkdir()
        with refused(ImporterError, "can't be written"):
            drafts.publish(set())
    assert not (tmp_path / "manifest.json").exists()
