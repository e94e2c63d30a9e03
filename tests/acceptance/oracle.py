"""Holds a report against the ledger of the sandbox, serial by serial."""

from __future__ import annotations

from boxes import Box
from readback import Report


def disagreements(report: Report, box: Box) -> list[str]:
    """What the report says and the sandbox doesn't bear out, and the other way round; empty where they agree.

    Not for reports with duplicates or `already_assigned` of another sandbox.
    """
    ledger = box.ledger()
    found = []
    for line in report.lines:
        entry = ledger.get((line.gtin, line.serial))
        taken = entry is not None and entry.commissioned > 0
        bears_out = {
            "assigned": entry is not None and taken and entry.confirmed > 0,
            "already_assigned": entry is not None and taken and entry.confirmed > 0,
            "refused": entry is not None and not taken,
            "rejected": entry is None,
            "unsent": not taken,
            "unknown": entry is not None,
        }
        if not bears_out[line.outcome]:
            found.append(f"{line.serial} is {line.outcome} {line.code}, but the sandbox has {entry}")
        if entry and taken and (entry.batch, entry.expiry) != (line.batch, line.expiry):
            found.append(f"{line.serial} went out as {line.batch} {line.expiry}, but the sandbox has {entry}")
    reported = {(line.gtin, line.serial) for line in report.lines}
    found += [f"the sandbox took {key}, which the report doesn't name" for key in box.commissioned() - reported]
    return found
