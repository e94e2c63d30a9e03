"""Once a page has had users, nothing that happens to their file opens it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from webserver import PASSWORD, Browser, Server, add_user


def serve(directory: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "importer", "serve", "--port", "0"]
    return subprocess.run(
        command,
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "content", [None, "", '{"users": {}}', "nonsense"], ids=["missing", "empty", "none", "damaged"]
)
def test_a_page_whose_users_are_gone_does_not_start(tmp_path: Path, env: dict[str, str], content: str | None) -> None:
    add_user(tmp_path / "work", "anna")
    file = tmp_path / "work" / "users.json"
    file.unlink() if content is None else file.write_text(content)
    done = serve(tmp_path / "work", env)
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_of_users_that_is_named_wrongly_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "work").mkdir()
    done = serve(tmp_path / "work", env | {"IMPORTER_WEB__USERS_FILE": "user.jsn"})
    assert done.returncode == 2
    assert "user.jsn is missing" in done.stderr


@pytest.mark.parametrize("content", [None, "", "nonsense"], ids=["missing", "empty", "damaged"])
async def test_while_it_serves_nobody_gets_in_without_the_file_and_all_do_when_it_is_back(
    guarded: Server, content: str | None
) -> None:
    file = guarded.directory / "users.json"
    kept = file.read_text()
    async with Browser(guarded) as planner, Browser(guarded) as stranger:
        await planner.log_in("anna", PASSWORD)
        file.unlink() if content is None else file.write_text(content)
        for browser in (planner, stranger):
            async with browser.http.get("/api/overview") as answer:
                assert answer.status == 401
        assert await stranger.log_in("anna", PASSWORD) == 503
        file.write_text(kept)
        assert (await planner.get("/api/session"))["user"] == "anna"
    assert "users_unreadable" in guarded.log()
    assert "Traceback" not in guarded.log()


async def test_the_first_user_closes_a_page_that_is_being_served(server: Server) -> None:
    async with Browser(server) as stranger:
        assert (await stranger.get("/api/overview"))["waiting"] == []
        add_user(server.directory, "anna")
        async with stranger.http.get("/api/overview") as answer:
            assert answer.status == 401


async def test_an_open_page_answers_nobody_whom_a_proxy_sends(server: Server) -> None:
    async with (
        Browser(server, **{"X-Forwarded-For": "203.0.113.7"}) as stranger,
        stranger.http.get("/api/overview") as answer,
    ):
        assert answer.status == 401
