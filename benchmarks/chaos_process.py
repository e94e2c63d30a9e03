"""Starts the importer's commands and the sandbox: each as a fresh interpreter, or, warm, as a fork of this process,
which has imported all they need. Both run the same `main` in a process of their own; a fork is there ten times as fast.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import time_machine


class Child:
    """A process that was started here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def ended(self) -> int | None:
        """Its exit code, or minus the signal that killed it; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def kill(self) -> None:
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        """The same as `ended`, after so many seconds at most."""
        until = time.monotonic() + seconds
        while (code := self.ended()) is None and time.monotonic() < until:
            time.sleep(0.002)
        return code


@dataclass(frozen=True, slots=True)
class Starter:
    warm: bool

    def prepare(self) -> None:
        """Import what the commands import, so that no fork has to."""
        if self.warm:
            import importer.cli.run  # noqa: PLC0415
            import importer.cli.show  # noqa: PLC0415
            import importer.sandbox.__main__  # noqa: PLC0415, F401

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        output: int,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        *,
        clock_off: float = 0.0,
    ) -> Child:
        """`python -m module arguments…`; `output` is a file descriptor for all that it says.

        `clock_off`: seconds by which its wall clock is wrong; a fresh interpreter has the right one.
        """
        environ = dict(os.environ if env is None else env)
        if self.warm:
            return Child(_fork(module, arguments, output, cwd, environ, clock_off))
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, cwd=cwd, env=environ, stdout=output, stderr=output)
        process.returncode = 0  # this class waits for it
        return Child(process.pid)


def _fork(
    module: str, arguments: Sequence[str], output: int, cwd: Path, env: Mapping[str, str], clock_off: float
) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [module, *arguments]
        if clock_off:
            time_machine.travel(time.time() + clock_off, tick=True).start()
        code = _main(module)
    except BaseException:  # noqa: BLE001  nothing may come back from a fork
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main(module: str) -> int:
    if module == "importer.sandbox":
        from importer.sandbox.__main__ import main as sandbox  # noqa: PLC0415

        return sandbox()
    from importer.__main__ import main  # noqa: PLC0415

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
