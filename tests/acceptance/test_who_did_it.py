"""Who did what: each change is an event, and nothing that a person writes looks like one."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

from commands import Importer
from conftest import StartBox
from lists import packs, write_csv
from readback import only_report
from webserver import PASSWORD, Browser, Server, add_user, rows

from importer.ledger.opening import place_of

ME = pwd.getpwuid(os.getuid()).pw_name
FORGED = "fine\n2026-11-26T08:00:00  release: eve, 10.0.0.1\nreleased by eve"


def test_a_run_is_of_the_user_that_the_system_names_whatever_the_environment_claims(
    importer: Importer, sandbox: StartBox
) -> None:
    source = write_csv(importer.cwd / "list.csv", packs(3))
    box = sandbox()
    importer("run", source, env={**box.env, "USER": "mallory", "LOGNAME": "mallory", "SUDO_USER": "eve"})
    report = only_report(importer.cwd / "reports")
    assert (report.summary["user"], report.summary["user_claimed"]) == (ME, "eve")
    (event,) = report.summary["events"]
    assert (event["event"], event["user"], event["user_claimed"]) == ("run", ME, "eve")
    assert (event["before"], event["after"]) == ({"unsent": 3}, {"assigned": 3})
    told = importer("status", report.run).out
    assert f"{ME} (calls itself eve)" in told
    assert "mallory" not in told


def test_each_command_that_changes_a_run_is_an_event_with_what_was_before_and_after(
    importer: Importer, sandbox: StartBox
) -> None:
    box = sandbox("refused=S00002")
    source = write_csv(importer.cwd / "list.csv", packs(4))
    importer("run", source, env=box.env)
    report = only_report(importer.cwd / "reports")
    importer("retry", report.run, env=box.env)
    events = only_report(importer.cwd / "reports").summary["events"]
    assert [event["event"] for event in events] == ["run", "retry"]
    assert events[1]["before"] == {"assigned": 3, "refused": 1}
    assert importer("status", report.run, "--json").json["events"] == events
    assert importer("verify", report.run).code == 0


def test_a_report_that_is_written_again_keeps_the_earlier_one(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("refused=S00002")
    importer("run", write_csv(importer.cwd / "list.csv", packs(4)), env=box.env)
    report = only_report(importer.cwd / "reports")
    before = (report.directory / "not_assigned.csv").read_bytes()
    importer("retry", report.run, env=box.env)
    assert (report.directory / "report-1" / "not_assigned.csv").read_bytes() == before
    manifest = json.loads((report.directory / "manifest.json").read_bytes())
    assert manifest["follows"]["directory"] == "report-1"
    importer("report", report.run)
    assert not (report.directory / "report-2").exists()
    assert importer("verify", report.run).code == 0


async def test_what_was_done_on_the_page_stands_in_page_status_and_report(sandbox: StartBox, tmp_path: Path) -> None:
    work = tmp_path / "work"
    add_user(work, "anna")
    box = sandbox()
    with Server(work, box.env) as server:
        async with Browser(server) as planner:
            await planner.log_in("anna", PASSWORD)
            upload = await planner.upload(rows(2) + "S 9,09520001010019,B1,281231\n")
            key = str(4)
            await planner.preview(upload)
            await planner.post(f"/api/uploads/{upload}/edits", {key: {"serial": "S9"}})
            run = await planner.confirm(upload, comment=FORGED)
            await planner.until(run, "finished")
            shown = await planner.get(f"/api/runs/{run}")
            page = await planner.text(f"/runs/{run}")
    summary = only_report(work / "reports").summary
    kinds = [event["event"] for event in summary["events"]]
    assert kinds == ["upload", "correct", "confirm", "run"]
    assert {event["user"] for event in summary["events"]} == {"anna"}
    assert [event["place"]["address"] for event in summary["events"][:3]] == ["127.0.0.1"] * 3
    assert summary["events"][1]["after"]["values"] == [[key, "serial", "S9"]]
    assert summary["events"][1]["before"]["values"] == [[key, "serial", "S 9"]]
    assert summary["user"] == "anna"
    assert [one["text"] for one in summary["comments"]] == [FORGED]
    assert [event["event"] for event in shown["events"]] == kinds
    assert page.count("eve, 10.0.0.1") == 1

    told = Importer(work)("status", run).out
    assert len([line for line in told.splitlines() if "released by eve" in line]) == 1
    assert all("“" in line for line in told.splitlines() if "eve," in line)


async def test_logging_in_and_out_and_discarding_is_recorded_also_while_another_importer_holds_the_ledger(
    sandbox: StartBox, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    add_user(work, "anna")
    importer = Importer(work, sandbox("any:latency=1,seconds=3").env)
    source = write_csv(work / "list.csv", packs(3))
    with Server(work, importer.env) as server, importer.start("run", source) as running:
        running.wait_for("sending")
        async with Browser(server) as planner:
            await planner.log_in("anna", PASSWORD)
            upload = await planner.upload(rows(1), "wrong.csv")
            await planner.post(f"/api/uploads/{upload}/discard")
            async with planner.http.post("/logout", data={"csrf": planner.csrf}):
                pass
        with place_of(work / "importer.db").view() as view:
            at_once = [event.kind.value for event in view.events()]
        assert running.ended().code == 0
    with place_of(work / "importer.db").view() as view:
        events = [event for event in view.events() if event.kind != "run"]
    assert at_once == ["run", "log_in", "upload", "discard", "log_out"]
    assert [event.kind.value for event in events] == at_once[1:]
    assert events[2].before["name"] == "wrong.csv"
    assert {(event.actor.user, event.actor.address) for event in events} == {("anna", "127.0.0.1")}
