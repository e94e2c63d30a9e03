"""What is known of a serial counts for one target: the API's address and the pool of serials behind the credentials."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from boxes import Box
from commands import Importer, Result
from conftest import StartBox
from lists import packs, write_csv
from readback import Report, reports

CHUNKS_OF_5 = {"IMPORTER_LIMITS__CHUNK_SIZE": "5", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
TWO_CHANNELS = ("channel_keys=channel-A", "channel_keys=channel-B")
A, B = {"IMPORTER_API__CHANNEL_KEY": "channel-A"}, {"IMPORTER_API__CHANNEL_KEY": "channel-B"}


def outcomes(done: Result) -> dict[str, int]:
    return {outcome: rows for outcome, rows in done.json["outcomes"].items() if rows}


@pytest.fixture
def channels(sandbox: StartBox) -> Box:
    """A sandbox with two channels."""
    return sandbox(*TWO_CHANNELS)


def test_what_one_channel_has_assigned_says_nothing_of_another(importer: Importer, channels: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(5))
    assert outcomes(importer("run", source, "--json", env={**channels.env, **A})) == {"assigned": 5}
    sent = len(channels.requests())
    other = importer("run", source, "--json", env={**channels.env, **B})
    assert "already_assigned" not in outcomes(other)
    assert len(channels.requests()) > sent
    assert outcomes(importer("run", source, "--json", env={**channels.env, **A})) == {"already_assigned": 5}
    first, second = (run["target"].rpartition(":")[2] for run in importer("runs", "--json").json[:2])
    told = importer("runs").out.splitlines()
    assert (told[1].endswith(f"(channel {first}):"), told[3].endswith(f"(channel {second}):")) == (True, True)


def test_channels_of_one_tenant_share_a_pool_where_it_has_a_name(importer: Importer, channels: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(5))
    env = {**channels.env, "IMPORTER_API__TENANT": "acme"}
    assert outcomes(importer("run", source, "--json", env={**env, **A})) == {"assigned": 5}
    assert outcomes(importer("run", source, "--json", env={**env, **B})) == {"already_assigned": 5}
    assert importer("runs", "--json").json[0]["target"].endswith(" tenant:acme")


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda url: url.replace("http://", "HTTP://"), id="scheme"),
        pytest.param(lambda url: f"{url}/", id="slash"),
        pytest.param(lambda url: url.replace("127.0.0.1", "127.1"), id="short address"),
        pytest.param(lambda url: f"{url}//x/../", id="segments"),
    ],
)
def test_another_spelling_is_the_same_target(spell: Callable[[str], str], importer: Importer, box: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(5))
    importer("run", source, env=box.env)
    again = importer("run", source, "--json", env={**box.env, "IMPORTER_API__BASE_URL": spell(box.url)})
    assert outcomes(again) == {"already_assigned": 5}
    assert len(box.requests()) == 1


def test_another_path_at_the_same_host_is_another_target(importer: Importer, box: Box) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(5))
    assert importer("run", source, env=box.env).code == 0
    env = {**box.env, "IMPORTER_API__COMMISSION_PATH": "/acceptance/commission"}
    done = importer("run", source, "--json", env=env)
    assert (done.code, outcomes(done)) == (4, {"unsent": 5})  # the sandbox has no such path


def stopped(importer: Importer, channels: Box) -> str:
    """A run of 20 packs into channel A of which 5 went out."""
    source = write_csv(importer.cwd / "list.csv", packs(20))
    env = {**channels.env, **A, **CHUNKS_OF_5, "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.1"}
    done = importer("run", source, "--max-duration", "4s", "--json", env=env)
    assert done.code == 4
    run: str = done.json["run"]
    return run


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_a_run_goes_on_in_its_own_target_only(command: str, importer: Importer, channels: Box) -> None:
    run = stopped(importer, channels)
    sent = len(channels.requests())
    refused = importer(command, run, env={**channels.env, **B})
    assert refused.code == 2
    (line,) = refused.errors
    assert line.count(f"{channels.url}/v1/manufacturer/v2/api/serials/commission (channel ") == 2
    assert "channel-A" not in line
    assert len(channels.requests()) == sent

    every = importer("resume", env={**channels.env, **B})
    assert (every.code, every.errors) == (2, refused.errors)
    assert importer("resume", env={**channels.env, **A}).code == 0


def test_a_list_with_an_open_run_elsewhere_is_a_run_of_its_own(importer: Importer, channels: Box) -> None:
    run = stopped(importer, channels)
    other = importer("run", importer.cwd / "list.csv", "--json", env={**channels.env, **B})
    assert other.json["run"] != run
    assert {one["run"]: one["state"] for one in importer("runs", "--json").json}[run] == "stopped"


def test_the_sandbox_is_named_wherever_a_run_is_shown(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", [*packs(3), ("has space", *packs(1)[0][1:])])
    told = importer("run", "--sandbox", source)
    (report,) = reports(importer.cwd / "reports")
    assert "sandbox" in told.out
    assert report.summary["sandbox"] is True
    assert "SANDBOX" in (report.directory / "report.html").read_text("utf-8")
    assert "sandbox" in importer("runs").out
    assert importer("runs", "--json").json[0]["sandbox"] is True
    assert "sandbox" in importer("status", report.run).out
    assert "(finished, into the sandbox)" in " ".join(importer("check", source).out.split())


def suggested(done: Result) -> list[str]:
    """The arguments of the command that the last line suggests."""
    return shlex.split(done.last_line.partition("importer ")[2])


@pytest.mark.parametrize(
    "places", [[], ["--ledger", "other.db", "--report-dir", "elsewhere"]], ids=["here", "elsewhere"]
)
def test_a_command_that_is_suggested_goes_to_the_same_place(places: list[str], importer: Importer) -> None:
    (importer.cwd / "own.toml").write_text("[limits]\nchunk_size = 5\nmax_in_flight = 1\nrequests_per_second = 0.2\n")
    source = write_csv(importer.cwd / "list.csv", [*packs(8), ("has space", *packs(1)[0][1:])])
    begun = importer("run", "--sandbox", source, "--config", "own.toml", *places, "--max-duration", "3s")
    assert begun.code == 4
    gone_on = importer(*suggested(begun))
    assert gone_on.code == 3
    assert suggested(gone_on)[0] == "run"
    again = importer(*suggested(gone_on))
    assert again.code == 3

    directory = importer.cwd / (places[-1] if places else "reports")
    first, second = reports(directory)
    assert (first.outcomes, second.outcomes) == ({"assigned": 8, "rejected": 1}, {"rejected": 1})
    ledger = places[:2]
    assert [run["sandbox"] for run in importer("runs", "--json", *ledger).json] == [True, True]
    status = importer("status", first.run, "--config", "own.toml", *ledger)
    assert status.code == 0


def test_what_a_report_suggests_goes_to_the_same_place(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(8))
    option = ["--sandbox-option", "refused=S00002"]
    done = importer("run", source, *option, "--ledger", "pool.db", "--json")
    command = done.json["next_command"]
    assert command == f"importer retry {done.json['run']} --sandbox --ledger pool.db --sandbox-option refused=S00002"
    assert importer(*shlex.split(command)[1:]).code == 3
    page = Report(importer.cwd / done.json["report"]).directory / "report.html"
    assert command in page.read_text("utf-8")
    assert Path("pool.db").name in command


def test_a_row_of_the_sandbox_names_the_command_that_goes_on_there(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    slow = {"IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.1"}
    places = ["--ledger", "my ledger.db"]
    done = importer("run", "--sandbox", source, *places, "--max-duration", "4s", "--json", env=slow)
    line = Report(importer.cwd / done.json["report"]).not_assigned[0]
    assert f"`importer resume {done.json['run']} --sandbox`" in line.message
    assert importer("verify", "last", *places).code == 0


def test_a_list_goes_on_in_a_sandbox_as_it_does_elsewhere(importer: Importer) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    slow = {"IMPORTER_LIMITS__CHUNK_SIZE": "1", "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.1"}
    begun = importer("run", "--sandbox", source, "--max-duration", "4s", "--json", env=slow)
    assert begun.code == 4
    assert importer("check", source, "--json").json["goes_on_with"] == ""
    gone_on = importer("run", "--sandbox", source, "--json")
    assert (gone_on.code, gone_on.json["run"]) == (0, begun.json["run"])
