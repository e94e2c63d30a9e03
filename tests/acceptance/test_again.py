"""Importing again: the same file, the same packs in another file, what was stopped, what was refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from commands import Importer
from conftest import StartBox
from lists import DROPS, TABLETS, packs, write_csv
from oracle import disagreements
from readback import Report, reports

CHUNKS_OF_10 = {"IMPORTER_LIMITS__CHUNK_SIZE": "10"}


def test_the_same_file_again_sends_nothing(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    source = write_csv(importer.cwd / "list.csv", packs(10))
    assert importer("run", source, env=box.env).code == 0
    sent = len(box.requests())

    again = importer("run", source, "--json", env=box.env)
    assert (again.code, again.json["outcomes"]["already_assigned"]) == (0, 10)
    assert len(box.requests()) == sent
    first, second = reports(importer.cwd / "reports")
    assert (first.outcomes, second.outcomes) == ({"assigned": 10}, {"already_assigned": 10})
    assert [line.outcome for line in second.assigned] == ["already_assigned"] * 10
    assert {line.message for line in second.assigned} == {f"Run {first.run} has it assigned: not sent again."}


def test_packs_of_several_earlier_lists_name_their_runs(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    for number in range(5):
        source = write_csv(importer.cwd / f"list{number}.csv", packs(2, first=2 * number + 1))
        assert importer("run", source, env=box.env).code == 0
    before = sorted(report.run for report in reports(importer.cwd / "reports"))
    done = importer("run", write_csv(importer.cwd / "all.csv", packs(10)), "--json", env=box.env)
    (message,) = {line.message for line in Report(importer.cwd / done.json["report"]).assigned}
    assert message == f"Run {', '.join(before[:3])} or one of 2 others has it assigned: not sent again."


def test_of_packs_that_an_earlier_list_held_only_the_new_ones_are_sent(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    importer("run", write_csv(importer.cwd / "list.csv", packs(10)), env=box.env)
    moved = packs(1, batch="OTHER", first=3)
    longer = write_csv(importer.cwd / "longer.csv", [*packs(2), *moved, *packs(5, first=11)])
    done = importer("run", longer, "--json", env=box.env)
    outcomes = {outcome: rows for outcome, rows in done.json["outcomes"].items() if rows}
    assert (done.code, outcomes) == (3, {"already_assigned": 2, "rejected": 1, "assigned": 5})
    _, second = reports(importer.cwd / "reports")
    assert [line.code for line in second.not_assigned] == ["conflict_with_run"]
    assert {entry.received for entry in box.ledger().values()} == {1}


def test_a_file_whose_run_stopped_early_goes_on_in_the_same_run(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:revoke=at:2", "static_tokens=old", "static_tokens=new")
    source = write_csv(importer.cwd / "list.csv", packs(30))
    env = {**box.env, **CHUNKS_OF_10, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
    assert importer("run", source, env={**env, "IMPORTER_API__TOKEN": "old"}).code == 4
    stopped = report()

    source.unlink()
    write_csv(source.with_name("renamed.csv"), packs(30))
    assert importer("run", "renamed.csv", env={**env, "IMPORTER_API__TOKEN": "new"}).code == 0
    assert report().run == stopped.run
    assert report().outcomes == {"assigned": 30}
    assert {entry.commissioned for entry in box.ledger().values()} == {1}


def test_retry_sends_what_was_refused_once_its_cause_is_gone(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox(f"unregistered={DROPS}")
    source = write_csv(importer.cwd / "list.csv", [*packs(20), *packs(20, DROPS, "D1", prefix="D")])
    refused = importer("run", source, env={**box.env, **CHUNKS_OF_10})
    assert (refused.code, report().outcomes) == (3, {"assigned": 20, "refused": 10, "unsent": 10})
    assert refused.last_line == f"Go on with: importer retry {report().run}"

    box.kill()
    registered = sandbox(port=box.port)
    retried = importer("retry", report().run, env=registered.env)
    assert (retried.code, report().outcomes) == (0, {"assigned": 40})
    assert disagreements(report(), registered) == []
    assert all(entry.received == 1 for entry in registered.ledger().values() if entry.gtin == TABLETS)


@pytest.mark.parametrize("command", ["retry", "resume", "status", "report", "verify"])
def test_a_run_that_is_not_there_is_named(command: str, importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    importer("run", write_csv(importer.cwd / "list.csv", packs(1)), env=box.env)
    done = importer(command, "20200101T000000Z-abcdef", env=box.env)
    assert done.code == 2
    (line,) = done.errors
    assert "20200101T000000Z-abcdef" in line
    assert "importer runs" in line


def test_resume_without_a_run_to_go_on_with_says_so(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    importer("run", write_csv(importer.cwd / "list.csv", packs(1)), env=box.env)
    done = importer("resume", env=box.env)
    assert done.code == 0
    assert done.out.startswith(f"No run into {box.url}/")
    assert done.out.endswith(" stopped early: nothing to go on with.\n")


def test_a_retry_with_nothing_to_send_leaves_the_run_finished(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox()
    source = write_csv(importer.cwd / "list.csv", [*packs(3), ("has space", *packs(1)[0][1:])])
    first = importer("run", source, "--json", env=box.env)
    again = importer("retry", first.json["run"], "--json", env=box.env)
    assert (again.code, again.json["outcomes"], len(box.requests())) == (3, first.json["outcomes"], 1)
    (run,) = importer("runs", "--json").json
    assert (run["state"], run["ended_at"] is None) == ("finished", False)
    assert importer("run", source, "--json", env=box.env).json["run"] != run["run"]
