"""Who may do what: every route against every role, lists of others, four eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from boxes import Box
from commands import Importer
from webserver import PASSWORD, Browser, Server, add_user, rows

from importer.web import api, pages_correcting, pages_login, pages_mapping, pages_runs, pages_uploads
from importer.web.app import routes
from importer.web.roles import Role, rule_of

PROXY = {"IMPORTER_WEB__TRUSTED_HEADER": "X-Remote-User", "IMPORTER_WEB__GROUPS_HEADER": "X-Remote-Groups"}
GROUPS = {"IMPORTER_WEB__GROUP_ROLES": json.dumps({"qa": "releaser", "plan": "planner", "audit": "viewer"})}
TABLES = (
    routes,
    pages_correcting.routes,
    pages_login.routes,
    pages_mapping.routes,
    pages_uploads.routes,
    pages_runs.routes,
    api.door.routes,
)
OPEN = {"/login", "/logout"}
ROUTES = [one for table in TABLES for one in table if isinstance(one, web.RouteDef)]
CHANGES = sorted({one.path for one in ROUTES if one.method not in ("GET", "HEAD")} - OPEN)


@pytest.fixture
def proxied(env: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "work", {**env, **PROXY, **GROUPS}) as server:
        yield server


def person(server: Server, name: str, groups: str) -> Browser:
    return Browser(server, **{"X-Remote-User": name, "X-Remote-Groups": groups})


def test_every_route_that_changes_something_has_a_rule() -> None:
    assert [path for path in CHANGES if rule_of(path, changes=True) is None] == []


def test_a_route_without_a_rule_is_open_to_no_role() -> None:
    assert rule_of("/api/something/new", changes=True) is None


def decides(path: str) -> bool:
    return path.endswith(("/confirm", "/discard", "/restore")) or ("/runs/" in path and not path.endswith("/follow-up"))


@pytest.mark.parametrize(
    ("groups", "refused"),
    [
        pytest.param("", CHANGES, id="no group"),
        pytest.param("strangers", CHANGES, id="an unknown group"),
        pytest.param("audit", CHANGES, id="viewer"),
        pytest.param("plan", [path for path in CHANGES if decides(path)], id="planner, with the list of another"),
        pytest.param("qa", [], id="releaser"),
    ],
)
async def test_every_route_asks_for_the_role(proxied: Server, groups: str, refused: list[str]) -> None:
    async with person(proxied, "anna", "plan") as anna:
        upload = await anna.upload(rows(3))
        run = (await anna.imported(rows(3, start=9, batch="C")))["run"]
    found = []
    async with person(proxied, "victor", groups) as victor:
        for path in CHANGES:
            where = path.replace("{upload}", upload).replace("{run}", run)
            where = where.replace("{what:pause|go-on|stop|retry}", "stop")
            headers = {"X-CSRF-Token": victor.csrf}
            async with victor.http.post(where, json={}, headers=headers, allow_redirects=False) as answer:
                found += [path] if answer.status == 403 else []
    assert found == refused


async def test_who_is_in_no_group_sees_nothing(proxied: Server) -> None:
    async with (
        person(proxied, "nora", "strangers") as nora,
        nora.http.get("/api/overview") as overview,
        nora.http.get("/") as page,
    ):
        assert (overview.status, page.status) == (403, 403)
        assert (await overview.json())["error"] == "no_role"
        assert "you have no role here" in await page.text()


async def test_a_planner_decides_about_own_lists_alone_and_a_releaser_about_all(proxied: Server) -> None:
    async with person(proxied, "anna", "plan") as anna, person(proxied, "bert", "plan") as bert:
        mine, other = await anna.upload(rows(3)), await anna.upload(rows(3, batch="C", start=9))
        seen = (await anna.preview(mine))["preview"]["seen"]
        await bert.post(f"/api/uploads/{mine}/confirm", {"seen": seen}, status=403)
        await bert.post(f"/api/uploads/{mine}/discard", status=403)
        page = await bert.text(f"/uploads/{mine}")
        assert "Your role does not include this" in page
        assert "button.danger" not in page
        run = await anna.confirm(mine)
        await anna.until(run, "finished")
        await bert.post(f"/api/runs/{run}/retry", status=403)
        async with person(proxied, "rita", "plan,qa") as rita:
            assert await rita.confirm(other)


async def test_four_eyes_release_what_went_through_other_hands(env: dict[str, str], tmp_path: Path, box: Box) -> None:
    with Server(tmp_path / "work", {**env, **PROXY, **GROUPS, "IMPORTER_WEB__FOUR_EYES": "true"}) as server:
        async with person(server, "anna", "qa") as anna, person(server, "carl", "qa") as carl:
            upload = await anna.upload(rows(3))
            seen = (await anna.preview(upload))["preview"]["seen"]
            answer = await anna.post(f"/api/uploads/{upload}/confirm", {"seen": seen}, status=403)
            assert answer["error"] == "four_eyes"
            await carl.post(f"/api/uploads/{upload}/edits", {"3": {"batch": "B2"}})
            seen = (await carl.preview(upload))["preview"]["seen"]
            await carl.post(f"/api/uploads/{upload}/confirm", {"seen": seen}, status=403)
            async with person(server, "paul", "plan") as paul:
                await paul.post(f"/api/uploads/{upload}/confirm", {"seen": seen}, status=403)
            assert box.commissioned() == set()
            async with person(server, "rita", "qa") as rita:
                run = await rita.confirm(upload)
                ended = await rita.until(run, "finished")
    summary = json.loads((tmp_path / "work" / "reports" / run / "summary.json").read_bytes())
    release = summary["release"]
    assert {name: release[name] for name in ("uploaded_by", "corrected_by", "released_by", "seen")} == {
        "uploaded_by": "anna",
        "corrected_by": ["carl"],
        "released_by": "rita",
        "seen": seen,
    }
    assert release["uploaded_at"] <= release["released_at"]
    assert ended["release"] == release
    page = (tmp_path / "work" / "reports" / run / "report.html").read_text("utf-8")
    assert f"by rita, {release['released_at']}; what was seen: {seen}" in page


def test_four_eyes_need_a_second_person_that_the_page_knows(importer: Importer, box: Box) -> None:
    result = importer("serve", "--port", "0", env={**box.env, "IMPORTER_WEB__FOUR_EYES": "true"})
    assert result.code == 2
    assert "knows no second person" in result.err


@pytest.mark.parametrize("options", [("run", "list.csv"), ("run", "--sandbox", "--release-by", "rita", "list.csv")])
def test_a_command_releases_nothing_where_four_eyes_are_demanded(
    importer: Importer, box: Box, options: tuple[str, ...]
) -> None:
    (importer.cwd / "list.csv").write_text(rows(3), "utf-8")
    result = importer(*options, env={**box.env, "IMPORTER_WEB__FOUR_EYES": "true"})
    assert result.code == 2
    assert "importer serve" in result.err
    assert box.commissioned() == set()


def test_who_released_it_stands_in_the_report_of_a_command(importer: Importer) -> None:
    (importer.cwd / "list.csv").write_text(rows(3), "utf-8")
    result = importer("run", "--sandbox", "--release-by", "rita", "--json", "list.csv")
    release = result.json["release"]
    assert release["released_by"] == "rita"
    assert release["seen"] == result.json["source"]["sha256"]


def test_a_role_is_given_kept_and_changed(importer: Importer) -> None:
    assert add_user(importer.cwd, "anna").returncode == 0
    assert importer("user", "list").out == "anna\tplanner\n"
    assert add_user(importer.cwd, "anna", PASSWORD, "--role", "releaser").returncode == 0
    assert add_user(importer.cwd, "anna").returncode == 0
    assert importer("user", "list").out == "anna\treleaser\n"
    wrong = add_user(importer.cwd, "anna", PASSWORD, "--role", "boss")
    assert wrong.returncode == 2
    assert "viewer, planner or releaser" in wrong.stderr


@pytest.mark.parametrize(("groups", "role"), [("", Role.NOBODY), ("a, audit", Role.VIEWER), ("plan,qa", Role.RELEASER)])
async def test_the_highest_of_the_groups_counts(proxied: Server, groups: str, role: Role) -> None:
    async with person(proxied, "anna", groups) as anna, anna.http.get("/api/session") as answer:
        found = await answer.json()
    assert found.get("role", "nobody") == role.name.lower()
