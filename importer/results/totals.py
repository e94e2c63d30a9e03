"""A run in figures, from the ledger's sums: quick at any size, and true while the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from importer.errors import Exit
from importer.events import comments, corrections_of, deeds, release_of
from importer.ledger.ports import View
from importer.ledger.records import Run, now
from importer.model import OUTCOMES, Action, Batch, ChunkState, Fate, Message, Outcome, RunState, is_sandbox
from importer.reconcile import GOOD, PRODUCT_NOT_REGISTERED, Tally, fate_of
from importer.reports.summary import BatchTally, Requests, RunSummary, SourceFacts
from importer.words.language import Language


@dataclass(slots=True)
class Counts:
    """Rows by outcome, by batch (its number; 0: can't be told) and outcome, and by code."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    by_batch: defaultdict[int, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    codes: Counter[str] = field(default_factory=Counter)
    skipped_for_product: int = 0
    """Unsent rows whose product is not registered."""
    pending: int = 0
    """Chunks that are still to be sent, or on the wire."""
    to_send: int = 0
    """The serials in them."""
    action: Action = Action.COMMISSION
    to_retry: int = 0
    """The serials that a retry would send, beside those that are still to be sent."""

    def add(self, batch: int, fate: Fate, rows: int) -> None:
        if not rows:
            return
        self.outcomes[fate.outcome] += rows
        self.by_batch[batch][fate.outcome] += rows
        if fate.code:
            self.codes[fate.code] += rows
        if fate.outcome == Outcome.UNSENT and fate.code == PRODUCT_NOT_REGISTERED:
            self.skipped_for_product += rows

    @property
    def tally(self) -> Tally:
        return Tally({outcome: self.outcomes[outcome] for outcome in OUTCOMES[self.action]})


def count(view: View, run: Run) -> Counts:
    counts = Counts(action=run.action)
    for row in view.chunk_counts(run.num):
        fate = fate_of(row.state, row.fate, row.doubt, tried=row.tried)
        counts.add(row.batch, fate, row.serials)
        counts.add(row.batch, _REPEAT if fate.outcome in GOOD else _LOST_REPEAT, row.repeats)
        if row.state in {ChunkState.PENDING, ChunkState.SENT}:
            counts.pending += row.chunks
            counts.to_send += row.serials
        elif fate.outcome in RETRIED:
            counts.to_retry += row.serials
    for batch, code, rows in view.reject_counts(run.num):
        counts.add(batch, Fate(Outcome.REJECTED, code), rows)
    return counts


RETRIED = frozenset({Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT})
"""Outcomes of rows that a retry sends again."""
_REPEAT = Fate(Outcome.DUPLICATE)
_LOST_REPEAT = Fate(Outcome.DUPLICATE, "first_row_not_assigned")


def batches_of(view: View, run: Run) -> dict[int, Batch]:
    """The run's batches by number; 0 is for rows whose batch can't be told."""
    return {0: Batch("", "", "")} | view.batches(run.num)


# The result of a run, for reports and for the doors: numbers of the ledger, no rows.
def sheet_names(run: Run) -> Sequence[str]:
    """The sheets that a list was read from; empty where it is one."""
    names: Sequence[str] = run.reading.get("sheet_names", ())
    return names if len(names) > 1 else ()


def facts_of(view: View, run: Run, again: str = "") -> RunSummary:
    """`again`: the options by which a command goes to this ledger and configuration."""
    counts = count(view, run)
    sent, retried = view.request_counts(run.num)
    code = exit_code(run, counts)
    recorded = view.reported_events(run.id)
    events = deeds(recorded)
    return RunSummary(
        run=run.id,
        source=SourceFacts(run.source_name, run.source_sha256, run.source_bytes, run.rows),
        started_at=run.started_at,
        ended_at=run.ended_at or now(),
        outcomes={outcome.value: rows for outcome, rows in counts.tally.outcomes.items()},
        identity_holds=counts.tally.holds(run.rows),
        batches=_tallies(view, run, counts),
        codes=dict(counts.codes.most_common()),
        requests=Requests(sent, retried, round(run.seconds, 3)),
        exit_code=code,
        settings=run.settings,
        version=run.version,
        user=run.user,
        host=run.host,
        warnings=run.notes,
        reading=run.reading,
        sheet_names=sheet_names(run),
        next_command=next_command(run, counts, code, again),
        target=run.target,
        action=run.action,
        undoes=run.undoes,
        user_claimed=run.user_claimed,
        events=[event.document() for event in events],
        comments=comments(events),
        release=release_of(events),
        corrections=corrections_of(recorded, sheet_names(run)),
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
        return Exit.FAULT
    if run.state == RunState.STOPPED and run.exit_code is not None:
        return run.exit_code
    return counts.tally.exit_code(counts.skipped_for_product)


def next_command(run: Run, counts: Counts, code: int, again: str) -> str:
    """The whole command that goes on from here, to the same target; empty where nothing is left to do."""
    again = f"{' --sandbox' if is_sandbox(run.target) else ''}{again}"
    tally: Mapping[str, int] = {outcome.value: rows for outcome, rows in counts.tally.outcomes.items()}
    if counts.pending:
        return f"importer resume {run.id}{again}"
    if tally["refused"] or tally["unknown"] or tally["unsent"]:
        return f"importer retry {run.id}{again}"
    if code == Exit.FAULT:
        return f"importer verify {run.id}"
    return ""


def in_words(facts: RunSummary, language: Language) -> RunSummary:
    """The same for a report in a language: what was remarked on the reading as sentences."""
    remarks = [language.remark(Message.of(part)) for part in facts.reading.get("remarks", ())]
    return replace(facts, reading={**facts.reading, "remarks": remarks}, language=language.tag)
