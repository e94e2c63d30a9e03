"""What a wrong cell was probably meant to be, so far as it or the rest of its list tells. For people to decide."""

from __future__ import annotations

from collections.abc import Iterable

from importer.gs1.codes import same_value
from importer.gs1.suggestions import looks_like, suggested
from importer.model import Message
from importer.staging.stage import Staging

TWO_EXPIRIES = "batch_two_expiries"


def suggestion(fault: Message, text: str, staging: Staging, gtins: Iterable[str]) -> str | None:
    """What to put in place of a wrong cell that holds `text`. `gtins`: those of right rows. None: it can't be told."""
    checks, today = staging.checks, staging.today
    if fault.code == TWO_EXPIRIES:
        found = most_frequent(fault)
        same = found and same_value("expiry", text, found, today=today, date_order=checks.date_order)
        return None if same else found
    if fault.code == "gtin_check_digit":
        alike = {known for known in gtins if looks_like(text.strip().zfill(len(known)), known)}
        return alike.pop() if len(alike) == 1 else None
    if not fault.role:
        return None
    return suggested(fault.code, fault.role, text, fault.values, today=today, day_00=checks.day_00)


def most_frequent(fault: Message) -> str | None:
    """The expiry that most rows of a batch have; None where two have as many."""
    counts = sorted(((one["n"], one["expiry"]) for one in fault.values.get("expiries", ())), reverse=True)
    return counts[0][1] if len(counts) > 1 and counts[0][0] > counts[1][0] else None
