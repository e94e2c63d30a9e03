from __future__ import annotations

import asyncio
import gzip
import io
import json
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from webserver import GTIN, HEADER, PASSWORD, Browser, Server, add_user, rows
from yarl import URL


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "0.0.0.0"])
async def test_another_name_that_points_here_gets_nothing(server: Server, host: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/", headers={"Host": host}) as answer:
        text = await answer.text()
    assert answer.status in (400, 421)
    assert "csrf" not in text or 'name="csrf" content' in text
    assert "Waiting for you" not in text


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\x.csv", "/etc/passwd", "..", ".", "a/../../b.csv", "\u202evsc.exe"],
)
async def test_a_file_name_never_leads_anywhere(server: Server, name: str) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(1), name)
        there = [p for p in (server.directory / "uploads" / upload / "source").iterdir()]  # noqa: C416
        assert len(there) == 1
        assert (await planner.preview(upload))["state"] == "ready"
        assert {p.name for p in server.directory.iterdir()} <= {
            *("uploads", "serve.log", "importer.db", "importer.db-wal", "importer.db-shm", "importer.db.lock"),
            *("importer.db-anchor", "importer.db-events"),
        }


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2f..%2fimporter.db",
        "/runs/{run}/files/..%2f..%2fimporter.db",
        "/runs/{run}/files/%2e%2e%2f%2e%2e%2fserve.log",
        "/runs/{run}/files/.lock",
        "/api/runs/{run}/files/..%5c..%5cimporter.db",
        "/static/..%2fapp.py",
        "/templates/..%2fx.csv",
        "/uploads/..%2f.server",
        "/api/uploads/.server",
    ],
)
async def test_no_path_leads_out_of_what_is_offered(server: Server, path: str) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(1))
        url = URL(f"{server.url}{path.format(run=run['run'])}", encoded=True)
        async with planner.http.get(url) as answer:
            assert answer.status == 404


async def test_what_stands_in_cells_is_shown_and_never_run(server: Server) -> None:
    evil = "<script>alert(1)</script>"
    formula = '=HYPERLINK("http://evil.example")'
    quoted = formula.replace('"', '""')
    content = HEADER + f'{evil},{GTIN},"<img src=x onerror=alert(1)>",281231\n"{quoted}",{GTIN},B1,281231\n'
    async with Browser(server) as planner:
        upload = await planner.upload(content, f"{evil}.csv")
        pages = [await planner.text(f"/uploads/{upload}"), await planner.text(f"/uploads/{upload}/fix")]
        run = await planner.imported(content, "x.csv", comment=evil)
        pages += [await planner.text(path) for path in (f"/runs/{run['run']}", "/", "/runs", f"/serials?serial={evil}")]
        listed = await planner.text(f"/api/runs/{run['run']}/files/not_assigned.csv")
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;" in pages[0]
    assert not [line for line in listed.splitlines() if line.startswith("=")]


async def test_every_answer_keeps_the_browser_strict(server: Server) -> None:
    async with Browser(server) as planner:
        for path in ("/", "/runs", "/nothing", "/api/overview", "/static/page.css", "/login"):
            async with planner.http.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert "http:" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_upload_that_is_cut_off_leaves_nothing(server: Server) -> None:
    async with Browser(server) as planner:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        cookies = planner.http.cookie_jar.filter_cookies(URL(server.url))
        cookie = "; ".join(f"{one.key}={one.value}" for one in cookies.values())
        head = (
            f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {cookie}\r\n"
            f"X-CSRF-Token: {planner.csrf}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            "Content-Length: 9999999\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n\r\n'
        )
        writer.write(head.encode() + rows(20_000).encode())
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.transport.abort()
        del reader
        for _ in range(100):
            left = [p for p in (server.directory / "uploads").iterdir() if p.name != ".server"]
            if not left:
                break
            await asyncio.sleep(0.05)
        assert not left
        assert not (await planner.get("/api/overview"))["waiting"]


async def test_what_is_too_large_or_too_many_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    limits = {"IMPORTER_WEB__MAX_UPLOAD_MEGABYTES": "1", "IMPORTER_WEB__MAX_UPLOADS": "2"}
    with Server(tmp_path / "work", env | limits) as server:
        async with Browser(server) as planner:
            form = aiohttp.FormData()
            form.add_field("file", io.BytesIO(b"x" * (1 << 20) + b"x"), filename="list.csv")
            async with planner.http.post("/api/uploads", data=form, headers={"X-CSRF-Token": planner.csrf}) as answer:
                assert answer.status == 413
            await planner.upload(rows(1))
            await planner.upload(rows(1))
            form = aiohttp.FormData()
            form.add_field("file", io.BytesIO(b"x"), filename="list.csv")
            async with planner.http.post("/api/uploads", data=form, headers={"X-CSRF-Token": planner.csrf}) as answer:
                assert (answer.status, (await answer.json())["error"]) == (409, "too_many_uploads")


def workbook_bomb() -> bytes:
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(1100):
                part.write(b" " * (1 << 20))
    return workbook.getvalue()


def gzip_bomb() -> bytes:
    return gzip.compress(HEADER.encode() + b"A" * (300 << 20))


@pytest.mark.parametrize(("name", "content"), [("bomb.xlsx", workbook_bomb), ("bomb.csv.gz", gzip_bomb)])
async def test_a_bomb_is_named_as_what_it_is_while_the_page_stays_usable(
    server: Server, name: str, content: Callable[[], bytes]
) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(content(), name)
        found = await planner.preview(upload)
        assert found["state"] == "failed"
        assert name in found["error"]
        assert await planner.text("/")


