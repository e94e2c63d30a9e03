"""How a reader can end, as what a planner is told. Codes are public; each has its sentence here and nowhere else."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from importer.errors import SourceError
from importer.readers.limits import Allowance
from importer.readers.starting import Ended

_SENTENCES: Mapping[str, str] = {
    "reader_memory": "{name} could not be read: it needs more than {megabytes} MB, or is damaged. Copy the list alone "
    "into a new file and save it as .csv; readers.memory_megabytes allows more.",
    "reader_time": "{name} could not be read within {seconds} seconds of computing: it is damaged, or no list. Export "
    "it again, as .csv if you can; readers.cpu_seconds allows more.",
    "reader_stuck": "{name} could not be read: for {seconds} seconds nothing came of it. It is damaged, or the disk "
    "does not answer: copy it to another place and import that.",
    "reader_crashed": "{name} is damaged: reading it ended with {signal}. Open it in a spreadsheet and save it as "
    ".csv.",
    "reader_killed": "{name} could not be read: the system ended its reader ({signal}). Close other programs, or "
    "import it on a machine with more memory.",
    "reader_fault": "{name} can't be read: it is damaged, or written in a way that no list is ({fault}). Export it "
    "again, as .csv if you can.",
    "reader_nonsense": "{name} can't be read: its reader answered what no reader answers ({fault}). Do not import this "
    "file: have it looked at.",
}
_OUT_OF_MEMORY = frozenset({"SIGABRT"})
"""A native reader that gets no memory aborts, and so does one that finds itself in disorder: both look alike."""
_KILLED = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGIO"})
_OUT_OF_TIME = frozenset({"SIGXCPU"})
_SILENT = 3
"""Status of a reader that had no memory left to say so (child.UNHEARD)."""


def error(code: str, name: str, **values: object) -> SourceError:
    return SourceError(_SENTENCES[code].format(name=name, **values))


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
