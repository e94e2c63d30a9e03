"""How an import goes, told to a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from importer.api.gate import Wait
from importer.ledger.records import Run
from importer.sending.attempt import Attempt

Stage = Literal["reading", "sending", "waiting", "reporting"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an import is. Told from the event loop or a thread of it, one at a time; be quick."""

    stage: Stage
    done: int = 0
    """Reading: rows that were read. Sending: serials that have their outcome, of this session."""
    total: int = 0
    """Sending: serials that were to be sent. Else 0: not known."""
    run: str = ""
    """The run's id, from sending on."""
    seconds: float = 0.0
    """Waiting: how long nothing is sent."""
    cause: str = ""
    """Waiting: why."""


OnProgress = Callable[[Progress], object]


class Telling:
    """A `flow.importing.Watcher` that tells a program."""

    def __init__(self, tell: OnProgress | None) -> None:
        self._tell = tell or (lambda _: None)
        self._run = ""
        self._done = self._total = 0

    def reading(self, name: str, size: int) -> None:
        _ = name, size
        self._tell(Progress("reading"))

    def read(self, rows: int) -> None:
        self._tell(Progress("reading", rows))

    def sending(self, run: Run, left: int, done: int) -> None:
        _ = done
        self._run, self._done, self._total = run.id, 0, left
        self._tell(Progress("sending", 0, left, run.id))

    def on_attempt(self, event: Attempt) -> None:
        self._done += event.settled.outcomes(len(event.chunk.serials)).total()
        self._tell(Progress("sending", self._done, self._total, self._run))

    def waiting(self, wait: Wait) -> None:
        self._tell(Progress("waiting", self._done, self._total, self._run, wait.seconds, wait.cause))

    def reporting(self, run: Run) -> None:
        self._tell(Progress("reporting", self._done, self._total, run.id))
