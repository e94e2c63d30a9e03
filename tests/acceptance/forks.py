"""Commands as forks of a process that has imported what they need: the same `main` in a process of its own, there in a
tenth of the time. What needs an interpreter of its own (a kill, a limit, a setting of Python) starts one instead.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "forks",
        "importer.cli.app",
        "importer.cli.check",
        "importer.cli.show",
        "importer.cli.run",
        "importer.sandbox.__main__",
        "importer.sources.opening",
    ]
)


def started_importer(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path
) -> ForkServerProcess:
    """`out` and `err` take what it says."""
    process = _FORKS.Process(target=_importer, args=(list(arguments), cwd, dict(env), out, err))
    process.start()
    return process


def started_sandbox(arguments: Sequence[str]) -> tuple[ForkServerProcess, Connection]:
    """The other end of its stdout, too."""
    reading, writing = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_sandbox, args=(list(arguments), writing))
    process.start()
    writing.close()
    return process, reading


def _importer(arguments: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None
    from importer import __main__  # noqa: PLC0415  of the fork, not of the tests

    sys.argv = [str(__main__.__file__), *arguments]
    __main__.main()


def _sandbox(arguments: list[str], writing: Connection) -> None:
    os.dup2(writing.fileno(), 1)
    from importer.sandbox.__main__ import main  # noqa: PLC0415  of the fork, not of the tests

    sys.argv = ["importer.sandbox", *arguments]
    sys.exit(main())
