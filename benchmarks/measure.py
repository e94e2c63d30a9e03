"""Starts the processes of a benchmark and measures them. Stays small itself: a child's peak memory counts from here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """A command that has ended: seconds of the clock and of the CPU (its children's too), peak memory in MB."""

    seconds: float
    cpu: float
    rss: float
    exit_code: int
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds of the clock."""
    phases_cpu: Mapping[str, float] = field(default_factory=dict)
    """Seconds of the CPU; `start` is all before the first phase."""


class Running:
    """A command that was started; its output goes to files beside `log`."""

    def __init__(self, command: Sequence[str], cwd: Path, log: Path, env: Mapping[str, str]) -> None:
        self.log = log
        self.began = time.time()
        with log.open("wb") as err, log.with_suffix(".out").open("wb") as out:
            self._process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, stdout=out, stderr=err)
        self.pid = self._process.pid

    def wait(self) -> Measured:
        seen: list[tuple[float, float]] = [(self.began, 0.0)]
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            moment = time.time()
            if pid:
                break
            seen.append((moment, _cpu_so_far(self.pid)))
            time.sleep(_LOOK)
        cpu = usage.ru_utime + usage.ru_stime
        seen.append((moment, cpu))
        self._process.returncode = os.waitstatus_to_exitcode(status)
        clock = phases(self.log)
        return Measured(
            moment - self.began,
            cpu,
            usage.ru_maxrss / 1024,
            self._process.returncode,
            {name: round(end - max(begin, self.began), 3) for name, (begin, end) in clock.items()},
            {name: round(_at(seen, end) - _at(seen, begin), 3) for name, (begin, end) in clock.items()},
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _cpu_so_far(pid: int) -> float:
    """Seconds of the CPU that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _at(seen: Sequence[tuple[float, float]], moment: float) -> float:
    return next((cpu for when, cpu in seen if when >= moment), seen[-1][1])


def phases(log: Path) -> dict[str, tuple[float, float]]:
    """When staging, sending and reporting began and ended, by the events in the importer's log."""
    moments: dict[str, float] = {}
    with log.open("rb") as lines:
        for line in lines:
            if b'"event": "chunk"' in line or not line.startswith(b"{"):
                continue
            event = json.loads(line)
            moments[event["event"]] = datetime.fromisoformat(event["timestamp"]).timestamp()
    moments["start"] = 0.0
    steps = (
        ("start", "start", "reading"),
        ("stage", "reading", "sending"),
        ("submit", "sending", "reporting"),
        ("report", "reporting", "run"),
    )
    return {name: (moments[a], moments[b]) for name, a, b in steps if a in moments and b in moments}


class StandIn:
    """The stand-in server, for a `with`."""

    def __init__(self, rate: float = 0, latency: float = 0) -> None:
        command = [sys.executable, str(HERE / "standin.py"), "--rate", str(rate), "--latency", str(latency)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def stats(self) -> dict[str, Any]:
        return self._get("/stats")

    def reset(self) -> None:
        self._get("/reset")

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            document: dict[str, Any] = json.load(answer)
            return document

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()


def make_list(file: Path, rows: int, *options: str) -> Path:
    """Make a list in a process of its own, so that this one stays small."""
    if not file.exists():
        subprocess.run([sys.executable, HERE / "make_lists.py", file, "--rows", str(rows), *options], check=True)
    return file


@dataclass(frozen=True, slots=True)
class Place:
    """A directory for one import: its ledger, its reports, its log."""

    directory: Path
    url: str
    formats: Sequence[str] = ("csv",)
    settings: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> Running:
        self.directory.mkdir(parents=True, exist_ok=True)
        env = {
            "PYTHONDONTWRITEBYTECODE": "",  # as installed, whatever this shell prefers
            "IMPORTER_API__BASE_URL": self.url,
            "IMPORTER_API__CHANNEL_KEY": "bench-channel",
            "IMPORTER_API__TOKEN": "bench-token",
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0",
            "IMPORTER_REPORT__FORMATS": ",".join(self.formats),
            **self.settings,
        }
        log = self.directory / f"{arguments[0]}.log"
        return Running([sys.executable, "-m", "importer", *arguments], self.directory, log, env)

    def run(self, *arguments: str) -> Measured:
        measured = self.start(*arguments).wait()
        if measured.exit_code:
            tail = (self.directory / f"{arguments[0]}.log").read_text("utf-8").splitlines()[-3:]
            raise SystemExit(f"importer {' '.join(arguments)} ended with {measured.exit_code}: {tail}")
        return measured

    def ledger_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.directory.glob("importer.db*"))


def run_script(file: Path, url: str, directory: Path) -> Measured:
    directory.mkdir(parents=True, exist_ok=True)
    target = url + "/v1/manufacturer/v2/api/serials/commission"
    command = [sys.executable, str(HERE / "script.py"), str(file), target, str(directory / "script.csv")]
    measured = Running(command, directory, directory / "script.log", {}).wait()
    if measured.exit_code:
        raise SystemExit((directory / "script.log").read_text("utf-8")[-500:])
    return measured
