"""Commissioning, stopping and discarding ask once more; sandbox and live differ at a glance."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from browsing import AXE, WITH_CHROMIUM, Person, serious
from commands import Importer
from conftest import StartBox
from webserver import Browser, Server, rows

pytestmark = WITH_CHROMIUM
NOTHING_YET = "Nothing has been imported yet."


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    return sandbox("any:latency=1,seconds=0.5")


@pytest.fixture
def env(box: Box) -> dict[str, str]:
    return {
        **box.env,
        "IMPORTER_LIMITS__CHUNK_SIZE": "100",
        "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1",
        "IMPORTER_WEB__TYPE_NUMBER_FROM": "1000",
    }


def active(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


def test_enter_in_the_comment_asks_and_enter_again_goes_back(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(3))
    page.fill("#comment", "as agreed")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    words = page.inner_text("dialog")
    assert "Commission 3 serials of list.csv?" in words
    assert "127.0.0.1" in words
    assert "cannot be undone" in words
    assert "as agreed" in words
    assert active(page) == "Back"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog", state="detached")
    assert active(page) == "comment"
    page.goto("/")
    assert NOTHING_YET in page.inner_text("main")
    assert not planner.complaints


def test_the_dialog_is_done_with_the_keyboard_alone(chromium: Any, server: Server, box: Box) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(3))
    page.focus("#comment")
    page.keyboard.type("by hand")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert active(page) == "Commission 3 serials"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Tab")
    assert active(page) == "Commission 3 serials"
    page.keyboard.press("Enter")
    page.wait_for_selector("#files")
    assert len(box.commissioned()) == 3
    assert "by hand" in page.inner_text("main")


def test_from_a_size_on_the_number_has_to_be_typed(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(1_000))
    page.click(".confirm button")
    page.wait_for_selector("dialog[open]")
    assert active(page) == "typed"
    assert page.is_disabled("dialog button.danger")
    page.keyboard.type("999")
    page.keyboard.press("Enter")
    assert page.is_disabled("dialog button.danger")
    page.fill("#typed", "1,000")
    page.click("dialog button.danger")
    page.wait_for_selector("#files")
    assert planner.figure("Assigned") == "1,000"


def test_without_javascript_the_question_is_a_page_and_the_number_counts_there(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server, java_script_enabled=False)
    page = planner.page
    page.goto("/")
    page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": rows(1_000).encode()})
    page.click("text=Upload")
    page.wait_for_selector("#confirm")
    page.fill("#comment", "no script")
    page.keyboard.press("Enter")
    assert "Commission 1,000 serials of list.csv?" in page.inner_text("main")
    page.fill("#typed", "100")
    page.click("button.danger")
    assert "is not the number of serials" in page.inner_text("main")
    page.go_back()
    page.fill("#typed", "1000")
    page.click("button.danger")
    page.wait_for_url("**/runs/*")
    assert "no script" in page.inner_text("main")


def test_discarding_asks_and_can_be_taken_back(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(3))
    page.click("text=Discard this list")
    page.wait_for_selector("dialog[open]")
    assert "Discard list.csv?" in page.inner_text("dialog")
    page.click("dialog button.danger")
    page.wait_for_selector("text=list.csv was discarded.")
    assert "No list is waiting" in page.inner_text("main")
    page.click(".note >> text=Take it back")
    page.wait_for_selector("#confirm")
    assert planner.figure("rows read") == "3"


async def test_a_discarded_list_is_removed_when_its_time_is_over(env: dict[str, str], tmp_path: Path) -> None:
    with Server(tmp_path / "at-once", {**env, "IMPORTER_WEB__DISCARD_HOURS": "0"}) as server:
        async with Browser(server) as planner:
            upload = await planner.upload(rows(3))
            await planner.post(f"/api/uploads/{upload}/discard")
            await planner.post(f"/api/uploads/{upload}/restore", status=404)
    assert list((tmp_path / "at-once" / "uploads").glob("[0-9a-f]*")) == []


async def test_a_discarded_list_can_be_neither_seen_nor_confirmed(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(3))
        seen = (await planner.preview(upload))["preview"]["seen"]
        await planner.post(f"/api/uploads/{upload}/discard")
        await planner.post(f"/api/uploads/{upload}/confirm", {"seen": seen}, status=404)
        (line,) = (await planner.get("/api/overview"))["discarded"]
        assert (line["id"], line["discarded_by"]) == (upload, line["by"])
        await planner.post(f"/api/uploads/{upload}/restore")
        assert await planner.confirm(upload)


def test_stopping_asks_and_going_on_says_how_many_it_sends(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    planner.drop(rows(900))
    planner.commission()
    page.wait_for_selector("text=serials a second")
    page.click("a[href$=stop]")
    page.wait_for_selector("dialog[open]")
    words = page.inner_text("dialog")
    assert "Stop the import of list.csv?" in words
    assert "Still to send" in words
    page.click("dialog button.danger")
    page.wait_for_selector("#files")
    left = 900 - int(planner.figure("Assigned"))
    assert left
    page.click(f"text=Go on with {left} serials")
    page.wait_for_selector("dialog[open]")
    assert f"send {left} serials?" in page.inner_text("dialog")
    page.click("dialog button.danger")
    page.wait_for_selector("text=Everything is assigned")


async def test_a_run_goes_on_only_with_the_number_that_was_shown(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.confirm(await planner.upload(rows(900)))
        await planner.until(run, "sending")
        await planner.post(f"/api/runs/{run}/stop")
        stopped = await planner.until(run, "stopped")
        await planner.post(f"/api/runs/{run}/go-on?serials={stopped['to_send'] + 1}", status=409)
        await planner.post(f"/api/runs/{run}/go-on?serials={stopped['to_send']}")
        assert (await planner.until(run, "finished"))["outcomes"]["assigned"] == 900


def test_sandbox_and_live_differ_at_a_glance(chromium: Any, server: Server, tmp_path: Path) -> None:
    """Colour and words; in the sandbox nothing says that it can't be undone, and no number has to be typed."""
    with Server(tmp_path / "boxed", {"IMPORTER_WEB__TYPE_NUMBER_FROM": "1"}, "--sandbox") as boxed:
        planner, other = Person(chromium, boxed), Person(chromium, server)
        planner.drop(rows(3))
        other.drop(rows(3))
        assert planner.page.inner_text(".bar").startswith("SANDBOX")
        assert re.match(r"LIVE: serials go to .*127\.0\.0\.1", other.page.inner_text(".bar"))
        colours = [
            one.page.evaluate("getComputedStyle(document.querySelector('.bar')).background") for one in (planner, other)
        ]
        assert colours[0] != colours[1]
        said = [planner.page.content()]
        planner.page.click(".confirm button")
        planner.page.wait_for_selector("dialog[open]")
        said.append(planner.page.content())
        planner.page.click("dialog button.danger")
        planner.page.wait_for_selector("#files")
        said.append(planner.page.content())
        assert planner.page.inner_text(".bar").startswith("SANDBOX")
    report = next((tmp_path / "boxed" / "reports").glob("*/report.html")).read_text("utf-8")
    assert 'class="bar in-sandbox"' in report
    assert [text for text in (*said, report) if re.search("undone|given out again", text)] == []


def test_the_command_says_first_where_it_went(importer: Importer, box: Box) -> None:
    (importer.cwd / "list.csv").write_text(rows(3), "utf-8")
    boxed = importer("run", "--sandbox", "list.csv")
    live = importer("run", "list.csv", env=box.env)
    assert boxed.out.startswith("SANDBOX: ")
    assert live.out.startswith("LIVE: commissioned at ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_no_dialog_shuts_anybody_out(chromium: Any, server: Server, locale: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip(f"axe-core is not installed at {AXE}: npm install --no-save axe-core")
    planner = Person(chromium, server, locale=locale, color_scheme=scheme, bypass_csp=True)
    page = planner.page
    planner.drop(rows(1_000))
    upload = page.url
    findings = [one for what in ("confirm", "discard") for one in serious(page, f"{upload}/{what}")]
    page.goto(upload)
    page.click(".confirm button")
    page.wait_for_selector("dialog[open]")
    findings += serious(page, upload)
    assert not findings
