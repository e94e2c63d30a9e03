from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boxes import Box
from commands import Importer
from readback import Report, only_report
from webserver import Server, add_user

StartBox = Callable[..., Box]


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    """The command, in a directory of its own: `importer("run", file, env=box.env)`."""
    directory = tmp_path / "work"
    directory.mkdir()
    return Importer(directory)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[StartBox]:
    """Starts sandboxes, each a process of its own: `sandbox("unregistered=…", "commission:drop_after=at:2")`."""
    started: list[Box] = []

    def start(*options: str, file: str = "box.db", port: int = 0) -> Box:
        started.append(Box(tmp_path / file, *options, port=port))
        return started[-1]

    yield start
    for box in started:
        box.kill()


@pytest.fixture
def report(importer: Importer) -> Callable[[], Report]:
    """Gives the report of the only run so far."""
    return lambda: only_report(importer.cwd / "reports")


@pytest.fixture
def box(sandbox: StartBox) -> Box:
    return sandbox()


@pytest.fixture
def env(box: Box) -> dict[str, str]:
    return box.env


@pytest.fixture
def server(env: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The planners' page, whose lists go to `box`."""
    with Server(tmp_path / "work", env) as started:
        yield started


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A browser; `browsing.Person` sits at it."""
    from browsing import chromium_started  # noqa: PLC0415  playwright may be missing

    with chromium_started() as browser:
        yield browser


@pytest.fixture
def guarded(env: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A server with one user, anna."""
    add_user(tmp_path / "work", "anna")
    with Server(tmp_path / "work", env) as started:
        yield started
