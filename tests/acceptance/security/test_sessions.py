"""A session ends at once with its person's password, with the user, by logging out and by being idle: streams, too."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import StartBox
from test_web_tls import PAIR
from webserver import PASSWORD, Browser, Server, add_user, rows
from yarl import URL


def remove_user(directory: Path, name: str) -> None:
    subprocess.run([sys.executable, "-m", "importer", "user", "remove", name], cwd=directory, check=True)


@pytest.mark.parametrize("how", ["password", "removed", "removed_and_made_again", "logout"])
async def test_whatever_ends_a_session_ends_what_it_follows(sandbox: StartBox, tmp_path: Path, how: str) -> None:
    directory = tmp_path / "work"
    add_user(directory, "anna")
    add_user(directory, "bert")
    box = sandbox("any:latency=1,seconds=0.3")
    with Server(directory, box.env | {"IMPORTER_LIMITS__CHUNK_SIZE": "100"}) as server:
        async with Browser(server) as planner:
            await planner.log_in("anna", PASSWORD)
            run = await planner.confirm(await planner.upload(rows(20_000)))
            await planner.until(run, "sending")
            async with planner.http.get(f"/api/runs/{run}/events") as stream:
                await stream.content.readline()
                if how == "password":
                    add_user(directory, "anna", "another long password")
                elif how == "logout":
                    cookies = {one.key: one.value for one in planner.http.cookie_jar}
                    async with planner.http.post("/logout", data={"csrf": planner.csrf}):
                        pass
                    planner.http.cookie_jar.update_cookies(cookies, URL(server.url))
                else:
                    remove_user(directory, "anna")
                    if how == "removed_and_made_again":
                        add_user(directory, "anna")
                async with asyncio.timeout(5):
                    rest = await stream.content.read()
            assert b"event: end" not in rest
            async with planner.http.get("/api/overview") as answer:
                assert answer.status == 401


async def test_a_person_who_does_nothing_is_out_although_the_page_asks_by_itself(
    env: dict[str, str], tmp_path: Path
) -> None:
    add_user(tmp_path / "work", "anna")
    with Server(tmp_path / "work", env | {"IMPORTER_WEB__SESSION_IDLE_MINUTES": "0.03"}) as server:
        async with Browser(server) as planner:
            await planner.log_in("anna", PASSWORD)
            statuses = set()
            for _ in range(40):
                async with planner.http.get("/?part=activity", allow_redirects=False) as answer:
                    statuses.add(answer.status)
                await asyncio.sleep(0.1)
            assert statuses == {200, 401}


async def test_behind_a_proxy_that_ends_tls_cookies_are_bound_to_the_host_and_to_https(
    env: dict[str, str], tmp_path: Path
) -> None:
    add_user(tmp_path / "work", "anna")
    with Server(tmp_path / "work", env | {"IMPORTER_WEB__PROXY_ENDS_TLS": "true"}) as server:
        async with Browser(server) as planner:
            seed = next(one for one in planner.http.cookie_jar if one.key == "__Host-importer_csrf")
            async with planner.http.get("/login") as answer:
                assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
            form = {"csrf": planner.csrf, "name": "anna", "password": PASSWORD}
            headers = {"Cookie": f"{seed.key}={seed.value}", "Origin": server.url.replace("http:", "https:")}
            async with planner.http.post("/login", data=form, headers=headers, allow_redirects=False) as answer:
                assert answer.status == 303
                cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-importer_session=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_by_https_of_its_own_it_is_the_same_and_without_https_nothing_claims_it(
    env: dict[str, str], server: Server, tmp_path: Path
) -> None:
    async with Browser(server) as planner, planner.http.get("/login") as answer:
        assert "Strict-Transport-Security" not in answer.headers
        assert [one.key for one in planner.http.cookie_jar] == ["importer_csrf"]
    with Server(tmp_path / "tls", env, "--tls-cert", str(PAIR), "--tls-key", str(PAIR)) as secure:
        secure.trusted = ssl.create_default_context(cafile=str(PAIR))
        async with Browser(secure) as planner, planner.http.get("/login") as answer:
            assert "Strict-Transport-Security" in answer.headers
            assert [one.key for one in planner.http.cookie_jar] == ["__Host-importer_csrf"]
