"""Makes the README's pictures from the real page: benchmarks/screenshots.py [DIR] [LOCALE].

Needs Playwright and Chromium; the sandbox stands behind the page.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LIST = Path(__file__).parents[1] / "sample_data" / "workbook.xlsx"
GTIN = "09520001010019"


def main(target: Path, locale: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        slow = ("--sandbox", "--sandbox-option", "any:latency=1,seconds=0.4", "--sandbox-option", "refused_share=0.004")
        command = [sys.executable, "-m", "importer", "serve", "--port", "0", *slow]
        server = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                context = browser.new_context(
                    base_url=found[0], locale=locale, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
                )
                take(context.new_page(), target, Path(directory))
        finally:
            server.terminate()
            server.wait()


def take(page: Any, target: Path, directory: Path) -> None:
    large = directory / "release-4711.csv"
    lines = (f"PX{n:014},{GTIN},TB26{n // 30_000:02}A,281231\n" for n in range(90_000))
    large.write_text("SerialNumber,GTIN,Batch,ExpirationDate\n" + "".join(lines))
    drop(page, LIST)
    page.screenshot(path=target / "preview.png")
    page.click("a[href$=fix]")
    page.screenshot(path=target / "correct.png")
    page.goto(page.url.removesuffix("/fix"))
    page.click("button.danger")
    page.wait_for_selector("#files")
    drop(page, large)
    page.click("button.danger")
    page.wait_for_selector(".slow")
    page.wait_for_timeout(4000)
    page.screenshot(path=target / "running.png")
    page.goto("/")
    page.screenshot(path=target / "start.png")
    page.go_back()
    page.wait_for_selector("#files")
    page.screenshot(path=target / "result.png")


def drop(page: Any, file: Path) -> None:
    page.goto("/")
    page.set_input_files("#file", file)
    page.wait_for_url("**/uploads/*")
    page.wait_for_selector("#confirm")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    main(Path(given.get(1, "docs/pictures")), given.get(2, "en-GB"))
