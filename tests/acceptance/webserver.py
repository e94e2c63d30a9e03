"""`importer serve` as a process of its own, and a client that behaves like a browser."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

GTIN = "09520001010019"
PASSWORD = "correct horse battery"
HEADER = "SerialNumber,GTIN,Batch,ExpirationDate\n"


def rows(count: int, *, batch: str = "B1", start: int = 0) -> str:
    """A list of right rows."""
    return HEADER + "".join(f"S{start + i:08},{GTIN},{batch},281231\n" for i in range(count))


def add_user(directory: Path, name: str, password: str = PASSWORD, *options: str) -> subprocess.CompletedProcess[str]:
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "importer", "user", "add", name, *options]
    return subprocess.run(command, cwd=directory, input=f"{password}\n", capture_output=True, text=True, check=False)


class Server:
    """Serves from `directory`, which it may be started in again. `within` is a command that runs this one."""

    def __init__(
        self, directory: Path, env: Mapping[str, str], *options: str, port: int = 0, within: Sequence[str] = ()
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.trusted: ssl.SSLContext | None = None
        """Whom browsers trust where the page is served by https."""
        with (directory / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*within, sys.executable, "-m", "importer", "serve", "--port", str(port), *options],
                cwd=directory,
                env={**{k: v for k, v in os.environ.items() if not k.startswith("IMPORTER_")}, **env},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"(https?://\S+:(\d+))/", said)
        self.url = found[1] if found else ""
        self.port = int(found[2]) if found else 0
        if not found:
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> int:
        """SIGTERM; return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._close()
        return code

    def kill(self) -> None:
        """As a power cut does. Harmless when it is dead already."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process.stdout:
            self._process.stdout.close()

    def log(self) -> str:
        return (self.directory / "serve.log").read_text("utf-8")


class Browser:
    """One person's cookies and CSRF token."""

    def __init__(self, server: Server, **headers: str) -> None:
        self.server = server
        jar = aiohttp.CookieJar(unsafe=True)
        connector = aiohttp.TCPConnector(ssl=server.trusted or True)
        self.http = aiohttp.ClientSession(server.url, cookie_jar=jar, headers=headers, connector=connector)
        self.csrf = ""

    async def __aenter__(self) -> Self:
        async with self.http.get("/login") as answer:
            text = await answer.text()
        found = re.search(r'name="csrf" content="([0-9a-f]+)"', text)
        assert found, text
        self.csrf = found[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def log_in(self, name: str, password: str) -> int:
        form = {"csrf": self.csrf, "name": name, "password": password}
        async with self.http.post("/login", data=form, allow_redirects=False) as answer:
            return answer.status

    async def get(self, path: str) -> Any:
        async with self.http.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def text(self, path: str) -> str:
        async with self.http.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def post(self, path: str, body: Any = None, *, status: int | None = None) -> Any:
        headers = {"X-CSRF-Token": self.csrf}
        async with self.http.post(path, json=body or {}, headers=headers) as answer:
            if status is None:
                assert answer.ok, await answer.text()
            else:
                assert answer.status == status, await answer.text()
            return await answer.json()

    async def upload(self, content: str | bytes, name: str = "list.csv") -> str:
        """The upload's id."""
        form = aiohttp.FormData(quote_fields=False)  # as browsers do
        whole = io.BytesIO(content.encode() if isinstance(content, str) else content)
        form.add_field("file", whole, filename=name)
        async with self.http.post("/api/uploads", data=form, headers={"X-CSRF-Token": self.csrf}) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["uploads"][0]["id"])

    async def preview(self, upload: str) -> Any:
        for _ in range(60):
            found = await self.get(f"/api/uploads/{upload}?wait")
            if found["state"] != "reading":
                return found
        raise AssertionError("the preview takes for ever")

    async def confirm(self, upload: str, comment: str = "") -> str:
        found = await self.preview(upload)
        answer = await self.post(
            f"/api/uploads/{upload}/confirm", {"seen": found["preview"]["seen"], "comment": comment}
        )
        return str(answer["run"])

    async def until(self, run: str, *phases: str, seconds: float = 60) -> Any:
        """Wait until the run is in one of these phases."""
        for _ in range(int(seconds / 0.05)):
            found = await self.get(f"/api/runs/{run}")
            if found["phase"] in phases:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{run} is {found['phase']}, expected {phases}")

    async def imported(self, content: str | bytes, name: str = "list.csv", comment: str = "") -> Any:
        """Upload, confirm and wait for the end."""
        run = await self.confirm(await self.upload(content, name), comment)
        return await self.until(run, "finished", "stopped")
