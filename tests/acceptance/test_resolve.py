"""Rows whose fate is unknown are resolved by what a person has looked up, at the command and on the page."""

from __future__ import annotations

from typing import Any

import pytest
from boxes import Box
from browsing import AXE, WITH_CHROMIUM, Person, serious
from commands import Importer
from conftest import StartBox
from webserver import GTIN, Browser, Server, rows

from importer.ledger.sqlite.ledger import SqliteLedger


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    """It takes the second request, of serials 3 to 5, and its answer is lost."""
    return sandbox("commission:drop_after=at:2")


@pytest.fixture
def env(box: Box) -> dict[str, str]:
    return {
        **box.env,
        "IMPORTER_LIMITS__CHUNK_SIZE": "3",
        "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1",
        "IMPORTER_UNKNOWN__POLICY": "hold",
    }


@pytest.fixture
def unsure(importer: Importer, env: dict[str, str]) -> Importer:
    """After a run of 9 serials of which three are unknown."""
    (importer.cwd / "list.csv").write_text(rows(9), "utf-8")
    importer.env.update(env)
    assert importer("run", "list.csv").code == 5
    return importer


def serials(*numbers: int) -> list[str]:
    return [f"S{number:08}" for number in numbers]


def test_what_was_looked_up_counts_stands_in_report_and_ledger_and_is_proven(unsure: Importer) -> None:
    first, second, third = serials(3, 4, 5)
    one = unsure("resolve", "last", "--assigned", first, "--comment", "seen in the console", "--json")
    assert one.code == 5
    assert one.json["outcomes"]["unknown"] == 2
    (unsure.cwd / "absent.csv").write_text(f"SerialNumber,GTIN\n{second},{GTIN}\n", "utf-8")
    two = unsure("resolve", "last", "--not-assigned", "absent.csv", "--assigned", third, "--json")
    assert two.code == 3
    summary = two.json
    assert {name: n for name, n in summary["outcomes"].items() if n} == {"assigned": 8, "refused": 1}
    assert summary["codes"] == {"resolved_assigned": 2, "resolved_not_assigned": 1}
    found = [event for event in summary["events"] if event["event"] == "resolve"]
    assert [(event["comment"], event["before"]) for event in found] == [
        ("seen in the console", {"found": [f"{GTIN} {first}"], "not_found": []}),
        ("", {"found": [f"{GTIN} {third}"], "not_found": [f"{GTIN} {second}"]}),
    ]
    listed = (unsure.cwd / summary["report"] / "assigned.csv").read_text("utf-8-sig")
    assert f"Looked up by {found[0]['user']} on" in listed
    assert unsure("verify", "last").code == 0


def test_what_was_not_found_is_sent_again_and_what_was_found_is_not(unsure: Importer, box: Box) -> None:
    first, second, third = serials(3, 4, 5)
    unsure("resolve", "last", "--assigned", first, "--assigned", second, "--not-assigned", third)
    before = len(box.requests())
    again = unsure("retry", "last", "--json")
    assert len(box.requests()) > before
    assert again.json["outcomes"]["assigned"] == 9
    assert unsure("verify", "last").code == 0
    (unsure.cwd / "other.csv").write_text(rows(3, start=3), "utf-8")
    later = unsure("run", "other.csv", "--json")
    assert later.json["outcomes"]["already_assigned"] == 3


def test_the_list_of_a_report_may_be_given_as_it_is(unsure: Importer) -> None:
    path = next((unsure.cwd / "reports").glob("*/not_assigned.csv"))
    assert unsure("resolve", "last", "--assigned", path).code == 0


def test_without_anything_to_tell_the_unknown_rows_are_listed(unsure: Importer) -> None:
    shown = unsure("resolve", "last")
    assert shown.code == 5
    assert [line.split()[2] for line in shown.out.splitlines()[:3]] == serials(3, 4, 5)
    assert "--assigned SERIAL" in shown.out
    listed = unsure("resolve", "last", "--json").json
    assert [row["serial"] for row in listed["unknown"]] == serials(3, 4, 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--assigned", "S00000001"), "has no unknown row"),
        (("--assigned", "nowhere.csv"), "has no unknown row"),
        (("--assigned", "S00000003", "--not-assigned", "S00000003"), "both assigned and not assigned"),
    ],
)
def test_what_is_not_unknown_is_refused_and_nothing_is_noted(
    unsure: Importer, options: tuple[str, ...], said: str
) -> None:
    result = unsure("resolve", "last", *options)
    assert result.code == 2
    assert said in result.err
    assert [event for event in unsure("status", "last", "--json").json["events"] if event["event"] == "resolve"] == []


def test_nothing_is_resolved_while_another_process_holds_the_ledger(unsure: Importer) -> None:
    with SqliteLedger(unsure.cwd / "importer.db"):
        assert unsure("resolve", "last", "--assigned", "S00000003").code == 75


@WITH_CHROMIUM
def test_a_lookup_is_recorded_on_the_page(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(9))
    planner.commission()
    page.wait_for_selector("#files")
    assert planner.figure("Unknown") == "3"
    assert "S00000003" in page.inner_text("main"), "unknown rows are named with their serials"
    page.click("text=Look up 3 unknown rows")
    page.select_option("select[name^='row:'] >> nth=0", "not_assigned")
    page.select_option("#all", "assigned")
    page.fill("#comment", "console, 14:30")
    page.click("text=Record what I looked up")
    page.wait_for_selector("#files")
    assert planner.figure("Assigned") == "8"
    assert planner.figure("Unknown") == "0"
    assert "console, 14:30" in page.inner_text("main")
    assert "Retry 1 serial" in page.inner_text("main")
    assert not planner.complaints


@WITH_CHROMIUM
@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("de-DE", "dark")])
def test_the_page_of_unknown_rows_shuts_nobody_out(chromium: Any, server: Server, locale: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip(f"axe-core is not installed at {AXE}: npm install --no-save axe-core")
    planner = Person(chromium, server, locale=locale, color_scheme=scheme, bypass_csp=True)
    planner.drop(rows(9))
    planner.commission()
    planner.page.wait_for_selector("#files")
    assert not serious(planner.page, f"{planner.page.url}/unknown")


async def test_programs_resolve_by_serial(server: Server) -> None:
    async with Browser(server) as planner:
        run = (await planner.imported(rows(9)))["run"]
        answer = await planner.post(f"/api/runs/{run}/resolve", {"assigned": ["S00000001"]}, status=409)
        assert "has no unknown row" in answer["message"]
        await planner.post(f"/api/runs/{run}/resolve", {"assigned": serials(3, 4, 5), "comment": "by script"})
        found = await planner.get(f"/api/runs/{run}")
        assert (found["exit_code"], found["outcomes"]["assigned"]) == (0, 9)
