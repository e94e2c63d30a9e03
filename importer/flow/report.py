"""Step 3: the report of a run, from the ledger alone. It may be written again any time, and beside a running import."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from importer.errors import ConfigError
from importer.flow.counting import Counts, batches_of, count
from importer.flow.marked import give_back
from importer.flow.outcomes import windows
from importer.ledger.store import now
from importer.ledger.view import Run, View
from importer.model import RunState
from importer.reports.facts import BatchTally, Facts, Requests, SourceFacts, Written
from importer.reports.manifest import holds_summary
from importer.reports.writing import SUMMARY, write_reports


def must_have_room(directory: Path) -> None:
    """Raise ConfigError where no report can be written: better before anything is sent than after it."""
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        why = "may not be written" if nearest.is_dir() else "is a file"
        raise ConfigError(
            f"no report can be written to {directory}: {nearest} {why}; choose another directory with --report-dir"
        )


def report(view: View, run: Run, directory: Path, formats: Collection[str]) -> tuple[Facts, Written]:
    """Write the report of a run into `directory`, and return what it says. Raises ImporterError where that fails."""
    facts = facts_of(view, run)
    marked = give_back(run, formats)
    if isinstance(marked, str):
        remarks = [*facts.reading.get("remarks", ()), marked]
        facts = replace(facts, reading={**facts.reading, "remarks": remarks})
        marked = None
    return facts, write_reports(directory, facts, windows(view, run, sheet_names(run)), formats, marked)


def sheet_names(run: Run) -> Sequence[str]:
    """The sheets that a list was read from; empty where it is one."""
    names: Sequence[str] = run.reading.get("sheet_names", ())
    return names if len(names) > 1 else ()


def facts_of(view: View, run: Run) -> Facts:
    counts = count(view, run)
    sent = view.counts("request_counts", run.num)[0]
    code = exit_code(run, counts)
    return Facts(
        run=run.id,
        source=SourceFacts(run.source_name, run.source_sha256, run.source_bytes, run.rows),
        started_at=run.started_at,
        ended_at=run.ended_at or now(),
        outcomes={outcome.value: rows for outcome, rows in counts.tally.outcomes.items()},
        identity_holds=counts.tally.holds(run.rows),
        batches=_tallies(view, run, counts),
        codes=dict(counts.codes.most_common()),
        requests=Requests(sent["sent"], sent["retried"], round(run.seconds, 3)),
        exit_code=code,
        settings=run.settings,
        version=run.version,
        user=run.user,
        host=run.host,
        warnings=run.notes,
        reading=run.reading,
        sheet_names=sheet_names(run),
        next_command=next_command(run, counts, code),
    )


def is_reported(run: Run, directory: Path) -> bool:
    """Whether a whole report of how the run ended last stands in `directory`: not after a kill while it was written."""
    if not holds_summary(directory, SUMMARY):
        return False
    return bool(json.loads((directory / SUMMARY).read_bytes())["ended_at"] == run.ended_at)


def _tallies(view: View, run: Run, counts: Counts) -> list[BatchTally]:
    batches = batches_of(view, run)
    return [
        BatchTally(batches[number], {outcome.value: rows for outcome, rows in outcomes.items() if rows})
        for number, outcomes in sorted(counts.by_batch.items(), key=lambda item: (item[0] == 0, item[0]))
        if any(outcomes.values())
    ]


def exit_code(run: Run, counts: Counts) -> int:
    """What a command that ends with this run ends with (CONTRACT, "Exit codes")."""
    if not counts.tally.holds(run.rows):
        return 1
    if run.state == RunState.STOPPED and run.exit_code is not None:
        return run.exit_code
    return counts.tally.exit_code(counts.spared)


def next_command(run: Run, counts: Counts, code: int) -> str:
    """The command that goes on from here; empty where nothing is left to do."""
    tally: Mapping[str, int] = {outcome.value: rows for outcome, rows in counts.tally.outcomes.items()}
    if counts.pending:
        return f"importer resume {run.id}"
    if tally["refused"] or tally["unknown"] or tally["unsent"]:
        return f"importer retry {run.id}"
    if code == 1:
        return f"importer verify {run.id}"
    return ""
