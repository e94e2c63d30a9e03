"""Why a run waits for the API no longer: since when, and what came back last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from importer.api.health import Sign, Trouble
from importer.errors import Unavailable
from importer.model import Answer

_CODES = {
    Sign.BUSY: "api_busy",
    Sign.ABSENT: "api_unreachable",
    Sign.STRANGER: "api_replaced",
}


def gone(trouble: Trouble, moment: float) -> Unavailable:
    """Patience is over at this moment of the trouble's clock."""
    code = _CODES.get(trouble.sign, "api_away")
    return Unavailable(code, waited=round(moment - trouble.since), reason=trouble.last.message)


def too_long(until: float, last: Answer | None) -> Unavailable:
    """It says itself when it takes requests again, later than it is waited for; `until` in seconds since 1970."""
    told: dict[str, Any] = {"case": "told", "reason": last.message} if last and last.message else {}
    return Unavailable("api_holds", until=in_utc(until), **told)


def in_utc(moment: float) -> str:
    """As messages and logs write it: ISO 8601, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
