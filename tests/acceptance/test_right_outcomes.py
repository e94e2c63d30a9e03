"""A run against a sandbox in a process of its own: the right outcome for every row, as the sandbox has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from commands import Importer
from conftest import StartBox
from lists import DROPS, SYRINGE, TABLETS, packs, write_csv, write_xlsx
from oracle import disagreements
from readback import Report

CHUNKS_OF_10 = {"IMPORTER_LIMITS__CHUNK_SIZE": "10"}


def outcome_of(report: Report) -> dict[str, tuple[str, str]]:
    return {line.serial: (line.outcome, line.code) for line in report.lines}


@pytest.mark.parametrize("names", ["all", "none"])
def test_an_unregistered_product_a_poison_serial_and_an_expired_token_in_one_run(
    names: str, importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox(f"unregistered={SYRINGE}", "poison=T00017", f"names={names}", "commission:revoke=at:4")
    rows = [*packs(40, TABLETS, prefix="T"), *packs(30, DROPS, "D1", prefix="D"), *packs(30, SYRINGE, "Y1", prefix="Y")]
    source = write_csv(importer.cwd / "list.csv", rows)
    done = importer("run", source, env={**box.dynamic_env, **CHUNKS_OF_10})

    assert done.code == 3
    assert report().outcomes == {"assigned": 69, "refused": 11, "unsent": 20}
    outcomes = outcome_of(report())
    assert outcomes.pop("T00017") == ("refused", "api_refused")
    assert {outcomes[f"Y{number:05}"][1] for number in range(1, 31)} == {"product_not_registered"}
    assert {outcome for serial, outcome in outcomes.items() if serial[0] != "Y"} == {("assigned", "")}
    assert disagreements(report(), box) == []


def test_an_unregistered_product_costs_one_request(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox(f"unregistered={SYRINGE}")
    rows = [*packs(20, TABLETS), *packs(50, SYRINGE, "Y1")]
    done = importer("run", write_xlsx(importer.cwd / "list.xlsx", rows), env={**box.env, **CHUNKS_OF_10})
    assert (done.code, report().outcomes) == (3, {"assigned": 20, "refused": 10, "unsent": 40})
    assert [visit.gtin for visit in box.requests()].count(SYRINGE) == 1
    assert disagreements(report(), box) == []


def test_of_a_request_with_poison_the_others_are_assigned(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("poison=S00001", "poison=S00064", "poison=S00065", "names=none")
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(100)), env=box.env)
    assert (done.code, report().outcomes) == (3, {"assigned": 97, "refused": 3})
    assert [line.serial for line in report().not_assigned] == ["S00001", "S00064", "S00065"]
    assert disagreements(report(), box) == []


def test_a_token_that_expires_on_the_way_is_fetched_anew_once(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:revoke=at:3")
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(100)), env={**box.dynamic_env, **CHUNKS_OF_10})
    assert (done.code, report().outcomes) == (0, {"assigned": 100})
    assert [visit.path for visit in box.requests()].count("/v1/api_auth") == 2
    assert disagreements(report(), box) == []


def test_a_static_token_that_was_revoked_stops_the_run_and_a_new_one_goes_on(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("commission:revoke=at:3", "static_tokens=old-token", "static_tokens=new-token")
    env = {**box.env, **CHUNKS_OF_10, "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
    source = write_csv(importer.cwd / "list.csv", packs(50))

    stopped = importer("run", source, env={**env, "IMPORTER_API__TOKEN": "old-token"})
    assert (stopped.code, report().outcomes) == (4, {"assigned": 20, "unsent": 30})
    (line,) = stopped.errors
    assert line.startswith("list.csv: ")
    assert "token" in line
    assert stopped.last_line == f"Go on with: importer resume {report().run}"
    assert disagreements(report(), box) == []

    done = importer("resume", env={**env, "IMPORTER_API__TOKEN": "new-token"})
    assert (done.code, report().outcomes) == (0, {"assigned": 50})
    assert disagreements(report(), box) == []
    assert all(entry.commissioned == 1 for entry in box.ledger().values())


def test_serials_that_the_api_marks_otherwise_or_leaves_out_are_told_apart_by_name(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox("refused=S00002", "missing=S00003", "lost=S00004", "shuffle=yes", "extra=2")
    done = importer("run", write_csv(importer.cwd / "list.csv", packs(10)), env=box.env)
    assert done.code == 5
    assert {line.serial: (line.outcome, line.code) for line in report().not_assigned} == {
        "S00002": ("refused", "status_not_assigned"),
        "S00003": ("unknown", "answer_missing"),
        "S00004": ("unknown", "answer_missing"),
    }
    assert disagreements(report(), box) == []


def test_what_the_checks_reject_never_reaches_the_api(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox()
    good = packs(3)
    wrong = [("has space", *good[0][1:]), ("Y1", "09520001010010", "B1", "491130"), ("Y2", TABLETS, "B#1", "491130")]
    again = [good[1], ("S00003", TABLETS, "OTHER", "491130")]
    done = importer("run", write_csv(importer.cwd / "list.csv", [*good, *wrong, *again]), env=box.env)
    assert (done.code, report().outcomes) == (3, {"assigned": 2, "duplicate": 1, "rejected": 5})
    assert box.commissioned() == {(TABLETS, "S00001"), (TABLETS, "S00002")}
    assert set(box.ledger()) == box.commissioned()
