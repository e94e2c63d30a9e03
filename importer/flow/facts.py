"""What a run has come to, for a report or whoever asks: numbers of the ledger, no rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from importer.flow.counting import Counts, batches_of, count
from importer.ledger.store import now
from importer.ledger.view import Run, View
from importer.model import RunState
from importer.reports.facts import BatchTally, Facts, Requests, SourceFacts


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
