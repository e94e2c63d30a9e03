"""summary.json: a run in figures, for scripts. Its keys are public (CONTRACT, "The report")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from importer.model import Outcome
from importer.reports.facts import BatchTally, Facts

_NAMES = tuple(outcome.value for outcome in Outcome)


def summary_json(facts: Facts) -> bytes:
    """The document, indented, UTF-8. All seven outcomes are in it, zeros included."""
    document = {
        "run": facts.run,
        "source": asdict(facts.source),
        "started_at": facts.started_at,
        "ended_at": facts.ended_at,
        "outcomes": all_seven(facts.outcomes),
        "identity_holds": facts.identity_holds,
        "batches": [_batch(tally) for tally in facts.batches],
        "codes": dict(facts.codes),
        "warnings": dict(facts.warnings),
        "requests": asdict(facts.requests),
        "exit_code": facts.exit_code,
        "next_command": facts.next_command,
        "reading": dict(facts.reading),
        "settings": dict(facts.settings),
        "version": facts.version,
        "user": facts.user,
        "host": facts.host,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def all_seven(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by outcome in the contract's order, zeros included."""
    return {outcome: counts.get(outcome, 0) for outcome in _NAMES}


def _batch(tally: BatchTally) -> dict[str, Any]:
    batch = tally.batch
    return {"gtin": batch.gtin, "batch": batch.batch, "expiry_date": batch.expiry, **all_seven(tally.outcomes)}
