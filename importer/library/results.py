"""What the functions give back: figures as records, rows one by one, as pandas frames, or window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from importer.errors import Exit, ImporterError
from importer.flow.preview import Example, Preview
from importer.ledger.ports import Place
from importer.ledger.records import Run
from importer.model import Outcome, is_sandbox
from importer.reconcile import GOOD
from importer.results.outcomes import windows
from importer.results.totals import Counts, facts_of, sheet_names
from importer.rows.tables import row_of, sheet_of
from importer.words.language import Language, terminal

if TYPE_CHECKING:
    import pandas as pd  # slow to load: for those who ask for a frame


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row of a list."""

    row: int
    """As a spreadsheet numbers it."""
    sheet: str
    """Empty for a list that was read from one sheet."""
    serial: str
    gtin: str
    batch: str
    expiry: str
    """YYMMDD as sent; of a rejected row, as read."""
    outcome: Outcome
    code: str
    """Empty for what went well."""
    message: str
    chunk: str
    attempts: int
    recorded_at: str
    """UTC, ISO 8601."""

    @property
    def good(self) -> bool:
        """Whether with it was done what was asked; a duplicate shares the fate of its first row."""
        return self.outcome in GOOD or (self.outcome is Outcome.DUPLICATE and not self.code)


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as `runs` lists it."""

    run: str
    state: str
    """staged, running, stopped or finished."""
    action: str
    source: str
    target: str
    sandbox: bool
    rows: int
    to_send: int
    """Serials that are still to be sent: `resume` goes on with them."""
    outcomes: Mapping[str, int]
    started_at: str
    ended_at: str | None
    exit_code: int | None
    user: str

    @classmethod
    def of(cls, run: Run, counts: Counts) -> RunLine:
        return cls(
            run=run.id,
            state=run.state.value,
            action=run.action.value,
            source=run.source_name,
            target=run.target,
            sandbox=is_sandbox(run.target),
            rows=run.rows,
            to_send=counts.to_send,
            outcomes={outcome.value: n for outcome, n in counts.tally.outcomes.items()},
            started_at=run.started_at,
            ended_at=run.ended_at,
            exit_code=run.exit_code,
            user=run.user,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A run that ended, finished or stopped early. Its rows are read from the ledger each time they are asked for."""

    run: str
    exit_code: int
    """As of the command (CONTRACT, "Exit codes")."""
    outcomes: Mapping[str, int]
    """All seven."""
    codes: Mapping[str, int]
    """Rows by code."""
    rows: int
    identity_holds: bool
    next_command: str
    """What goes on from here at a terminal; empty where nothing is left to do."""
    report: Path | None
    """The directory of its report, if that is there."""
    _ledger: Place = field(repr=False)

    @classmethod
    def of(cls, place: Place, run: Run, report: Path | None) -> Result:
        with place.view() as view:
            facts = facts_of(view, view.run(run.id))
        return cls(
            run=facts.run,
            exit_code=int(facts.exit_code),
            outcomes=facts.outcomes,
            codes=facts.codes,
            rows=facts.source.rows,
            identity_holds=facts.identity_holds,
            next_command=facts.next_command,
            report=report,
            _ledger=place,
        )

    @property
    def ok(self) -> bool:
        """Whether with every row was done what was asked."""
        return self.exit_code == Exit.DONE

    def __iter__(self) -> Iterator[Row]:
        """Every row of the list with what became of it, in its order; some 65,000 of them in memory at a time."""
        for table in self._tables():
            for values in table.to_pylist():
                yield Row(**values | {"outcome": Outcome(values["outcome"])})

    def frames(self) -> Iterator[pd.DataFrame]:
        """The same as pandas frames, a window at a time: for runs that don't fit into memory."""
        for table in self._tables():
            frame: pd.DataFrame = table.to_pandas()
            yield frame

    def _tables(self) -> Iterator[Any]:
        with self._ledger.view() as view:
            run = view.run(self.run)
            names = sheet_names(run)
            for window in windows(view, run, names, terminal()):
                yield _table(window, names)

    def frame(self, *, problems: bool = False) -> pd.DataFrame:
        """All rows as one pandas frame, whose columns are the fields of `Row`; with `problems` those alone that are
        not good. A row takes some 100 bytes.
        """
        import pandas as pd  # noqa: PLC0415  see above

        kept = [_problems(frame) if problems else frame for frame in self.frames()]
        if not kept:
            return pd.DataFrame({one.name: [] for one in fields(Row)})
        return pd.concat(kept, ignore_index=True)


def _problems(frame: pd.DataFrame) -> pd.DataFrame:
    repeats = (frame["outcome"] == Outcome.DUPLICATE) & (frame["code"] == "")
    return frame[~(frame["outcome"].isin(list(GOOD)) | repeats)]


def _table(window: Any, names: Sequence[str]) -> Any:
    """A window of outcomes as an Arrow table with the fields of Row."""
    keys = window["key"].to_numpy()
    sheets = pa.array(np.asarray(names, dtype=object)[sheet_of(keys)] if names else [""] * len(keys), pa.string())
    columns = {"row": pa.array(row_of(keys)), "sheet": sheets}
    for name in ("serial", "gtin", "batch", "expiry", "outcome", "code", "message", "chunk", "attempts", "recorded_at"):
        column = window[name]
        columns[name] = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    columns["attempts"] = columns["attempts"].cast(pa.int64())
    return pa.table(columns)


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found: what a run would do with a list."""

    preview: Preview

    @property
    def clean(self) -> bool:
        """Whether no row is wrong."""
        return self.preview.clean

    @property
    def rows(self) -> int:
        return self.preview.rows

    @property
    def to_send(self) -> int:
        """Serials that a run would send."""
        return self.preview.to_send

    @property
    def requests(self) -> int:
        return self.preview.requests_to_come

    @property
    def problems(self) -> Mapping[str, int]:
        """Wrong rows by code."""
        return {code: problem.rows for code, problem in self.preview.problems.items()}

    def batches(self) -> pd.DataFrame:
        """The rows of each batch by what a run would do with them."""
        import pandas as pd  # noqa: PLC0415  see above

        lines = [
            {
                "gtin": line.batch.gtin if line.batch else "",
                "batch": line.batch.batch if line.batch else "",
                "expiry": line.batch.expiry if line.batch else "",
                "rows": line.rows,
                "to_send": line.send,
                "already_assigned": line.already_assigned,
                "duplicate": line.duplicate,
                "rejected": line.rejected,
            }
            for line in self.preview.batches
        ]
        return pd.DataFrame(lines)

    def examples(self) -> pd.DataFrame:
        """The first wrong rows of each kind, as they were read, with what is wrong."""
        import pandas as pd  # noqa: PLC0415  see above

        found = [_example(code, one) for code, problem in self.preview.problems.items() for one in problem.examples]
        return pd.DataFrame(found, columns=["row", "sheet", "serial", "gtin", "batch", "expiry", "code", "message"])


def _example(code: str, one: Example) -> dict[str, Any]:
    said = terminal().say(one.message)
    place = {"row": one.row, "sheet": one.sheet, "serial": one.serial, "gtin": one.gtin, "batch": one.batch}
    return {**place, "expiry": one.expiry, "code": code, "message": said}


def explain(error: ImporterError, language: Language | None = None) -> str:
    """What an error means and what to do about it, in a planner's words; `str(error)` is for logs."""
    return (language or terminal()).say(error.message)
