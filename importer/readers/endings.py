"""How a reader can end, as what a planner is told."""

from __future__ import annotations

import signal
from typing import Any

from importer.errors import SourceError
from importer.readers.limits import Allowance
from importer.readers.starting import Ended

_OUT_OF_MEMORY = frozenset({"SIGABRT"})
"""A native reader that gets no memory aborts, and so does one that finds itself in disorder: both look alike."""
_KILLED = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGIO"})
_OUT_OF_TIME = frozenset({"SIGXCPU"})
_SILENT = 3
"""Status of a reader that had no memory left to say so (child.UNHEARD)."""


def error(code: str, name: str, **values: Any) -> SourceError:
    return SourceError(code, name=name, **values)


def ended(name: str, how: Ended, allowed: Allowance) -> SourceError:
    """What its end says of a reader that told nothing itself."""
    if how.status >= 0:
        if how.status == _SILENT:
            return error("reader_memory", name, megabytes=allowed.megabytes)
        return error("reader_nonsense", name, fault=f"status {how.status}")
    called = _signal(-how.status)
    if called in _OUT_OF_MEMORY:
        return error("reader_memory", name, megabytes=allowed.megabytes)
    if called in _OUT_OF_TIME or (called == "SIGKILL" and how.cpu_seconds >= allowed.cpu):
        return error("reader_time", name, seconds=allowed.cpu)
    return error("reader_killed" if called in _KILLED else "reader_crashed", name, signal=called)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
