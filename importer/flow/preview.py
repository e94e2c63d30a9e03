"""Step 1 alone: what a run would do. Sends nothing, keeps nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from importer.concurrency import Stopping
from importer.ledger.view import View
from importer.model import Batch, Reading
from importer.rows.tables import Source
from importer.staging.planning import Planned
from importer.staging.stage import Staged, Staging, stage
from importer.staging.standings import Standing

_EXAMPLES = 5
"""Of each problem, unless more are wanted."""


@dataclass(frozen=True, slots=True)
class Example:
    """A rejected row: where it stands, what was read, what is wrong with it."""

    sheet: str
    row: int
    serial: str
    gtin: str
    batch: str
    expiry: str
    message: str


@dataclass(slots=True)
class Problem:
    rows: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BatchPreview:
    """The rows of a batch by what a run would do with them; `batch` is None for rows whose batch can't be told."""

    batch: Batch | None
    send: int
    already_assigned: int
    duplicate: int
    rejected: int

    @property
    def rows(self) -> int:
        return self.send + self.already_assigned + self.duplicate + self.rejected


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do with a list. `requests` at the configured chunk size, if nothing has to be repeated."""

    name: str
    rows: int
    reading: Reading
    batches: Sequence[BatchPreview]
    problems: dict[str, Problem]
    notes: dict[str, int]
    requests: int

    @property
    def clean(self) -> bool:
        return not self.problems


class _Counting:
    """A stage.Sink that counts, and keeps the first rows of each problem."""

    def __init__(self, sheet_names: Sequence[str], most: int) -> None:
        self._sheet_names = sheet_names
        self._most = most
        self.requests = 0
        self.by_group: defaultdict[int, Counter[Standing]] = defaultdict(Counter)
        self.problems: defaultdict[str, Problem] = defaultdict(Problem)

    def chunk(self, planned: Planned) -> None:
        counts = self.by_group[planned.group]
        counts[planned.standing] += len(planned.keys)
        counts[Standing.REPEAT] += len(planned.repeat_keys)
        self.requests += planned.standing != Standing.ALREADY

    def rejects(self, rows: Any) -> None:
        for code, count in Counter(rows["code"].to_pylist()).items():
            self.problems[code].rows += count
        full = {code for code, problem in self.problems.items() if len(problem.examples) >= self._most}
        for place, code in enumerate(rows["code"].to_pylist()):
            if code in full:
                continue
            problem = self.problems[code]
            problem.examples.append(self._example(rows.slice(place, 1).to_pylist()[0]))
            if len(problem.examples) >= self._most:
                full.add(code)

    def _example(self, row: dict[str, Any]) -> Example:
        key = row.pop("key")
        sheet = self._sheet_names[key >> 32] if len(self._sheet_names) > 1 else ""
        row.pop("code")
        return Example(sheet=sheet, row=key & 0xFFFFFFFF, **row)


def preview(
    name: str,
    source: Source,
    staging: Staging,
    earlier: tuple[View, str] | None,
    *,
    stopping: Stopping,
    progress: Callable[[int], None],
    examples: int = _EXAMPLES,
) -> Preview:
    """Stage a source into nothing; keep up to so many examples of each problem. Raises what `stage` raises."""
    counting = _Counting(source.sheet_names, examples)
    staged = stage(source, staging, counting, earlier, stopping=stopping, progress=progress)
    return Preview(
        name=name,
        rows=staged.rows,
        reading=source.reading,
        batches=_batches(staged, counting),
        problems=dict(sorted(counting.problems.items(), key=lambda item: -item[1].rows)),
        notes={code: rows for code, rows in staged.notes.items() if rows},
        requests=counting.requests,
    )


def _batches(staged: Staged, counting: _Counting) -> list[BatchPreview]:
    rejected = Counter[int]()
    for (group, _), rows in staged.rejected.items():
        rejected[group] += rows
    groups = [*range(len(staged.batches)), -1]
    lines = [
        BatchPreview(
            staged.batches[group] if group >= 0 else None,
            counts[Standing.SEND] + counts[Standing.DOUBTFUL],
            counts[Standing.ALREADY],
            counts[Standing.REPEAT],
            rejected[group],
        )
        for group, counts in ((group, counting.by_group[group]) for group in groups)
    ]
    return [line for line in lines if line.rows]
