"""What the ledger knows of a list: whether it was imported before as it is, and whether one grew after it was read."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from importer.inbox import moving
from importer.inbox.claims import DONE, PROBLEMS
from importer.ledger.records import Run
from importer.model import RunState
from importer.sources.files import FileFacts

_OPEN_FOR = 2 * 86_400.0


@dataclass(frozen=True, slots=True)
class Known:
    """The finished runs of a list's content, read and checked in the same way, into the same target; oldest first."""

    runs: Sequence[Run]

    @classmethod
    def of(
        cls,
        facts: FileFacts,
        identity: Mapping[str, Any],
        target: str,
        checks: Mapping[str, Any],
        runs: Sequence[Run],
    ) -> Self:
        read_so = _plain(identity)
        return cls(
            [
                run
                for run in runs
                if (run.source_sha256, run.target, run.state) == (facts.sha256, target, RunState.FINISHED)
                and _plain(run.options) == read_so
                and _plain(run.settings["input"]) == _plain(checks)
            ]
        )

    @property
    def finished(self) -> Run | None:
        """The last one."""
        return self.runs[-1] if self.runs else None

    def finished_from(self, path: Path) -> Run | None:
        """That of the list at this very place: a kill came between its end and its list's."""
        return next((run for run in self.runs if run.source_path == str(path.absolute())), None)


def grown(box: Path, runs: Callable[[], Sequence[Run]]) -> Iterator[Path]:
    """Move lists back into the inbox that grew after they were read, since a sender on a share still had them open:
    what they hold now begins with what was read. Returns where they are.
    """
    longer = [
        (place, path)
        for end in (DONE, PROBLEMS)
        for place in _late(box / end)
        for path in place.iterdir()
        if path.is_file()
    ]
    known = {run.id: run for run in runs()} if longer else {}
    for place, path in longer:
        run = known.get(place.name)
        if run and path.stat().st_size > run.source_bytes and _begins_with(path, run):
            yield moving.into(path, box)


def _late(place: Path) -> Iterator[Path]:
    """The runs that came to their end in the last days: a sender does not keep a list open for longer."""
    since = time.time() - _OPEN_FOR
    return (
        path for path in (place.iterdir() if place.is_dir() else ()) if path.is_dir() and path.stat().st_mtime > since
    )


def _begins_with(path: Path, run: Run) -> bool:
    digest, left = hashlib.sha256(), run.source_bytes
    with path.open("rb") as file:
        while left and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest() == run.source_sha256


def _plain(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, default=list)
