"""Runs and serials looked up in the ledger, as plain data. Reads only; in threads, not in the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from importer.events import Event, comments, corrections_of, deeds, release_of
from importer.flow.resolving import UnknownRow, unknown_rows
from importer.ledger.opening import viewed
from importer.ledger.ports import Place, View
from importer.ledger.records import Run, RunHead
from importer.model import OUTCOMES, Action, Fate, Message, Outcome, Reject, RunState, is_sandbox
from importer.reconcile import RESOLVED_ASSIGNED
from importer.reports.chart import chart
from importer.reports.marked_list import MARKED
from importer.reports.summary import RunSummary
from importer.results.examples import Example, examples
from importer.results.totals import count, facts_of
from importer.results.tracing import Trace, sought, trace
from importer.web.documents import (
    BatchBar,
    Comment,
    Correction,
    Piece,
    ReportFile,
    Requests,
    RunEvent,
    RunExample,
    RunLine,
    RunProblem,
    SourceFacts,
    Traces,
)
from importer.web.documents import Run as RunDocument
from importer.web.documents import Trace as TraceDocument
from importer.web.inputs import Wanted

_MOST_TRACES = 200


def stamp(place: Place) -> tuple[int, int]:
    """How far the ledger is: changes when a run begins or ends."""
    with viewed(place) as view:
        return view.how_far() if view else (0, 0)


def find_run(place: Place, run_id: str) -> Run | None:
    with viewed(place) as view:
        return view.find(run_id) if view else None


def run_lines(place: Place, wanted: Wanted, most: int) -> tuple[list[RunLine], int]:
    """Runs that fit, the youngest first, from the `wanted` one on; and how many fit in all."""
    with viewed(place) as view:
        if view is None:
            return [], 0
        runs = [run for run in view.run_heads() if fits(run, wanted)]
        if wanted.gtin or wanted.batch:
            having = view.runs_of_batch(wanted.gtin.rjust(14, "0") if wanted.gtin else "", wanted.batch)
            runs = [run for run in runs if run.num in having]
        start = wanted.first
        return [_line(view, run) for run in runs[start : start + most]], len(runs)


def fits(run: RunHead, wanted: Wanted) -> bool:
    day = run.started_at[:10]
    return (
        wanted.file.casefold() in run.source_name.casefold()
        and wanted.person.casefold() in run.user.casefold()
        and wanted.since <= day <= (wanted.until or "9999")
        and (wanted.state in ("", run.state.value) or (wanted.state == OPEN and needs_attention(run)))
        and (not wanted.target or wanted.target == ("sandbox" if is_sandbox(run.target) else run.target))
    )


OPEN = "open"
"""As a state that is looked for: what needs a person's attention."""


def needs_attention(run: Run | RunHead) -> bool:
    """Whether it stopped early, or ended with rows that are not assigned."""
    return run.state in {RunState.STOPPED, RunState.STAGED} or (run.state == RunState.FINISHED and bool(run.exit_code))


def targets(place: Place) -> list[str]:
    """Where runs went, the latest first; "sandbox" for all sandboxes."""
    with viewed(place) as view:
        heads = view.run_heads() if view else []
    return list(dict.fromkeys("sandbox" if is_sandbox(run.target) else run.target for run in heads))


def _line(view: View, head: RunHead) -> RunLine:
    run = view.run_by_num(head.num)
    counts = count(view, run)
    return RunLine(
        run=run.id,
        state=run.state.value,
        source=run.source_name,
        target=run.target,
        sandbox=is_sandbox(run.target),
        rows=run.rows,
        user=run.user,
        started_at=run.started_at,
        ended_at=run.ended_at,
        exit_code=run.exit_code,
        attention=needs_attention(run),
        outcomes={outcome.value: rows for outcome, rows in counts.tally.outcomes.items()},
        to_send=counts.to_send,
    )


def traces(place: Place, text: str, gtin: str) -> Traces:
    """What became of a serial, or of the pack of a scanned code, the youngest run first."""
    wanted = sought(text, gtin)
    if isinstance(wanted, Reject):
        return Traces(asked=text, fault=Message(wanted.code, wanted.role, wanted.values))
    serial, gtin = wanted
    with viewed(place) as view:
        found = trace(view, serial, gtin) if view else iter(())
        lines = [_traced(one) for one, _ in zip(found, range(_MOST_TRACES), strict=False)]
    return Traces(asked=text, serial=serial, gtin=gtin, found=lines)


def _message(fate: Fate) -> Message | str:
    return Message(fate.code or fate.outcome.value, "", fate.values) if fate.code or fate.values else ""


def _traced(one: Trace) -> TraceDocument:
    return TraceDocument(
        run=one.run.id,
        source=one.run.source_name,
        user=one.run.user,
        row=one.row,
        sheet=one.sheet,
        gtin=one.batch.gtin,
        batch=one.batch.batch,
        expiry_date=one.batch.expiry,
        outcome=one.fate.outcome.value,
        code=one.fate.code,
        message=_message(one.fate),
        chunk=one.chunk or None,
        attempts=one.attempts,
        recorded_at=one.recorded_at,
    )


