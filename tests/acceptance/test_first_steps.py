"""init, trace, a list from a pipe, short names of runs, and what each command says of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from boxes import Box
from commands import COMMAND, Importer
from lists import TABLETS, packs, write_csv

REPOSITORY = Path(__file__).parents[2]
COMMANDS = (
    *("run", "check", "resume", "retry", "runs", "status", "report", "verify", "watch", "serve", "sandbox", "template"),
    *("init", "doctor", "trace", "user add", "user remove", "user list"),
)


def test_init_writes_every_setting_and_says_what_is_missing(importer: Importer) -> None:
    done = importer("init")
    assert done.code == 0
    assert (importer.cwd / "config.toml").read_bytes() == (REPOSITORY / "config.toml").read_bytes()
    assert done.out.count("Still missing: ") == 2
    again = importer("init")
    assert (again.code, len(again.errors)) == (2, 1)
    assert "is there already" in again.errors[0]
    whole = {"IMPORTER_API__CHANNEL_KEY": "c", "IMPORTER_API__TOKEN": "the-token"}
    assert "Still missing" not in importer("init", "other.toml", env=whole).out


@pytest.mark.parametrize("asked", ["S00003", f"(01){TABLETS}(21)S00003", f"https://id.gs1.org/01/{TABLETS}/21/S00003"])
def test_trace_tells_what_became_of_a_serial_in_every_run(asked: str, importer: Importer, box: Box) -> None:
    importer("run", write_csv(importer.cwd / "first.csv", packs(5)), env=box.env)
    importer("run", write_csv(importer.cwd / "second.csv", packs(3, batch="B2")), env=box.env)
    found = importer("trace", asked, "--json").json["found"]
    assert [(one["source"], one["row"], one["outcome"], one["code"]) for one in found] == [
        ("second.csv", 4, "rejected", "conflict_with_run"),
        ("first.csv", 4, "assigned", ""),
    ]
    told = importer("trace", asked)
    assert sum(line.startswith("Serial S00003") for line in told.out.splitlines()) == 2
    nothing = importer("trace", "S99999")
    assert (nothing.code, nothing.out) == (0, "Serial S99999: no run of importer.db holds it.\n")


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_list_can_come_through_a_pipe(command: str, importer: Importer, box: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    done = subprocess.run(
        [*COMMAND, command, "-", "--json"],
        cwd=importer.cwd,
        env=importer.environ(box.env),
        input=source.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b'"stdin"' in done.stdout
    assert len(box.commissioned()) == (3 if command == "run" else 0)
    assert sorted(path.name for path in importer.cwd.glob(".importer-stdin-*")) == []


def test_a_run_is_named_by_a_part_of_its_id_or_as_the_last_one(importer: Importer, box: Box) -> None:
    ids = []
    for prefix in ("A", "B"):
        source = write_csv(importer.cwd / f"{prefix}.csv", packs(2, prefix=prefix))
        ids.append(importer("run", source, "--json", env=box.env).json["run"])
    for text, run in (("last", ids[1]), (ids[0], ids[0]), (ids[0][-6:], ids[0])):
        assert importer("status", text, "--json").json["run"] == run
    unclear = importer("status", ids[0][:8])
    assert (unclear.code, ids[0] in unclear.err, ids[1] in unclear.err) == (2, True, True)
    assert importer("verify", "nothing").code == 2


def test_runs_can_be_listed_from_a_moment_on(importer: Importer, box: Box) -> None:
    importer("run", write_csv(importer.cwd / "list.csv", packs(2)), env=box.env)
    assert len(importer("runs", "--since", "1h", "--json").json) == 1
    assert importer("runs", "--since", "2099-01-01", "--json").json == []
    wrong = importer("runs", "--since", "yesterday")
    assert (wrong.code, "Give a time such as 7d" in wrong.err) == (2, True)


def states(importer: Importer, env: dict[str, str]) -> tuple[int, dict[str, str]]:
    """The exit code of doctor, and what it found of each thing."""
    done = importer("doctor", "--json", env=env)
    of_this_machine = ("doctor_sqlite_fault", "doctor_expat_fault")
    return done.code, {one["code"]: one["state"] for one in done.json["findings"] if one["code"] not in of_this_machine}


def test_doctor_asks_for_a_token_and_commissions_nothing(importer: Importer, box: Box) -> None:
    code, found = states(importer, box.dynamic_env)
    assert (code, set(found.values())) == (0, {"right"})
    assert {"doctor_token", "doctor_libraries", "doctor_reached", "doctor_clock", "doctor_disk", "doctor_right"} <= set(
        found
    )
    code, found = states(importer, {**box.dynamic_env, "IMPORTER_API__SECRET": "wrong"})
    assert (code, found["doctor_no_token"]) == (4, "wrong")
    code, found = states(importer, box.env)
    assert (code, found["doctor_token_static"]) == (0, "look")
    assert box.commissioned() == set()


def test_doctor_names_what_is_wrong(importer: Importer, box: Box) -> None:
    importer("run", write_csv(importer.cwd / "list.csv", packs(2)), env=box.env)
    assert states(importer, box.env)[1]["doctor_ledger"] == "right"
    (importer.cwd / "file").write_text("in the way")
    code, found = states(importer, {**box.env, "IMPORTER_REPORT__DIR": "file/reports"})
    assert (code, found["doctor_no_right"]) == (2, "wrong")
    box.kill()
    code, found = states(importer, box.env)
    assert (code, found["doctor_unreachable"]) == (75, "wrong")
    assert states(importer, {})[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_ends_with_two_examples_and_its_exit_codes(command: str, importer: Importer) -> None:
    told = importer(*command.split(), "--help").out
    examples, _, codes = told.partition("Examples:")[2].partition("Exit codes:")
    assert len(examples.split("\n  importer ")) == 3 or examples.count("importer ") == 2
    assert codes.strip().startswith("0 ")
