"""Whoever holds connections open, or sends a byte a second, keeps neither the page nor an import from its work."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path

import pytest
from conftest import StartBox
from webserver import Browser, Server, rows


def slow_upload(planner: Browser) -> bytes:
    cookies = "; ".join(f"{one.key}={one.value}" for one in planner.http.cookie_jar)
    head = (
        f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{planner.server.port}\r\nCookie: {cookies}\r\n"
        f"X-CSRF-Token: {planner.csrf}\r\nContent-Length: 99999\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n\r\n'
    )
    return head.encode()


async def trickle(planner: Browser) -> bytes:
    """Send a byte a second; return what the server says when it has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", planner.server.port)
    writer.write(slow_upload(planner))
    answer = asyncio.create_task(reader.readline())
    while not answer.done():
        writer.write(b"x")
        await asyncio.wait([answer], timeout=1.0)
    writer.close()
    return answer.result()


async def test_idle_connections_slow_uploads_and_listeners_keep_nobody_from_work(
    sandbox: StartBox, tmp_path: Path
) -> None:
    box = sandbox("any:latency=1,seconds=0.1")
    with Server(tmp_path / "work", box.env | {"IMPORTER_LIMITS__CHUNK_SIZE": "100"}) as server:
        async with Browser(server) as planner, Browser(server) as crowd:
            run = await planner.confirm(await planner.upload(rows(10_000)))
            await planner.until(run, "sending")
            await planner.post(f"/api/runs/{run}/pause")
            await planner.until(run, "paused")
            idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
            trickling = [asyncio.create_task(trickle(crowd)) for _ in range(52)]
            asked = [crowd.http.get(f"/api/runs/{run}/events") for _ in range(40)]
            streams = await asyncio.gather(*asked)
            assert sorted(one.status for one in streams) == [200] * 20 + [429] * 20
            assert await planner.text("/")
            await planner.post(f"/api/runs/{run}/go-on")
            found = await planner.until(run, "finished")
            assert found["outcomes"]["assigned"] == 10_000
            assert found["files"][0]["name"] == "report.xlsx"
            answers = await asyncio.gather(*trickling, return_exceptions=True)
            assert b"HTTP/1.1 408 Request Timeout\r\n" in answers
            await planner.upload(rows(1))
        for one in idle:
            one.close()
    assert "Traceback" not in server.log()


async def test_half_a_head_is_waited_for_ten_seconds_and_no_longer(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: 127")
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_request_is_at_most_one_line_of_the_log(server: Server, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    async with asyncio.timeout(20):
        await reader.read()
    writer.close()
    log = server.log()
    assert "Traceback" not in log
    assert len([line for line in log.splitlines() if "bad_request" in line]) <= 1


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/runs/%ff%fe",
        "/api/runs/a%00b",
        "/api/serials/%ed%a0%80",
        "/serials?serial=%00",
        "/runs?from=%ff",
        "/%",
    ],
)
async def test_an_address_that_is_no_text_is_no_fault_of_ours(server: Server, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(20):
        status = (await reader.readline()).split()[1]
        await reader.read()
    writer.close()
    assert status in (b"200", b"400", b"404")
    assert "Traceback" not in server.log()


async def test_a_body_that_is_no_document_is_refused_without_a_traceback(server: Server) -> None:
    bodies = [b"", b"[", b"[" * 100_000, b'{"seen": 5}', b'{"seen": "\\ud800"}', b"\xff", b"[]", b"null"]
    async with Browser(server) as planner:
        upload = await planner.upload(rows(1))
        headers = {"X-CSRF-Token": planner.csrf, "Content-Type": "application/json"}
        for body in bodies:
            async with planner.http.post(f"/api/uploads/{upload}/confirm", data=body, headers=headers) as answer:
                assert answer.status == 400, body[:20]
        form = {"X-CSRF-Token": planner.csrf, "Content-Type": "application/x-www-form-urlencoded; charset=none"}
        async with planner.http.post(f"/uploads/{upload}/fix", data=b"a=%ff&b", headers=form) as answer:
            assert answer.status in (200, 400)
    assert "Traceback" not in server.log()


async def test_who_asked_for_what_and_when_is_on_record_in_files_that_are_rotated(
    env: dict[str, str], tmp_path: Path
) -> None:
    limits = {"IMPORTER_WEB__ACCESS_LOG_MEGABYTES": "0.002", "IMPORTER_WEB__ACCESS_LOG_FILES": "3"}
    with Server(tmp_path / "work", env | limits) as server:
        async with Browser(server) as planner:
            await planner.text("/runs?file=January")
            user = (await planner.get("/api/session"))["user"]
            kept = server.directory / "uploads" / ".server"
            lines = [json.loads(one) for one in (kept / "access.log").read_text().splitlines()]
            found = next(one for one in lines if one["path"] == "/runs?file=January")
            assert (found["user"], found["from"], found["method"], found["status"]) == (user, "127.0.0.1", "GET", 200)
            assert re.match(r"20\d\d-\d\d-\d\dT", found["at"])
            for _ in range(60):
                await planner.get("/api/health")
    files = sorted(path.name for path in kept.glob("access.log*"))
    assert files == ["access.log", "access.log.1", "access.log.2"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept.glob("access.log*"))


async def test_what_arrives_is_for_the_server_s_user_alone(server: Server) -> None:
    async with Browser(server) as planner:
        upload = await planner.upload(rows(1) + "S 1,x,B1,281231\n")
        await planner.preview(upload)
        await planner.text(f"/uploads/{upload}/marked")
    top = server.directory / "uploads"
    open_to_others = [path for path in (top, *top.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []
