"""The planners' page in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from browsing import AXE, WITH_CHROMIUM, Person, serious
from conftest import StartBox
from webserver import GTIN, HEADER, Server, rows

WORKBOOK = Path(__file__).parents[2] / "sample_data" / "workbook.xlsx"

pytestmark = WITH_CHROMIUM


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    return sandbox("any:latency=1,seconds=0.2")


@pytest.fixture
def env(box: Box) -> dict[str, str]:
    return {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "100", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "4"}


def test_the_seven_steps_on_a_damaged_workbook(chromium: Any, server: Server, box: Box) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(WORKBOOK)
    assert planner.figure("rows read") == "1,200"
    assert planner.figure("wrong, not sent") == "9"
    assert "Serial in a numeric cell" in page.inner_text("main")

    page.click("text=Correct rows here")
    first = page.locator("tbody[data-key]").first
    first.locator("input.cell").first.fill("CORRECTED01")
    page.keyboard.press("Tab")
    page.wait_for_selector("tbody.right")
    page.wait_for_function("document.getElementById('fix-state').textContent.includes('8 wrong rows left')")
    page.click("text=Back to the list")

    assert "Commission 1,192 serials in 3 batches" in page.inner_text(".confirm")
    page.fill("#comment", "as agreed with QA")
    planner.commission()
    page.wait_for_url("**/runs/*")
    page.wait_for_selector("#files")

    assert planner.figure("Assigned") == "1,192"
    assert "as agreed with QA" in page.inner_text("main")
    assert "Nothing is missing" in page.inner_text(".identity")
    with page.expect_download() as started:
        page.click("text=Workbook with everything")
    assert started.value.suggested_filename.endswith("report.xlsx")

    page.goto("/runs")
    page.fill("#q-serial", "CORRECTED01")
    page.click("text=Look it up")
    assert "Assigned" in page.inner_text("tbody")
    assert (GTIN, "CORRECTED01") in box.commissioned()
    assert not planner.complaints


def test_a_run_is_watched_paused_and_gone_on_with_in_two_windows(chromium: Any, server: Server) -> None:
    anna, bert = Person(chromium, server), Person(chromium, server, locale="de-DE")
    anna.drop(rows(8_000))
    anna.commission()
    anna.page.wait_for_url("**/runs/*")
    anna.page.wait_for_selector("text=serials a second")
    bert.page.goto(anna.page.url)
    bert.page.click("text=Anhalten")
    anna.page.wait_for_selector("text=It keeps its place")
    anna.page.click("text=Go on")
    bert.page.wait_for_selector("text=Alles ist vergeben")
    assert bert.figure("Vergeben") == "8.000"
    assert not anna.complaints
    assert not bert.complaints


def test_a_restart_in_the_middle_is_a_pause_and_nothing_more(
    chromium: Any, server: Server, env: dict[str, str]
) -> None:
    planner = Person(chromium, server)
    planner.drop(rows(6_000))
    planner.commission()
    planner.page.wait_for_selector("text=serials a second")
    server.end()
    with Server(server.directory, env, port=server.port):
        planner.page.wait_for_selector("text=Everything is assigned")
        assert planner.figure("Assigned") == "6,000"


def test_all_steps_work_without_javascript(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server, java_script_enabled=False)
    page = planner.page
    page.goto("/")
    content = HEADER + f"S 1,{GTIN},B1,281231\nS2,{GTIN},B1,281231\n"
    page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": content.encode()})
    page.click("text=Upload")
    page.wait_for_selector("#confirm")
    page.click("text=Correct rows here")
    page.locator("input.cell").first.fill("S1")
    page.click("text=Check again")
    page.click("text=Back to the list")
    planner.commission()
    page.wait_for_selector("#files")
    assert planner.figure("Assigned") == "2"


def test_a_script_as_a_serial_does_not_run(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    planner.page.on("dialog", lambda dialog: planner.complaints.append(dialog.message))
    planner.drop(HEADER + f"<script>alert(1)</script>,{GTIN},<img src=x onerror=alert(1)>,281231\nS2,{GTIN},B,281231\n")
    planner.page.click("text=Correct rows here")
    planner.page.locator("input.cell").first.fill('"><script>alert(2)</script>')
    planner.page.keyboard.press("Tab")
    planner.page.wait_for_timeout(500)
    assert not planner.complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_no_page_shuts_anybody_out(chromium: Any, server: Server, locale: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip(f"axe-core is not installed at {AXE}: npm install --no-save axe-core")
    planner = Person(chromium, server, locale=locale, color_scheme=scheme, bypass_csp=True)
    page = planner.page
    planner.drop(WORKBOOK)
    upload = page.url
    pages = ["/", upload, f"{upload}/fix", "/runs", "/login", "/nothing"]
    findings = [finding for path in pages for finding in serious(page, path)]
    planner.drop(rows(6_000) + f"S 1,{GTIN},B1,281231\n")
    planner.commission()
    page.wait_for_url("**/runs/*")
    page.click("form[action$=pause] button")
    page.wait_for_selector("[data-phase=paused]")
    findings += serious(page, page.url)
    page.click("form[action$=go-on] button")
    page.wait_for_selector("#files")
    findings += serious(page, page.url)
    findings += serious(page, "/serials?serial=12")
    assert not findings


def test_everything_can_be_reached_by_the_keyboard(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(3))
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"Skip to the content", "comment", "Commission 3 serials", "Discard this list"} <= reached