# The result of a run as plain data, true also while it goes on. Reads only; in threads, not in the event loop.
FILES = (
    "report.xlsx", "not_assigned.csv", "assigned.csv", "not_decommissioned.csv", "decommissioned.csv", "undo.csv",
    "corrections.csv", "report.html", "summary.json", "manifest.json",
)  # fmt: skip
"""What every report may have, the workbook first."""
_MOST_BARS = 50
_EXAMPLES = 5
MOST_UNKNOWN = 500
MOST_CORRECTIONS = 50
"""On a page."""


def run_data(place: Place, run_id: str, report_dir: Path) -> RunDocument | None:
    """All that the page of a run shows, true also while it runs."""
    with viewed(place) as view:
        run = view.find(run_id) if view else None
        if view is None or run is None:
            return None
        facts = facts_of(view, run)
        counts = count(view, run)
        resting = run.state in {RunState.FINISHED, RunState.STOPPED}
        found = examples(view, run, facts.codes, _EXAMPLES) if resting else {}
        recorded = view.events(run.id)
        events = deeds(recorded)
        found_corrections = corrections_of(recorded, facts.sheet_names)
    directory = report_dir / run.id
    return RunDocument(
        run=run.id,
        state=run.state.value,
        source=SourceFacts(run.source_name, run.source_sha256, run.source_bytes, run.rows),
        user=run.user,
        host=run.host,
        target=run.target,
        sandbox=is_sandbox(run.target),
        undoes=run.undoes,
        started_at=run.started_at,
        ended_at=run.ended_at,
        stopped_by=Message.of(run.stopped_by) if run.stopped_by else "",
        exit_code=facts.exit_code if resting else None,
        rows=run.rows,
        outcomes=dict(facts.outcomes),
        identity_holds=facts.identity_holds,
        to_send=counts.to_send,
        release=release_of(events),
        corrections=[Correction(**one) for one in found_corrections[:MOST_CORRECTIONS]],
        corrections_in_all=len(found_corrections),
        to_retry=counts.to_retry,
        can_retry=resting and any(facts.outcomes[one] for one in (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT)),
        can_go_on=bool(counts.pending),
        batches=_batches(facts),
        batches_in_all=len(facts.batches),
        problems=[
            RunProblem(code, rows, [_example(one, facts.sheet_names) for one in found.get(code, ())])
            for code, rows in facts.codes.items()
            if code != RESOLVED_ASSIGNED
        ],
        warnings=dict(facts.warnings),
        requests=Requests(facts.requests.sent, facts.requests.retried, facts.requests.seconds),
        files=_files(directory) if resting else [],
        comments=[Comment(**one) for one in comments(events)],
        events=[_event(event) for event in events] if resting else [],
    )


def _event(event: Event) -> RunEvent:
    who = event.actor
    told = (event.at, event.kind.value, who.user, who.claimed, who.place)
    after = None if event.after is None else dict(event.after)
    return RunEvent(*told, before=dict(event.before), after=after, comment=event.comment)


def _batches(facts: RunSummary) -> list[BatchBar]:
    """The batches that need a look first, with the pieces of their bars."""
    return [
        BatchBar(
            gtin=bar.batch.gtin,
            batch=bar.batch.batch,
            expiry_date=bar.batch.expiry,
            rows=bar.rows,
            outcomes=dict(bar.counts),
            pieces=[Piece(one.outcome, one.start, one.width) for one in bar.pieces],
        )
        for bar in chart(facts.batches, facts.action, _MOST_BARS).bars
    ]


def _example(one: Example, names: Sequence[str]) -> RunExample:
    return RunExample(
        sheet=names[one.key >> 32] if names else "",
        row=str(one.key & 0xFFFFFFFF),
        serial=one.serial,
        gtin=one.batch.gtin,
        batch=one.batch.batch,
        expiry=one.batch.expiry,
        outcome=one.outcome.value,
        message=one.message,
    )


def _files(directory: Path) -> list[ReportFile]:
    """What can be downloaded: the workbook first, then the list itself with its wrong rows marked."""
    marked = sorted(path.name for path in directory.glob(f"*{MARKED}.*") if not path.name.startswith("."))
    there = ((name, directory / name) for name in (FILES[0], *marked, *FILES[1:]))
    return [
        ReportFile(name, "marked" if name in marked else name, path.stat().st_size)
        for name, path in there
        if path.is_file()
    ]


def unknown(place: Place, run_id: str) -> tuple[Run, list[UnknownRow], int] | None:
    """A run, the first of its rows whose fate is unknown, and how many there are."""
    with viewed(place) as view:
        run = view.find(run_id) if view else None
        if view is None or run is None:
            return None
        rows = list(unknown_rows(view, run))
        return run, sorted(rows, key=lambda row: row.key)[:MOST_UNKNOWN], len(rows)


def report_file(report_dir: Path, run: Run, name: str) -> Path | None:
    """A file of a run's report; None for any other name."""
    directory = report_dir / run.id
    return directory / name if any(file.name == name for file in _files(directory)) else None


def not_begun(place: Place, run_id: str, name: str, by: str, at: str) -> RunDocument:
    """What `run_data` says of a run that stands in the queue only."""
    with viewed(place) as view:
        events = deeds(view.events(run_id)) if view else []
    return RunDocument(
        run=run_id,
        state="queued",
        source=SourceFacts(name),
        user=by,
        comments=[Comment(**one) for one in comments(events)],
        started_at=at,
        outcomes={outcome.value: 0 for outcome in OUTCOMES[Action.COMMISSION]},
    )
