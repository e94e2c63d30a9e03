"""What a report is told beside its rows, and what its writer hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from importer.model import OUTCOMES, Action, Batch, is_sandbox


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The list that was imported: its file name, SHA-256 (hex), size in bytes and number of data rows."""

    name: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of the run: `sent` counts every attempt, `retried` those that repeat one; `seconds` is wall time."""

    sent: int = 0
    retried: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchTally:
    """The rows of one batch, counted by outcome. An outcome that is not in `outcomes` counts 0."""

    batch: Batch
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All that summary.json holds, and what report.xlsx and report.html show of it.

    Times are ISO 8601 in UTC. `settings` is shown as it is: the caller leaves the secrets out. `warnings` counts
    rows by the code of a note; such a row was still sent. `reading` says how the list was read (format,
    encoding, sheets, remarks). `next_command` goes on from here; it is empty where nothing is left to do.
    """

    run: str
    source: SourceFacts
    started_at: str
    ended_at: str
    outcomes: Mapping[str, int]
    identity_holds: bool
    batches: Sequence[BatchTally]
    codes: Mapping[str, int]
    requests: Requests
    exit_code: int
    settings: Mapping[str, Any]
    version: str
    user: str
    """Who began it, as the system says; on the page the one who logged in."""
    host: str
    warnings: Mapping[str, int] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    language: str = "en"
    sheet_names: Sequence[str] = ()
    next_command: str = ""
    target: str = ""
    """Where the run goes, as the ledger keeps it (config/target.py)."""
    action: Action = Action.COMMISSION
    undoes: str = ""
    """Id of the run that it takes back."""
    user_claimed: str = ""
    """Who began it, as the environment claimed."""
    events: Sequence[Mapping[str, Any]] = ()
    """Who did what with it and its list, up to the end that is reported."""
    comments: Sequence[Mapping[str, str]] = ()
    """What people wrote, as they wrote it."""
    corrections: Sequence[Mapping[str, Any]] = ()
    """What was corrected and accepted on the page, a cell each, as corrections.csv has it."""
    release: Mapping[str, Any] = field(default_factory=dict)
    """Who uploaded, changed and released it, when, and what that person saw; empty if nobody released it."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file as the manifest knows it. `rows` is None for a file that is no list."""

    name: str
    size: int
    rows: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """A finished report. `outcomes` and `codes` were counted from the rows that went in, not taken from the facts:
    a caller that holds the two against each other has proved the identity for the files.
    """

    files: tuple[FileEntry, ...]
    outcomes: Mapping[str, int]
    codes: Mapping[str, int]


# summary.json: a run in figures, for scripts. Its keys are public (CONTRACT, "The report").


def summary_json(facts: RunSummary) -> bytes:
    """The document, indented, UTF-8. All seven outcomes are in it, zeros included."""
    document = {
        "run": facts.run,
        "action": facts.action.value,
        "undoes": facts.undoes,
        "source": asdict(facts.source),
        "started_at": facts.started_at,
        "ended_at": facts.ended_at,
        "outcomes": all_seven(facts.outcomes, facts.action),
        "identity_holds": facts.identity_holds,
        "batches": [_batch(tally, facts.action) for tally in facts.batches],
        "codes": dict(facts.codes),
        "warnings": dict(facts.warnings),
        "requests": asdict(facts.requests),
        "exit_code": facts.exit_code,
        "next_command": facts.next_command,
        "reading": dict(facts.reading),
        "settings": dict(facts.settings),
        "target": facts.target,
        "sandbox": is_sandbox(facts.target),
        "version": facts.version,
        "user": facts.user,
        "user_claimed": facts.user_claimed,
        "host": facts.host,
        "corrections": len(facts.corrections),
        "release": dict(facts.release),
        "events": list(facts.events),
        "comments": list(facts.comments),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def all_seven(counts: Mapping[str, int], action: Action = Action.COMMISSION) -> dict[str, int]:
    """Counts by outcome in the contract's order, zeros included."""
    return {outcome.value: counts.get(outcome.value, 0) for outcome in OUTCOMES[action]}


def _batch(tally: BatchTally, action: Action) -> dict[str, Any]:
    batch = tally.batch
    return {"gtin": batch.gtin, "batch": batch.batch, "expiry_date": batch.expiry, **all_seven(tally.outcomes, action)}
