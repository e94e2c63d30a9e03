"""The reader itself, on its side of the pipe: locks itself up, opens one file, hands its rows over, ends.

Nothing it does or meets may get past this file: whatever is raised is a frame, whatever ends the process is a status
that the parent can tell (endings.py).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from importer.errors import SourceError
from importer.readers import frames, handover, landlock, limits, protection, seccomp
from importer.readers.frames import Frame
from importer.readers.handover import Failed, Opened
from importer.readers.job import Job, Task, read
from importer.sources.head import read_head
from importer.sources.opening import open_source
from importer.sources.options import SourceOptions
from importer.sources.original import read_original

UNHEARD = 3
"""Status when the parent was gone, or no memory to say so."""
_MOST_TEXT = 2000
_PACKAGES = ("site-packages", "dist-packages")


def serve(jobs: int, pipe: int) -> NoReturn:
    """Do the one job that comes, and end the process: without Python's farewell, in which Arrow's threads may abort."""
    status = UNHEARD
    try:
        job = read(jobs)
        end_with_the_parent(jobs)
        limits.impose(job.allowed)
        holds = lock_up(job.file)
        _work(job, pipe, holds)
        status = 0
    except BaseException:  # noqa: BLE001  the parent is told by the status alone
        status = UNHEARD
    finally:
        os._exit(status)


def end_with_the_parent(jobs: int) -> None:
    """Let the kernel end this process as soon as the parent closes the pipe that the job came by, or dies.

    PR_SET_PDEATHSIG won't do: it fires when the thread that started a child ends, not the process.
    """
    if not hasattr(signal, "SIGIO"):
        return
    try:
        import fcntl  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(jobs, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(jobs, fcntl.F_SETFL, fcntl.fcntl(jobs, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        if os.read(jobs, 1) == b"":
            os._exit(UNHEARD)  # it had gone before
    except BlockingIOError:
        pass


def lock_up(file: Path) -> protection.Locks:
    """Leave this process nothing but the file and the installation, as far as the system can do that."""
    privileges = landlock.give_up_privileges()
    version = landlock.read_only([file], installation())
    return protection.Locks(no_new_privileges=privileges, landlock=version, seccomp=seccomp.lock())


def installation() -> list[Path]:
    """Where modules are found that are imported late: Python's own directories, installed packages, and this package;
    not the directory that a checkout of it stands in, which may hold a ledger.
    """
    prefixes = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    found = [Path(entry) for entry in sys.path if entry]
    parts = [one for one in found if one.name in _PACKAGES or prefixes & set(one.resolve().parents)]
    return [Path(__file__).parents[1], *parts]


def _work(job: Job, pipe: int, holds: protection.Locks) -> None:
    spare = bytearray(1 << 20)  # so that there is memory for the last words
    try:
        if job.task is Task.PROTECTION:
            frames.send(pipe, Frame.END, [handover.packed(protection.attempt(holds))])
        elif job.task is Task.HEAD:
            found = read_head(job.file, SourceOptions(**job.options))
            frames.send(pipe, Frame.END, [handover.packed(handover.Head(found))])
        elif job.task is Task.ORIGINAL:
            _give_back(job, pipe)
        else:
            _read(job, pipe)
    except BrokenPipeError:
        raise
    except SourceError as error:
        _fail(pipe, handover.failed(error))
    except MemoryError:
        del spare
        _fail(pipe, Failed("memory", ""))
    except BaseException as error:  # noqa: BLE001  a panic of native code is no Exception
        del spare
        _fail(pipe, Failed("fault", f"{type(error).__name__}: {error}"[:_MOST_TEXT], where=_place(error)))


def _fail(pipe: int, why: Failed) -> None:
    frames.send(pipe, Frame.FAILED, [handover.packed(why)])


def _place(error: BaseException) -> str:
    """The last line of ours that it came by, without what was in it."""
    last: FrameType | None = None
    line = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        last, line = frame, number
    return f"{Path(last.f_code.co_filename).name}:{line}" if last else ""


def _read(job: Job, pipe: int) -> None:
    source = open_source(job.file, SourceOptions(**job.options))
    names = list(source.sheet_names)
    frames.send(pipe, Frame.OPENED, [handover.packed(Opened(source.reading, names))])
    for rows in source:
        sent = False
        for payload in handover.payloads_of_rows(rows):
            frames.send(pipe, Frame.ROWS, payload)
            sent = True
        if not sent:
            frames.send(pipe, Frame.TICK)
    frames.send(pipe, Frame.END, [handover.packed(source.reading)])


def _give_back(job: Job, pipe: int) -> None:
    found = read_original(job.file, SourceOptions(**job.options))
    frames.send(pipe, Frame.OPENED, [handover.packed(handover.original_of(found))])
    for number, sheet in enumerate(found.sheets):
        rows: Iterator[tuple[int, Any]] = sheet.rows()
        for payload in handover.payloads_of_cells(number, rows):
            frames.send(pipe, Frame.CELLS, payload)
    frames.send(pipe, Frame.END)
