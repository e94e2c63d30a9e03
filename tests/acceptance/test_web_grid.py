"""Correcting a list in the grid, in a real Chromium: by keyboard, by paste, all rows at once, and back."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import WITH_CHROMIUM, Person
from webserver import GTIN, HEADER, Server

pytestmark = WITH_CHROMIUM

RIGHT = "".join(f"R{number:03},{GTIN},B1,281231\n" for number in range(45))
CYRILLIC_EM = "\u041c"
WRONG_GTIN = f"{GTIN[:-1]}{(int(GTIN[-1]) + 1) % 10}"


def opened(chromium: Any, server: Server, rows: str, kind: str = "") -> Person:
    planner = Person(chromium, server)
    planner.drop(HEADER + rows)
    planner.page.goto(f"{planner.page.url}/fix?kind={kind}")
    planner.page.wait_for_selector("#fix")
    return planner


def settled(page: Any) -> str:
    """What stands in the state once the whole list is checked."""
    page.wait_for_function("!document.getElementById('fix-state').classList.contains('checking')")
    return str(page.inner_text("#fix-state"))


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.name"))


def test_the_wrong_cells_are_marked_all_faults_of_a_row_at_once(chromium: Any, server: Server) -> None:
    page = opened(chromium, server, f"S 1,{WRONG_GTIN},,991399\n{RIGHT}").page
    assert page.eval_on_selector_all("[aria-invalid]", "cells => cells.map(cell => cell.dataset.role)") == [
        *("serial", "gtin", "batch", "expiry")
    ]
    assert page.locator("#why-2 > div").count() == 4
    page.locator(".grid").evaluate("grid => grid.scrollTo(200, 200)")
    assert page.locator("thead th").first.is_visible()


def test_the_keyboard_alone_corrects_and_takes_back(chromium: Any, server: Server) -> None:
    planner = opened(chromium, server, f"S 1,{GTIN},B1,281231\nS 2,{GTIN},B1,281231\n{RIGHT}")
    page = planner.page
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page).startswith("serial:"):
            break
    page.keyboard.type("S1")
    page.keyboard.press("Enter")
    assert focused(page) == "serial:3"
    page.keyboard.press("ArrowRight")
    assert focused(page) == "gtin:3"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert focused(page) == "serial:2"
    page.wait_for_selector("tbody.right[data-key='2']")
    assert settled(page) == "1 wrong rows left, 0 left out, 46 to send."
    page.keyboard.press("Control+z")
    page.wait_for_selector("#why-2 button.take")
    assert settled(page) == "2 wrong rows left, 0 left out, 45 to send."
    assert page.input_value("[name='serial:2']") == "S 1"
    assert not planner.complaints


def test_a_column_of_a_spreadsheet_is_pasted_and_taken_back_as_one(chromium: Any, server: Server) -> None:
    planner = opened(chromium, server, "".join(f"S {n},{GTIN},B1,281231\n" for n in range(130)))
    page = planner.page
    text = "".join(f"P{n}\n" for n in range(130))
    page.focus("[name='serial:2']")
    page.evaluate(
        """text => { const clipboardData = new DataTransfer(); clipboardData.setData("text/plain", text);
        const options = {clipboardData, bubbles: true, cancelable: true};
        document.activeElement.dispatchEvent(new ClipboardEvent("paste", options)); }""",
        text,
    )
    page.wait_for_selector("text=130 rows pasted.")
    assert settled(page) == "0 wrong rows left, 0 left out, 130 to send."
    assert page.input_value("[name='serial:101']") == "P99"
    page.reload()
    page.click("text=Take back >> nth=0")
    page.wait_for_selector("text=Rows 1 to 100 of 130")
    assert not planner.complaints


def test_rows_that_were_left_out_count_as_left_out(chromium: Any, server: Server) -> None:
    page = opened(chromium, server, f"S 1,{GTIN},B1,281231\n{RIGHT}").page
    page.check("[name='left_out:2']")
    page.wait_for_selector("tbody.out")
    assert settled(page) == "0 wrong rows left, 1 left out, 45 to send."
    page.click("text=Left out >> nth=0")
    page.uncheck("[name='left_out:2']")
    page.wait_for_selector("#why-2 button.take")
    assert settled(page) == "1 wrong rows left, 0 left out, 45 to send."


@pytest.mark.parametrize(
    ("rows", "press", "left"),
    [
        pytest.param(
            "".join(f"M{n},{GTIN},,281231\n" for n in range(427)),
            "Enter in 427 rows",
            "472 to send",
            id="fill a batch",
        ),
        pytest.param(
            "".join(f"M{n},{WRONG_GTIN},B1,281231\n" for n in range(427)),
            "Replace in 427 rows",
            "472 to send",
            id="replace a GTIN",
        ),
        pytest.param(
            "".join(f"M {n},{GTIN},B1,281231\n" for n in range(427)),
            "Take for all 427 rows",
            "472 to send",
            id="strip spaces",
        ),
        pytest.param(
            "".join(f"{CYRILLIC_EM}{n},{GTIN},B1,281231\n" for n in range(427)),
            "Take for all 427 rows",
            "472 to send",
            id="ASCII",
        ),
        pytest.param(f"X1,{GTIN},B1,291130\n", "Take it for 1 row", "46 to send", id="two expiries"),
        pytest.param(
            "".join(f"'M{n},{GTIN[:-4]}0026,B1,281231\n" for n in range(9)),
            "Leave out 9 rows",
            "9 left out, 45 to send",
            id="leave out",
        ),
    ],
)
def test_all_rows_of_a_problem_are_corrected_with_one_click_and_taken_back(
    chromium: Any, server: Server, rows: str, press: str, left: str
) -> None:
    # Leaving out is offered where the rows of one problem are shown, and help for all of them everywhere.
    kind = "suspect_common_mark" if press.startswith("Leave out") else ""
    planner = opened(chromium, server, rows + RIGHT, kind)
    page = planner.page
    before = settled(page)
    page.click(f"button:has-text('{press}')")
    page.wait_for_selector("#done")
    page.wait_for_function("text => document.getElementById('fix-state').textContent.includes(text)", arg=left)
    page.click("#done >> text=Take back")
    page.wait_for_function("text => document.getElementById('fix-state').textContent.trim() === text", arg=before)
    assert not planner.complaints


def test_the_one_row_that_disagrees_with_45_comes_first(chromium: Any, server: Server) -> None:
    page = opened(chromium, server, f"{RIGHT}X1,{GTIN},B1,291130\n", "batch_two_expiries").page
    assert page.locator("tbody input[data-role=serial]").first.input_value() == "X1"
    assert page.locator("button.take").count() == 1


def test_every_wrong_row_can_be_reached(chromium: Any, server: Server) -> None:
    page = opened(chromium, server, "".join(f"S {n},{GTIN},B1,281231\n" for n in range(250))).page
    page.click("text=Next page")
    page.click("text=Next page")
    page.wait_for_selector("text=Rows 201 to 250 of 250")
    assert page.locator("tbody input[data-role=serial]").last.input_value() == "S 249"
