"""A person at a real Chromium. CI installs it (apt-get install chromium) and fails if these tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from webserver import Server

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
AXE = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))
WITH_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@contextmanager
def chromium_started() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Person:
    """A person at a browser. What the page complains about, or asks of other hosts, fails the test."""

    def __init__(self, chromium: Any, server: Server, **options: Any) -> None:
        self.complaints: list[str] = []
        self.server = server
        options = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options}
        self.context = chromium.new_context(base_url=server.url, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "blob:")):
            self.complaints.append(f"asked {request.url}")

    def drop(self, content: str | Path, name: str = "list.csv") -> None:
        file: Any = content
        if isinstance(content, str):
            file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
        self.page.goto("/")
        self.page.set_input_files("#file", file)
        self.page.wait_for_url("**/uploads/*")
        self.page.wait_for_selector("#confirm")

    def commission(self) -> None:
        """The button, and yes to the question that follows."""
        self.page.locator(".confirm button").click()
        self.page.locator(".ask button.danger").click()

    def figure(self, label: str) -> str:
        """A number among the figures or totals, by its words."""
        return str(self.page.locator("li", has_text=label).locator("b").first.inner_text())


def serious(page: Any, path: str) -> list[str]:
    """What axe-core finds there that shuts people out."""
    if page.url != path:
        page.goto(path)
    page.add_script_tag(path=str(AXE))
    result = page.evaluate("axe.run()")
    return [
        f"{path}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    ]
