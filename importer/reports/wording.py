"""How outcomes look and what they mean, in a planner's words; shared by the workbook and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from importer.model import Outcome


@dataclass(frozen=True, slots=True)
class Look:
    """One outcome for people. Colours are `#rrggbb`, readable on white (`ink` on `paper`: 4.5 to 1 or better)."""

    label: str
    meaning: str
    ink: str
    paper: str


LOOKS: Mapping[str, Look] = {
    Outcome.ASSIGNED: Look("Assigned", "The API answered Assigned for it in this run.", "#116329", "#d7f0dd"),
    Outcome.ALREADY_ASSIGNED: Look(
        "Already assigned",
        "An earlier run has it assigned, with the same batch and expiry: not sent again.",
        "#0b5a66",
        "#d0edf2",
    ),
    Outcome.DUPLICATE: Look(
        "Duplicate", "It repeats an earlier row of this list: sent once, for that row.", "#424a53", "#e4e8ec"
    ),
    Outcome.REJECTED: Look("Rejected", "It failed a check of the importer: not sent.", "#9b1c12", "#fbdcd8"),
    Outcome.REFUSED: Look("Refused", "It was sent, and the API refused it.", "#8a3800", "#fde2cc"),
    Outcome.UNKNOWN: Look("Unknown", "It was sent, and no answer says what became of it.", "#5a32a3", "#e8dff8"),
    Outcome.UNSENT: Look("Unsent", "It is right, and was not sent.", "#6b5200", "#faeebc"),
}

ASSIGNED_MEANS = (
    "Assigned means that the serial is registered in the tenant's pool and can't be given out again. It does not mean "
    "that the pack was reported to a market: a person does that in the console afterwards. A serial that was made "
    "elsewhere can't be released again, only decommissioned."
)

_BY_OUTCOME: Mapping[str, str] = {
    Outcome.REJECTED: "Correct these rows in not_assigned.csv and import it: what the importer added is ignored.",
    Outcome.REFUSED: "Settle the cause that the API names, then run the retry command: only these rows are sent again.",
    Outcome.UNKNOWN: "Look them up in the console (pack history), or run the retry command: it sends them again.",
    Outcome.UNSENT: "Nothing is wrong with these rows: `importer resume` or `retry` sends them.",
    Outcome.DUPLICATE: "Nothing to do here: the row that comes first decides.",
}
_BY_CODE: Mapping[str, str] = {
    "product_not_registered": "Register the product in the console, then retry: all serials of that GTIN wait for it.",
    "first_row_not_assigned": "Settle the row that comes first; these rows repeat it and share its fate.",
}


def tip(code: str, outcome: str) -> str:
    """What a planner does about rows with this code."""
    return _BY_CODE.get(code) or _BY_OUTCOME.get(outcome, "")
