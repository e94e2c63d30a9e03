"""A list whose run stopped early, looked at again: what is said beforehand is what a run then does."""

from __future__ import annotations

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv
from webserver import Browser, Server


@pytest.fixture
def stopped(importer: Importer, env: dict[str, str]) -> str:
    """A run of 30 packs of which 10 went out."""
    slow = {"IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0.05", "IMPORTER_LIMITS__MAX_IN_FLIGHT": "1"}
    source = write_csv(importer.cwd / "list.csv", packs(30))
    limits = {"IMPORTER_LIMITS__CHUNK_SIZE": "10", **slow}
    done = importer("run", source, "--max-duration", "4s", "--json", env={**env, **limits})
    assert (done.code, done.json["outcomes"]["assigned"]) == (4, 10)
    run: str = done.json["run"]
    return run


def test_check_says_that_a_run_would_go_on(importer: Importer, stopped: str, env: dict[str, str], box: Box) -> None:
    found = importer("check", "list.csv", "--json", env=env).json
    assert (found["goes_on_with"], found["to_send"], found["requests"]) == (stopped, 20, 2)
    told = " ".join(importer("check", "list.csv", env=env).out.split())
    assert f"A run would go on with run {stopped}, which stopped early" in told
    assert "send 20 serials in 2 requests" in told

    done = importer("run", "list.csv", "--json", env=env)
    assert (done.code, done.json["run"], len(box.commissioned())) == (0, stopped, 30)


async def test_the_page_says_what_confirming_will_really_do(
    importer: Importer, stopped: str, server: Server, box: Box
) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload((importer.cwd / "list.csv").read_bytes())
        found = (await planner.preview(upload))["preview"]
        page = await planner.text(f"/uploads/{upload}")
        assert (found["goes_on_with"], found["to_send"], found["requests"]) == (stopped, 20, 2)
        assert f"Run {stopped} stopped early. Confirming goes on with it and sends its remaining 20 serials" in page
        run = await planner.until(await planner.confirm(upload), "finished")
    assert (run["run"], run["outcomes"]["assigned"], len(box.commissioned())) == (stopped, 30, 30)
