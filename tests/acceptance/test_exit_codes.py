"""How a command ends when it is given several files, or to say nothing but JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from readback import reports


def test_of_several_files_the_worst_decides_and_each_has_its_turn(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    good = write_csv(importer.cwd / "good.csv", packs(2, prefix="G"))
    wrong = write_csv(importer.cwd / "wrong.csv", [("", *packs(1)[0][1:]), *packs(2, prefix="W")])
    missing = importer.cwd / "missing.csv"
    last = write_csv(importer.cwd / "last.csv", packs(2, prefix="L"))

    done = importer("run", wrong, missing, good, last, "--json", env=box.env)
    assert done.code == 2
    assert [run.get("exit_code") for run in done.json["runs"]] == [3, 2, 0, 0]
    (line,) = done.errors[:1]
    assert str(missing) in line
    assert len(box.commissioned()) == 6
    assert len(reports(importer.cwd / "reports")) == 3


def test_rejected_rows_end_a_run_with_3_and_name_the_file_to_correct(importer: Importer) -> None:
    wrong = write_csv(importer.cwd / "wrong.csv", [("", *packs(1)[0][1:]), *packs(2)])
    done = importer("run", "--sandbox", wrong)
    (report,) = reports(importer.cwd / "reports")
    file = Path("reports") / report.run / "not_assigned.csv"
    assert (done.code, done.last_line) == (3, f"Correct the rejected rows, then: importer run {file} --sandbox")


def test_a_command_that_is_none_ends_with_2(importer: Importer) -> None:
    done = importer("improt")
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


def test_check_shows_what_a_run_would_do_and_neither_sends_nor_keeps(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    good = write_csv(importer.cwd / "good.csv", packs(25))
    wrong = write_csv(importer.cwd / "wrong.csv", [("has space", *packs(1)[0][1:]), *packs(2)])
    env = {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "10"}

    found = importer("check", good, "--json", env=env)
    assert (found.code, found.json["rows"], found.json["requests"]) == (0, 25, 3)
    assert (importer("check", wrong, env=env).code, importer("check", "none.csv", env=env).code) == (3, 2)
    assert "has space" in importer("check", wrong, env=env).out
    assert box.requests() == []
    assert sorted(path.name for path in importer.cwd.iterdir()) == ["good.csv", "wrong.csv"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status", "nosuch", "--json"), "run_missing"),
        (("verify", "nosuch", "--json"), "run_missing"),
        (("report", "nosuch", "--json"), "run_missing"),
        (("resume", "nosuch", "--json"), "run_missing"),
        (("runs", "--json", "--since", "abc"), "since_wrong"),
        (("runs", "--json", "--ledger", "nowhere/x.db"), "ledger_missing"),
        (("check", "nosuch.csv", "--json"), "list_missing"),
        (("run", "--sandbox", "nosuch.csv", "--json"), "list_missing"),
        (("run", "--json", "--config", "none.toml", "nosuch.csv"), "config_unreadable"),
        (("status", "--json"), "usage"),
        (("runs", "--json", "--nosuch"), "usage"),
    ],
)
def test_a_command_that_fails_says_so_in_one_document_too(
    importer: Importer, arguments: tuple[str, ...], code: str
) -> None:
    importer("run", "--sandbox", write_csv(importer.cwd / "list.csv", packs(3)))
    done = importer(*arguments)
    assert done.code == 2
    assert done.json["exit_code"] == 2
    assert done.json["code"] == code
    assert done.json["error"] in done.err
