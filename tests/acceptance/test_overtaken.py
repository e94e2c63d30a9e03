"""A run that goes on after another one has sent some of its rows: they are not sent again."""

from __future__ import annotations

import pytest
from agreement import FAST, differences
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import DROPS, TABLETS, Row, packs, write_csv
from readback import Line, Report, reports

ONE = {**FAST, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1", "IMPORTER_LIMITS__MAX_ATTEMPTS": "1"}


class Stopped:
    """A run that the API stopped after its first request, of four rows; eight are unsent. Then the API is well."""

    def __init__(self, importer: Importer, sandbox: StartBox, *options: str) -> None:
        self.importer = importer
        self.sandbox = sandbox
        ill = sandbox("commission:redirect=since:2")
        done = importer("run", write_csv(importer.cwd / "list.csv", packs(12, TABLETS)), env={**ill.env, **ONE})
        assert done.code == 4, done.err
        self.run = reports(importer.cwd / "reports")[0].run
        self.box = self.restart(ill, *options)

    def restart(self, box: Box, *options: str) -> Box:
        box.kill()
        return self.sandbox(*options, port=int(box.url.rpartition(":")[2]))

    def other(self, rows: list[Row], code: int) -> str:
        """Import another list; the id of its run."""
        done = self.importer("run", write_csv(self.importer.cwd / "other.csv", rows), env={**self.box.env, **ONE})
        assert done.code == code, done.err
        return reports(self.importer.cwd / "reports")[-1].run

    def resume(self, code: int, **env: str) -> dict[str, Line]:
        done = self.importer("resume", self.run, env={**self.box.env, **ONE, **env})
        assert done.code == code, done.err
        report = Report(self.importer.cwd / "reports" / self.run)
        assert differences(self.box, report) == []
        assert self.importer("verify", self.run, env=self.box.env).code == 0
        return {line.serial: line for line in report.lines}


def test_what_another_run_has_assigned_meanwhile_is_not_sent_again(importer: Importer, sandbox: StartBox) -> None:
    stopped = Stopped(importer, sandbox)
    other = stopped.other(packs(3, TABLETS, first=9), 0)
    lines = stopped.resume(0)
    taken = [serial for serial, line in lines.items() if line.outcome == "already_assigned"]
    assert taken == ["S00009", "S00010", "S00011"]
    assert {lines[serial].message for serial in taken} == {f"Run {other} has it assigned: not sent again."}
    assert [line.outcome for line in lines.values()].count("assigned") == 9
    assert {entry.received for (_, serial), entry in stopped.box.ledger().items() if serial in taken} == {1}


def test_what_another_run_has_assigned_in_another_batch_is_rejected(importer: Importer, sandbox: StartBox) -> None:
    stopped = Stopped(importer, sandbox)
    other = stopped.other(packs(2, TABLETS, "B2", first=8), 0)
    lines = stopped.resume(3)
    rejected = {serial: line.code for serial, line in lines.items() if line.outcome == "rejected"}
    assert rejected == {"S00008": "conflict_with_run", "S00009": "conflict_with_run"}
    assert f"run {other} has assigned it with batch B2" in lines["S00008"].message
    assert [line.outcome for line in lines.values()].count("assigned") == 10


@pytest.mark.parametrize(("exists_means", "code", "outcome"), [("unknown", 5, "unknown"), ("assigned", 0, "assigned")])
def test_the_doubt_of_another_run_is_inherited(
    importer: Importer, sandbox: StartBox, exists_means: str, code: int, outcome: str
) -> None:
    stopped = Stopped(importer, sandbox, "commission:drop_after=at:1", "twice=error")
    stopped.other(packs(2, TABLETS, first=8), 5)
    lines = stopped.resume(code, IMPORTER_UNKNOWN__EXISTS_MEANS=exists_means)
    assert {lines[serial].outcome for serial in ("S00008", "S00009")} == {outcome}
    assert [line.outcome for line in lines.values()].count("assigned") == (12 if outcome == "assigned" else 10)


def test_a_retry_sends_nothing_that_another_run_has_assigned_meanwhile(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("poison=S00002")
    env = {**box.env, **ONE}
    assert importer("run", write_csv(importer.cwd / "list.csv", packs(4, TABLETS)), env=env).code == 3
    run = reports(importer.cwd / "reports")[0].run
    box.kill()
    box = sandbox(port=int(box.url.rpartition(":")[2]))
    corrected = write_csv(importer.cwd / "corrected.csv", [*packs(1, TABLETS, first=2), *packs(1, DROPS, prefix="D")])
    assert importer("run", corrected, env=env).code == 0
    assert importer("retry", run, env=env).code == 0
    outcomes = [line.outcome for line in Report(importer.cwd / "reports" / run).lines]
    assert outcomes == ["assigned", "already_assigned", "assigned", "assigned"]


def test_repeats_go_with_the_row_that_they_repeat(importer: Importer, sandbox: StartBox) -> None:
    ill = sandbox("commission:redirect=since:1")
    rows = [*packs(3, TABLETS), *packs(2, TABLETS)]
    assert importer("run", write_csv(importer.cwd / "list.csv", rows), env={**ill.env, **ONE}).code == 4
    run = reports(importer.cwd / "reports")[0].run
    ill.kill()
    box = sandbox(port=int(ill.url.rpartition(":")[2]))
    env = {**box.env, **ONE}
    other = [*packs(1, TABLETS, first=1), *packs(1, TABLETS, "B2", first=2)]
    assert importer("run", write_csv(importer.cwd / "other.csv", other), env=env).code == 0
    assert importer("resume", run, env=env).code == 3
    lines = Report(importer.cwd / "reports" / run).lines
    assert [(line.outcome, line.code) for line in lines] == [
        ("already_assigned", ""),
        ("rejected", "conflict_with_run"),
        ("assigned", ""),
        ("duplicate", ""),
        ("duplicate", "first_row_not_assigned"),
    ]
    assert importer("verify", run, env=env).code == 0
