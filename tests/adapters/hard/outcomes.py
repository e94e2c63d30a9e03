"""Stages a list in-process and tells what became of each row: what `importer check` and `run` do before anything is
sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from saying import said

from importer.concurrency import Stopping
from importer.model import Message
from importer.sources.opening import SourceOptions, open_source
from importer.staging.checks import CheckSettings
from importer.staging.planning import Planned
from importer.staging.stage import Staging, stage
from importer.words.recording import restored


@dataclass
class Staged:
    """By row number: (serial, number of its batch) of those that go out, the first row's number of repeats, rejects."""

    sent: dict[int, tuple[str, int]] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)
    rejects: dict[int, Message] = field(default_factory=dict)
    batches: list[Any] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def chunk(self, planned: Planned) -> None:
        serials = planned.text.decode().split("\n")[:-1]
        keys = planned.keys.tolist()
        self.sent |= {key: (serial, planned.group) for key, serial in zip(keys, serials, strict=True)}
        pairs = zip(planned.repeat_keys.tolist(), planned.repeat_of.tolist(), strict=True)
        self.repeats |= {key: keys[of] for key, of in pairs}

    def reject(self, rows: Any) -> None:
        self.rejects |= {row["key"]: restored(row["code"], row["details"]) for row in rows.to_pylist()}

    def codes(self) -> dict[int, str]:
        return {row: message.code for row, message in sorted(self.rejects.items())}

    def serials(self) -> list[str]:
        return [self.sent[row][0] for row in sorted(self.sent)]


class _Sink:
    def __init__(self, staged: Staged) -> None:
        self.chunk = staged.chunk
        self.rejects = staged.reject


def staged(path: Path, checks: CheckSettings | None = None, **options: Any) -> Staged:
    """Raises SourceError where the list can't be read."""
    found = Staged()
    source = open_source(path, SourceOptions(**options))
    settings = Staging(checks or CheckSettings(), date(2026, 11, 22), 1000, path.parent)
    result = stage(source, settings, _Sink(found), None, stopping=Stopping(), progress=lambda _: None)
    assert result.rows == len(found.sent) + len(found.repeats) + len(found.rejects)
    found.batches = result.batches
    found.notes = {code: count for code, count in result.notes.items() if count}
    found.remarks = tuple(map(said, source.reading.remarks))
    return found
