"""A session that ends, a connection that is lost: nothing typed is lost, and what is shown says how old it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from boxes import Box
from browsing import WITH_CHROMIUM, Person
from conftest import StartBox
from webserver import GTIN, HEADER, PASSWORD, Server, rows

pytestmark = WITH_CHROMIUM


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    return sandbox("any:latency=1,seconds=0.4")


@pytest.fixture
def env(box: Box) -> dict[str, str]:
    return {**box.env, "IMPORTER_LIMITS__CHUNK_SIZE": "100", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}


def log_in(page: Any, inside: str = "main") -> None:
    page.fill(f"{inside} #name", "anna")
    page.fill(f"{inside} #password", PASSWORD)
    page.click(f"{inside} button.main")


def end_session(person: Person) -> None:
    """As the server does when the time is up: the browser keeps a cookie that counts for nothing."""
    (cookie,) = [one for one in person.context.cookies() if one["name"] == "importer_session"]
    person.context.add_cookies([{**cookie, "value": "over"}])


def test_logging_in_leads_back_to_where_one_was(chromium: Any, guarded: Server) -> None:
    anna = Person(chromium, guarded)
    anna.page.goto("/runs?file=abc")
    assert anna.page.url.endswith("/login")
    log_in(anna.page)
    anna.page.wait_for_url("**/runs?file=abc")


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_logging_in_leads_to_no_other_page(chromium: Any, guarded: Server, elsewhere: str) -> None:
    anna = Person(chromium, guarded)
    where = {"name": "importer_where", "value": quote(elsewhere), "url": guarded.url}
    anna.context.add_cookies([where])
    anna.page.goto("/login")
    log_in(anna.page)
    anna.page.wait_for_url(f"{guarded.url}/")


def test_a_comment_survives_the_end_of_the_session_without_javascript(chromium: Any, guarded: Server) -> None:
    anna = Person(chromium, guarded, java_script_enabled=False)
    page = anna.page
    page.goto("/")
    log_in(page)
    page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": rows(3).encode()})
    page.click("text=Upload")
    page.wait_for_selector("#confirm")
    page.fill("#comment", "as agreed with QA")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    end_session(anna)
    with page.expect_navigation():
        page.click("button.danger")
    assert "what you entered is kept" in page.inner_text("main")
    page.fill("#name", "anna")
    page.fill("#password", "wrong password")
    page.click("main button.main")
    log_in(page)
    page.click("text=Go on with it")
    page.wait_for_url("**/runs/*")
    assert "as agreed with QA" in page.inner_text("main")


def test_an_edit_in_the_grid_logs_in_on_the_spot(chromium: Any, guarded: Server) -> None:
    anna = Person(chromium, guarded)
    page = anna.page
    page.goto("/")
    log_in(page)
    page.wait_for_selector("#file")
    anna.drop(HEADER + f"S 1,{GTIN},B1,281231\nS2,{GTIN},B1,281231\n")
    page.click("text=Correct rows here")
    page.wait_for_selector("input.cell")
    end_session(anna)
    page.locator("input.cell").first.fill("S1")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] #password")
    log_in(page, "dialog")
    page.wait_for_selector("dialog", state="detached")
    assert page.locator("input.cell").first.input_value() == "S1"
    assert "/fix" in page.url


def test_a_lost_connection_is_said_with_the_age_of_what_is_shown(
    chromium: Any, server: Server, env: dict[str, str]
) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(4_000))
    planner.commission()
    page.wait_for_selector("text=serials a second")
    server.end()
    page.wait_for_selector("#lost:not([hidden])")
    assert "s old" in page.inner_text("#lost")
    with Server(server.directory, env, port=server.port):
        page.wait_for_selector("text=Everything is assigned")
        assert page.locator("#lost").is_hidden()


def test_figures_go_on_under_the_focus(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(4_000))
    planner.commission()
    page.wait_for_selector("text=serials a second")
    page.focus("#live [tabindex='0']")
    before = page.inner_text(".going")
    page.wait_for_function("before => document.querySelector('.going')?.innerText !== before", arg=before)
    assert page.evaluate("document.activeElement.getAttribute('tabindex')") == "0"


def test_problems_come_before_batches_and_what_helps_is_said_first(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(HEADER + f"S 1,{GTIN},B1,281231\nS 2,{GTIN},B1,281231\nS3,{GTIN},B1,281231\n")
    planner.commission()
    page.wait_for_selector("#files")
    order = page.evaluate("[...document.querySelectorAll('h2[id]')].map((one) => one.id)")
    assert order.index("bad") < order.index("chart")
    assert "Correct the 2 rejected rows first" in page.inner_text("main")
    summary: Path = next((server.directory / "reports").glob("*/summary.json"))
    assert json.loads(summary.read_bytes())["outcomes"]["rejected"] == 2
