"""The importer's real command, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from forks import started_importer

COMMAND = (sys.executable, "-m", "importer")
_TIMEOUT = 300
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails where anything else stands there."""
        return json.loads(self.out)

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The structured lines on stderr."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    @property
    def errors(self) -> list[str]:
        """All other lines on stderr: what is said to people."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    @property
    def last_line(self) -> str:
        """Of stdout."""
        return self.out.splitlines()[-1]


class Running:
    """A command that goes on while the test does something. Ended at the latest with its `with` block."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._err: list[str] = []

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def wait_for(self, event: str, times: int = 1) -> dict[str, Any]:
        """Wait until the event stood in the log so many times more; return the last one."""
        for log in self._logs():
            if log["event"] == event:
                times -= 1
                if not times:
                    return log
        raise AssertionError(f"it ended before it logged {event!r}:\n{''.join(self._err)}")

    def _logs(self) -> Iterator[dict[str, Any]]:
        assert self._process.stderr is not None
        while line := self._process.stderr.readline():
            self._err.append(line)
            if line.startswith("{"):
                yield json.loads(line)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ended(self) -> Result:
        """Wait for its end."""
        out, err = self._process.communicate(timeout=_TIMEOUT)
        return Result(self._process.returncode, out, "".join(self._err) + err)


class Importer:
    """`importer(*arguments)` in a working directory, with nothing of the developer's own configuration.

    Each command has a directory of its own for the quota: it shares no pace with others of this host. `within` is a
    command that runs this one.
    """

    def __init__(self, cwd: Path, env: Mapping[str, str] | None = None, within: Sequence[str] = ()) -> None:
        self.cwd = cwd
        self._command = (*within, *COMMAND)
        self.env = dict(env or {})
        self._tmpdirs = cwd.with_name(f"{cwd.name}-tmp")
        self._tmpdirs.mkdir(exist_ok=True)

    def __call__(self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Result:
        if self._command == COMMAND and not any(name.startswith("PYTHON") for name in {**self.env, **(env or {})}):
            return self._forked([*map(str, arguments)], cwd or self.cwd, self.environ(env))
        done = subprocess.run(
            [*self._command, *map(str, arguments)],
            cwd=cwd or self.cwd,
            env=self.environ(env),
            capture_output=True,
            encoding="utf-8",
            timeout=_TIMEOUT,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _forked(self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Result:
        out, err = (Path(env["TMPDIR"]) / name for name in ("stdout", "stderr"))
        process = started_importer(arguments, cwd, env, out, err)
        process.join(_TIMEOUT)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"importer {' '.join(arguments)} hangs:\n{err.read_text('utf-8')}")
        return Result(process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))

    def start(self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Running:
        """The same, not waited for."""
        process = subprocess.Popen(
            [*self._command, *map(str, arguments)],
            cwd=cwd or self.cwd,
            env=self.environ(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        return Running(process)

    def environ(self, env: Mapping[str, str] | None) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
        own = tempfile.mkdtemp(dir=self._tmpdirs)
        return {**clean, "TMPDIR": own, "IMPORTER_LIMITS__QUOTA_DIR": own, **self.env, **(env or {})}
