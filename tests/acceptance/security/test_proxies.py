"""What a proxy says is believed of proxies alone, and once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from webserver import Browser, Server

TRUSTED = {"IMPORTER_WEB__TRUSTED_HEADER": "X-Remote-User"}


@pytest.mark.parametrize(
    ("networks", "believed"),
    [("127.0.0.0/8", True), ("10.0.0.0/8,127.0.0.1", True), ("10.0.0.0/8", False), ("::/0", False)],
)
async def test_the_proxies_are_networks(env: dict[str, str], tmp_path: Path, networks: str, believed: bool) -> None:
    with Server(tmp_path / "a", env | TRUSTED | {"IMPORTER_WEB__TRUSTED_PROXIES": networks}) as server:
        async with (
            Browser(server, **{"X-Remote-User": "carla"}) as planner,
            planner.http.get("/api/session") as answer,
        ):
            assert answer.status == (200 if believed else 401)


@pytest.mark.parametrize("networks", ["proxy.example.com", "10.0.0.0/99", "10.0.0.1/8"])
def test_what_is_no_network_is_named(env: dict[str, str], tmp_path: Path, networks: str) -> None:
    given = {"PATH": "/usr/bin:/bin", **env, **TRUSTED, "IMPORTER_WEB__TRUSTED_PROXIES": networks}
    command = [sys.executable, "-m", "importer", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert networks in done.stderr


async def test_a_name_that_is_given_twice_or_is_no_name_is_nobody_s(env: dict[str, str], tmp_path: Path) -> None:
    with Server(tmp_path / "a", env | TRUSTED) as server:
        async with Browser(server) as planner:
            headers = [("X-Remote-User", "root"), ("X-Remote-User", "carla")]
            async with planner.http.get("/api/session", headers=headers) as answer:
                assert answer.status == 400
        for name in ("", "  ", "x" * 101, "\udcff"):
            given = {"X-Remote-User": name}
            async with Browser(server) as stranger, stranger.http.get("/api/session", headers=given) as answer:
                assert answer.status == 401, name
