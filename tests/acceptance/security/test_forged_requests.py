"""A page of another site, opened in the browser of a planner, can't change anything here."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from webserver import Browser, Server, rows

PART = '--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def multipart(*parts: tuple[str, str, str]) -> bytes:
    return ("".join(PART.format(name=n, more=m, value=v) for n, m, v in parts) + "--b--\r\n").encode()


CHANGES = [
    "/uploads/0/options",
    "/uploads/0/fix",
    "/uploads/0/confirm",
    "/uploads/0/discard",
    "/runs/0/pause",
    "/runs/0/retry",
    "/logout",
    "/login",
    "/api/uploads/0/options",
    "/api/uploads/0/edits",
    "/api/uploads/0/confirm",
    "/api/uploads/0/discard",
    "/api/runs/0/stop",
]


async def test_no_change_without_the_token(server: Server) -> None:
    async with Browser(server) as planner:
        for path in CHANGES:
            bodies: list[dict[str, Any]] = [
                {"data": {"csrf": "0" * 64}},
                {"json": {}},
                {"data": b"", "headers": {"X-CSRF-Token": "é"}},
            ]
            for body in bodies:
                async with planner.http.post(path, **body, allow_redirects=False) as answer:
                    assert answer.status == 403, path


async def test_no_change_for_a_page_of_another_site_even_with_the_token(server: Server) -> None:
    async with Browser(server) as planner:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            given = {"X-CSRF-Token": planner.csrf, **headers}
            async with planner.http.post("/api/runs/0/stop", json={}, headers=given) as answer:
                assert answer.status == 403


async def test_no_upload_without_the_token_and_nothing_of_it_is_kept(server: Server) -> None:
    async with Browser(server) as planner:
        form = aiohttp.FormData()
        form.add_field("file", b"x", filename="list.csv")
        form.add_field("csrf", planner.csrf)  # too late: behind the file
        async with planner.http.post("/uploads", data=form) as answer:
            assert answer.status == 403
        assert not (await planner.get("/api/overview"))["waiting"]
    assert not [path for path in (server.directory / "uploads").iterdir() if path.name != ".server"]


async def test_no_form_of_any_encoding_changes_anything_without_the_token(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(3))
        seen = (await planner.preview(upload))["preview"]["seen"]
        body = multipart(("seen", "", seen), ("name", "", "anna"), ("password", "", "x"))
        for path in [one.replace("/0/", f"/{upload}/") for one in CHANGES]:
            for kind in (
                "multipart/form-data",
                "multipart/mixed",
                "multipart/related",
                "text/plain",
                "application/xml",
            ):
                headers = {"Content-Type": f"{kind}; boundary=b"}
                async with planner.http.post(path, data=body, headers=headers, allow_redirects=False) as answer:
                    assert answer.status in (403, 415), (path, kind)
        assert [one["id"] for one in (await planner.get("/api/overview"))["waiting"]] == [upload]
        assert not (await planner.get("/api/runs"))["runs"]


async def test_the_token_may_come_as_the_first_part_of_an_upload_and_of_nothing_else(server: Server) -> None:
    file = ("file", '; filename="list.csv"', rows(1))
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with Browser(server) as planner:
        token = ("csrf", "", planner.csrf)
        for parts, status in (((token, file), 303), ((file, token), 403), ((file,), 403), ((), 403)):
            body = multipart(*parts)
            async with planner.http.post("/uploads", data=body, headers=headers, allow_redirects=False) as answer:
                assert answer.status == status
        async with planner.http.post("/logout", data=multipart(token), headers=headers) as answer:
            assert answer.status == 415
        assert len((await planner.get("/api/overview"))["waiting"]) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_no_method_but_looking_passes_without_the_token(server: Server, method: str) -> None:
    async with Browser(server) as planner, planner.http.request(method, "/api/overview") as answer:
        assert answer.status == 403


async def test_a_deciding_header_that_is_given_twice_is_refused(server: Server) -> None:
    async with Browser(server) as planner:
        for name, values in (("X-CSRF-Token", (planner.csrf, "x")), ("Origin", (server.url, "https://evil.example"))):
            headers = [("X-CSRF-Token", planner.csrf)] if name != "X-CSRF-Token" else []
            headers += [(name, value) for value in values]
            async with planner.http.post("/api/runs/0/stop", json={}, headers=headers) as answer:
                assert (answer.status, (await answer.json())["error"]) == (400, "header_twice")


async def test_a_form_of_another_site_can_not_log_a_planner_in(guarded: Server) -> None:
    async with aiohttp.ClientSession(guarded.url) as http:
        form = {"name": "anna", "password": "correct horse battery"}
        async with http.post("/login", data=form, headers={"Origin": "https://evil.example"}) as answer:
            assert answer.status == 403