async def test_a_hundred_requests_at_once_are_all_answered(server: Server) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(50))
        paths = ["/", "/runs", f"/runs/{run['run']}", f"/api/runs/{run['run']}", "/api/serials/S00000001"] * 20
        answers = await asyncio.gather(*(planner.text(path) for path in paths))
    assert len(answers) == 100


async def test_without_users_the_page_stays_on_this_machine(env: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "work"
    directory.mkdir()
    command = [sys.executable, "-m", "importer", "serve", "--port", "0", "--host", "0.0.0.0"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, env={"PATH": "/usr/bin", **env}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "importer user add" in said.decode()


def test_passwords_are_kept_as_argon2_hashes_that_only_the_owner_reads(tmp_path: Path) -> None:
    assert add_user(tmp_path / "work", "anna").returncode == 0
    file = tmp_path / "work" / "users.json"
    assert json.loads(file.read_text())["users"]["anna"].startswith("$argon2id$")
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert add_user(tmp_path / "work", "bert", "short").returncode == 2


async def test_nothing_is_seen_without_logging_in(guarded: Server) -> None:
    async with Browser(guarded) as stranger:
        for path in ("/", "/runs", "/uploads/0", "/serials", "/templates/list.csv"):
            async with stranger.http.get(path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/login")
        for path in ("/api/overview", "/api/runs", "/api/session", "/api/serials/A", "/api/runs/x/events"):
            async with stranger.http.get(path) as answer:
                assert answer.status == 401
        await stranger.post("/api/runs/0/stop", status=401)


async def test_who_logs_in_is_in_the_record_and_out_again_after_logging_out(guarded: Server) -> None:
    async with Browser(guarded) as planner:
        assert await planner.log_in("anna", PASSWORD) == 303
        session = next(one for one in planner.http.cookie_jar if one.key == "importer_session")
        assert session["httponly"]
        assert session["samesite"] == "Strict"
        run = await planner.imported(rows(2))
        assert run["user"] == "anna"
        async with planner.http.post("/logout", data={"csrf": planner.csrf}) as answer:
            assert answer.url.path == "/login"
        planner.http.cookie_jar.update_cookies({"importer_session": session.value}, URL(guarded.url))
        async with planner.http.get("/api/overview") as answer:
            assert answer.status == 401


async def test_a_restart_logs_nobody_out_and_a_removed_user_is_out_at_once(
    guarded: Server, env: dict[str, str]
) -> None:
    async with Browser(guarded) as planner:
        await planner.log_in("anna", PASSWORD)
        guarded.end()
        with Server(guarded.directory, env, port=guarded.port):
            assert (await planner.get("/api/session"))["user"] == "anna"
            add_user(guarded.directory, "bert")
            command = [sys.executable, "-m", "importer", "user", "remove", "anna"]
            await (await asyncio.create_subprocess_exec(*command, cwd=guarded.directory)).wait()
            async with planner.http.get("/api/overview") as answer:
                assert answer.status == 401


async def test_a_session_ends_with_its_time(env: dict[str, str], tmp_path: Path) -> None:
    add_user(tmp_path / "work", "anna")
    with Server(tmp_path / "work", env | {"IMPORTER_WEB__SESSION_HOURS": "0.0012"}) as server:
        async with Browser(server) as planner:
            await planner.log_in("anna", PASSWORD)
            session = next(one for one in planner.http.cookie_jar if one.key == "importer_session")
            await asyncio.sleep(4.5)
            async with planner.http.get(
                "/api/overview", headers={"Cookie": f"{session.key}={session.value}"}
            ) as answer:
                assert answer.status == 401


async def test_a_proxy_s_header_is_believed_from_the_proxy_alone(env: dict[str, str], tmp_path: Path) -> None:
    trusted = env | {"IMPORTER_WEB__TRUSTED_HEADER": "X-Remote-User"}
    with Server(tmp_path / "a", trusted) as server:
        async with Browser(server, **{"X-Remote-User": "carla"}) as planner:
            assert (await planner.get("/api/session"))["user"] == "carla"
        async with Browser(server) as stranger:
            await stranger.post("/api/runs/0/stop", status=401)
    with Server(tmp_path / "b", trusted | {"IMPORTER_WEB__TRUSTED_PROXIES": "10.0.0.1"}) as server:
        async with (
            Browser(server, **{"X-Remote-User": "carla"}) as stranger,
            stranger.http.get("/api/session") as answer,
        ):
            assert answer.status == 401


async def test_no_secret_is_in_any_answer(server: Server, env: dict[str, str]) -> None:
    async with Browser(server) as planner:
        run = await planner.imported(rows(2))
        for path in ("/", f"/runs/{run['run']}", f"/api/runs/{run['run']}", "/api/overview", "/api/session"):
            text = await planner.text(path)
            assert env["IMPORTER_API__TOKEN"] not in text
            assert env["IMPORTER_API__CHANNEL_KEY"] not in text


async def test_the_page_answers_while_a_large_list_is_read(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(1_000_000))
        await planner.get(f"/api/uploads/{upload}")
        times = []
        while (await planner.get(f"/api/uploads/{upload}"))["state"] == "reading":
            start = time.perf_counter()
            await planner.text("/")
            times.append(time.perf_counter() - start)
        assert (await planner.get(f"/api/uploads/{upload}"))["preview"]["rows"] == 1_000_000
    assert not times or statistics.median(times) < 1.0
