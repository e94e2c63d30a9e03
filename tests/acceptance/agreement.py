"""Holds a report against what the sandbox has really taken, serial by serial."""

from __future__ import annotations

from collections.abc import Iterator

from boxes import Box
from readback import Line, Report

from importer.sandbox import Entry

FAST = {
    "IMPORTER_LIMITS__CHUNK_SIZE": "4",
    "IMPORTER_LIMITS__BACKOFF_SECONDS": "0.01",
    "IMPORTER_LIMITS__MAX_FAILURE_PERCENT": "0",
    "IMPORTER_LIMITS__PATIENCE_MINUTES": "0.1",
    "IMPORTER_REPORT__FORMATS": "csv",
}
"""Small requests, and no time lost between attempts."""
IMPATIENT = {"IMPORTER_API__TIMEOUT_SECONDS": "0.4"}
PATIENT = {"IMPORTER_API__TIMEOUT_SECONDS": "1.5"}
"""Where an answer that is late on a busy machine would change the outcome."""


def differences(box: Box, report: Report) -> list[str]:
    """What the report claims without proof, denies although it is so, or leaves out."""
    entries = box.ledger()
    lines = {(line.gtin, line.serial): line for line in report.lines if line.outcome != "duplicate"}
    found = [
        f"{key} was taken and is in no row" for key, entry in entries.items() if _taken(entry) and key not in lines
    ]
    for key, line in lines.items():
        found += [f"{key} is {line.outcome} ({line.code}): {text}" for text in _wrong(line, entries.get(key))]
    return found


def _taken(entry: Entry | None) -> bool:
    return entry is not None and entry.commissioned > 0


def _wrong(line: Line, entry: Entry | None) -> Iterator[str]:
    if line.outcome == "assigned":
        if entry is None or not entry.commissioned:
            yield "it was never taken"
        elif (entry.batch, entry.expiry, entry.conflicts) != (line.batch, line.expiry, 0):
            yield f"it was taken as {entry}"
    elif line.outcome == "rejected" and entry is not None and line.code != "conflict_with_run":
        yield "it was sent"
    elif (line.outcome == "unsent" and _taken(entry)) or (
        line.outcome == "refused" and line.code != "already_exists" and _taken(entry)
    ):
        yield "it was taken"


def unproven(box: Box, report: Report) -> list[str]:
    """Serials that are reported as assigned, though no answer that came whole called them so."""
    entries = box.ledger()
    lines = [line for line in report.assigned if line.outcome == "assigned"]
    return [line.serial for line in lines if not entries[line.gtin, line.serial].confirmed]
