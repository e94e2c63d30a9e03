"""A machine that lacks something: names, file handles, time of the page's own loop. The page answers, imports end."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from boxes import Box
from conftest import StartBox
from webserver import PASSWORD, Browser, Server, add_user, rows

DEAD_RESOLVER = """
import socket, threading
known = socket.getaddrinfo
def never(*_, **__):
    threading.Event().wait()
def numbers_only(host, *given, **named):
    if host and not str(host).replace(":", "").replace(".", "").isdigit():
        never()
    return known(host, *given, **named)
socket.getfqdn = socket.gethostbyaddr = socket.gethostbyname = never
socket.getaddrinfo = numbers_only
"""
"""Before anything else in the server's process: whatever is to be looked up never comes back."""

BUSY_PAGE = """
import os, signal
def wait(*_):
    with open(os.environ["RELEASE"]) as pipe:
        pipe.read()
signal.signal(signal.SIGUSR1, wait)
"""
"""On SIGUSR1 the main thread, which is the page's loop, does nothing more until the pipe is closed."""


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    while not holds():  # noqa: ASYNC110  it can set no event here
        await asyncio.sleep(0.05)


def customised(directory: Path, code: str) -> dict[str, str]:
    """The environment of a Python that runs this code first."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))}


async def test_a_name_server_that_never_answers_keeps_neither_page_nor_import_waiting(
    env: dict[str, str], tmp_path: Path
) -> None:
    add_user(tmp_path / "work", "anna")
    open_to_all = {"IMPORTER_WEB__HOST": "0.0.0.0"}
    with Server(tmp_path / "work", env | open_to_all | customised(tmp_path / "site", DEAD_RESOLVER)) as server:
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")
        async with Browser(server) as planner:
            assert await planner.log_in("anna", PASSWORD) == 303
            run = await planner.imported(rows(50))
            assert run["outcomes"]["assigned"] == 50


async def test_an_import_goes_on_while_the_page_s_loop_is_held_up(sandbox: StartBox, tmp_path: Path) -> None:
    pipe = tmp_path / "release"
    os.mkfifo(pipe)
    box = sandbox("any:latency=1,seconds=0.05")
    env = box.env | {"IMPORTER_LIMITS__CHUNK_SIZE": "100", "RELEASE": str(pipe)}
    with Server(tmp_path / "work", env | customised(tmp_path / "site", BUSY_PAGE)) as server:
        async with Browser(server) as planner:
            run = await planner.confirm(await planner.upload(rows(10_000)))
            await planner.until(run, "sending")
            os.kill(server.pid, signal.SIGUSR1)
            with await asyncio.to_thread(pipe.open, "w"):  # opens once the page's loop waits at it
                asked = asyncio.create_task(planner.get("/api/health"))
                await until(lambda: len(box.commissioned()) == 10_000)
                assert not asked.done()
            await asked
            found = await planner.until(run, "finished")
    assert found["outcomes"]["assigned"] == 10_000


async def test_without_file_handles_the_page_says_so_once_and_answers_as_soon_as_it_has_some(server: Server) -> None:
    async with Browser(server) as planner:
        await planner.text("/")
        before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        waiting = [await asyncio.to_thread(socket.create_connection, ("127.0.0.1", server.port)) for _ in range(5)]
        await until(lambda: "accept_failed" in server.log())
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        async with Browser(server) as late:
            assert await late.text("/")
        for one in waiting:
            one.close()
    told = [json.loads(line) for line in server.log().splitlines() if "accept_failed" in line]
    assert [(one["event"], one["times"]) for one in told] == [("accept_failed", 1)]


@pytest.mark.parametrize("handles", [300])
async def test_an_import_has_its_file_handles_however_many_connections_wait(
    box: Box, tmp_path: Path, handles: int
) -> None:
    within = ("prlimit", f"--nofile={handles}:{handles}")
    with Server(tmp_path / "work", box.env, within=within) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2 * handles)]
        async with Browser(server) as planner:
            run = await planner.imported(rows(3000))
            assert run["outcomes"]["assigned"] == 3000
            assert run["files"][0]["name"] == "report.xlsx"
        for one in idle:
            one.close()
    assert "accept_failed" not in server.log()
