"""What is to be done, in turn: one small file per run that was confirmed, so that a restart goes on with it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, fields
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from importer.ledger.records import now
from importer.web.durable import make_private, read_json, write_json, write_once

Kind = Literal["import", "resume", "retry"]


@dataclass(slots=True)
class Job:
    """`upload` is empty but for an import. `fault` says what keeps it from going on."""

    kind: Kind
    run: str
    by: str
    at: str
    upload: str = ""
    paused: bool = False
    fault: dict[str, Any] = field(default_factory=dict)


class Jobs:
    """The queue. `changed` is set whenever somebody may have something to do."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        make_private(directory)
        self.changed = asyncio.Event()
        self.all: list[Job] = []
        names = {one.name for one in fields(Job)}
        for path in directory.glob("*.json"):
            values = read_json(path)
            if isinstance(values, dict):
                self.all.append(Job(**{name: value for name, value in values.items() if name in names}))
        self.all.sort(key=lambda job: (job.at, job.run))

    def _path(self, run: str) -> Path:
        return self._directory / f"{run}.json"

    def add(self, kind: Kind, run: str, by: str, *, upload: str = "") -> bool:
        """Queue a run; False where it is queued already."""
        job = Job(kind, run, by, now(), upload)
        if not write_once(self._path(run), asdict(job)):
            return False
        self.all.append(job)
        self.changed.set()
        return True

    def save(self, job: Job) -> None:
        self.keep(job)
        self.changed.set()

    def keep(self, job: Job) -> None:
        """Write down what has become of it. From any thread."""
        write_json(self._path(job.run), asdict(job))

    def done(self, job: Job) -> None:
        self._path(job.run).unlink(missing_ok=True)
        if job in self.all:
            self.all.remove(job)
        self.changed.set()

    def of(self, run: str) -> Job | None:
        return next((job for job in self.all if job.run == run), None)

    def next(self) -> Job | None:
        return next((job for job in self.all if not job.paused), None)

    def ahead_of(self, job: Job) -> int:
        """How many have their turn before it."""
        return sum(1 for other in takewhile(lambda other: other is not job, self.all) if not other.paused)
