"""Step 1 alone: what a run would do. Sends nothing, keeps nothing."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from importer.concurrency import Stopping
from importer.errors import SourceError
from importer.ledger.opening import viewed
from importer.ledger.ports import Place, View
from importer.ledger.records import Run
from importer.model import Batch, Message, Reading
from importer.results.totals import count
from importer.rows.tables import Source, row_of, sheet_name
from importer.staging.overlap import Earlier
from importer.staging.planning import Planned
from importer.staging.stage import Sink, Staged, Staging, stage
from importer.staging.standings import Standing
from importer.words.recording import restored

Progress = Callable[[int], None]
"""Takes the number of rows that have been read so far."""
_EXAMPLES = 5
"""Of each problem."""


@dataclass(frozen=True, slots=True)
class Example:
    """A rejected row: where it stands, what was read, what is wrong with it."""

    sheet: str
    row: int
    serial: str
    gtin: str
    batch: str
    expiry: str
    message: Message


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
class GoesOn:
    """The run of the same list that stopped early, which a run would go on with: nothing is staged again then."""

    run: Run
    to_send: int
    """Serials that it still has to send."""
    requests: int


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
    before: Sequence[Run] = ()
    """The runs of the same file, into whatever target."""
    goes_on: GoesOn | None = None

    @property
    def clean(self) -> bool:
        return not self.problems

    @property
    def to_send(self) -> int:
        """Serials that a run would send."""
        return self.goes_on.to_send if self.goes_on else sum(line.send for line in self.batches)

    @property
    def requests_to_come(self) -> int:
        return self.goes_on.requests if self.goes_on else self.requests


@dataclass(frozen=True, slots=True)
class Looking:
    """What a list is looked at with (wiring.py)."""

    open_source: Callable[[Path, Any], Source]
    staging: Staging
    ledger: Place
    """It need not be there."""
    target: str
    """Empty where it can't be told, since the credentials are missing: then nothing of earlier runs counts."""
    spill_in: Path | None = None
    """Directory for what does not fit into memory; None: the system's own for temporary files."""

    @contextmanager
    def earlier(self) -> Iterator[View | None]:
        """The ledger for reading; None where there is none yet."""
        with viewed(self.ledger) as view:
            yield view

    def stage(
        self, source: Source, file: ListFile, view: View | None, sink: Sink, *, stopping: Stopping, progress: Progress
    ) -> Staged:
        """Stage the source of a list into a sink that keeps nothing. Raises what `staging.stage` raises."""
        earlier = Earlier(view, self.target) if view and self.target else None
        with tempfile.TemporaryDirectory(dir=self.spill_in) as spill:
            staging = replace(self.staging, spill=Path(spill)).accepting(file.options.accept)
            return stage(source, staging, sink, earlier, stopping=stopping, progress=progress)


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list, and how it is to be read. `identity`: what of the options tells one import of it from another (JSON)."""

    path: Path
    name: str
    sha256: str
    options: Any
    identity: str


class _Counting:
    """A stage.Sink that counts, and keeps the first rows of each problem."""

    def __init__(self, sheet_names: Sequence[str], most: int, on_rejects: Callable[[Any], None]) -> None:
        self._sheet_names = sheet_names
        self._most = most
        self._on_rejects = on_rejects
        self.requests = 0
        self.by_group: defaultdict[int, Counter[Standing]] = defaultdict(Counter)
        self.problems: defaultdict[str, Problem] = defaultdict(Problem)

    def chunk(self, planned: Planned) -> None:
        counts = self.by_group[planned.group]
        counts[planned.standing] += len(planned.keys)
        counts[Standing.REPEAT] += len(planned.repeat_keys)
        self.requests += planned.standing != Standing.ALREADY

    def rejects(self, rows: Any) -> None:
        self._on_rejects(rows)
        for code, number in Counter(rows["code"].to_pylist()).items():
            self.problems[code].rows += number
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
        sheet = sheet_name(key, self._sheet_names)
        message = restored(row.pop("code"), row.pop("details"))
        return Example(sheet=sheet, row=row_of(key), message=message, **row)


def preview(
    file: ListFile,
    looking: Looking,
    *,
    stopping: Stopping,
    progress: Progress,
    on_rejects: Callable[[Any], None] = lambda _: None,
) -> Preview:
    """Stage a list into nothing; keep some examples of each problem. `on_rejects` takes rejected rows as they come, in
    record batches of tables.REJECTS. Raises SourceError, Stopped.
    """
    try:
        stopping.check()
        with looking.earlier() as view:
            source = looking.open_source(file.path, file.options)
            counting = _Counting(source.sheet_names, _EXAMPLES, on_rejects)
            staged = looking.stage(source, file, view, counting, stopping=stopping, progress=progress)
            return Preview(
                name=file.name,
                rows=staged.rows,
                reading=source.reading,
                batches=_batches(staged, counting),
                problems=dict(sorted(counting.problems.items(), key=lambda item: -item[1].rows)),
                notes={code: rows for code, rows in staged.notes.items() if rows},
                requests=counting.requests,
                before=view.runs_of_source(file.sha256) if view else (),
                goes_on=_goes_on(file, looking, view) if view else None,
            )
    except OSError as error:
        raise SourceError("list_unreadable", path=str(file.path), reason=error.strerror or str(error)) from error
    except (UnicodeError, ValueError) as error:
        raise SourceError("list_unreadable", path=file.name, reason=str(error)) from error


def _goes_on(file: ListFile, looking: Looking, view: View) -> GoesOn | None:
    run = view.unfinished_twin(file.sha256, file.identity, looking.target) if looking.target else None
    if run is None:
        return None
    counts = count(view, run)
    return GoesOn(run, counts.to_send, counts.pending)


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
