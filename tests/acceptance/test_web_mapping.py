"""A list whose columns are not known: mapped once, kept under its supplier's name, and read so again."""

from __future__ import annotations

from typing import Any

from browsing import WITH_CHROMIUM, Person
from webserver import GTIN, Browser, Server

pytestmark = WITH_CHROMIUM
HEAD = "Delivery 4711;;;;\n;;;;\n"
ROWS = "Pack;Article;Lot no;Until;Note\n" + "".join(f"S{n:05};{GTIN};B1;31.12.2028;ok\n" for n in range(30))


def dropped(planner: Person, text: str) -> None:
    planner.page.goto("/")
    planner.page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": text.encode()})
    planner.page.wait_for_url("**/uploads/*")


def test_a_suppliers_list_is_mapped_kept_and_read_so_again(chromium: Any, server: Server) -> None:
    planner = Person(chromium, server)
    page = planner.page
    dropped(planner, HEAD + ROWS)
    page.click("text=Choose its columns")
    page.click("a[aria-label='Row 5 is the header']")
    assert page.locator("tr.header td").first.inner_text() == "S00001"
    page.click("a[aria-label='Row 3 is the header']")
    for place, role in enumerate(("serial", "gtin", "batch", "expiry")):
        page.select_option(f"[name=role-{place}]", role)
    page.fill("#supplier", "Muster AG")
    page.click("text=Read it so")
    page.wait_for_selector("#confirm")
    assert planner.figure("to send") == "30"

    dropped(planner, "\n" + HEAD + ROWS.replace("S0", "T0"))
    page.click("text=Read as Muster AG")
    page.wait_for_selector("#confirm")
    assert planner.figure("to send") == "30"
    assert page.locator(".offered").count() == 0
    assert not planner.complaints


async def test_what_is_read_by_itself_keeps_no_mapping(server: Server) -> None:
    """So that a run of it goes on from the command line, which knows of none."""
    async with Browser(server) as planner:
        upload = await planner.upload(f"Serial,GTIN,Batch,Exp\nA1,{GTIN},B1,281231\n")
        await planner.preview(upload)
        form = {
            "csrf": planner.csrf,
            "header": "1",
            **{f"role-{n}": r for n, r in enumerate(("serial", "gtin", "batch", "expiry"))},
        }
        async with planner.http.post(f"/uploads/{upload}/mapping", data=form) as answer:
            assert answer.status == 200
        assert (await planner.preview(upload))["options"] == {}
