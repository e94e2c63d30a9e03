"""What the API takes, as types: the OpenAPI document is made from them, too."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

LAST_HEADER = 50
"""The last row that may be said to be the header."""


class ReadingOptions(Struct, frozen=True):
    """How a list is to be read; what is empty is left to the importer."""

    column_serial: str = ""
    column_gtin: str = ""
    column_batch: str = ""
    column_expiry: str = ""
    gtin: str = ""
    batch: str = ""
    expiry: str = ""
    sheet: str = ""
    encoding: str = ""
    date_order: Literal["", "dmy", "mdy"] = ""
    fill_down: bool = False
    columns: Annotated[
        dict[str, Literal["", "serial", "gtin", "batch", "expiry"]] | None,
        Meta(description='By header, or by place as "#3": what the column holds; "": it is not used.'),
    ] = None
    header_row: Annotated[int, Meta(ge=0, le=LAST_HEADER, description="0: where it is found.")] = 0


class Edit(Struct, frozen=True):
    """A correction of a row. One that says nothing takes an older one back."""

    serial: str | None = None
    gtin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    left_out: bool = False
    confirmed: bool = False


Role = Literal["serial", "gtin", "batch", "expiry", "left_out", "confirmed"]


class CellEdit(Struct, frozen=True):
    """A cell as a person wants it: its value; for left_out and confirmed "yes". None: as it was read."""

    key: Annotated[str, Meta(pattern="^[0-9]{1,19}$")]
    role: Role
    value: Annotated[str, Meta(max_length=500)] | None = None


class Edits(Struct, frozen=True):
    """Cells that are corrected together, and taken back together."""

    cells: list[CellEdit]


class Pasted(Struct, frozen=True):
    """A block of cells, as a spreadsheet puts it on the clipboard: into the rows of `keys` from the first one on, then
    into those that follow them among the rows of `kind`; into the column of `role` and those to its right.
    """

    keys: Annotated[list[Annotated[str, Meta(pattern="^[0-9]{1,19}$")]], Meta(min_length=1, max_length=1000)]
    role: Literal["serial", "gtin", "batch", "expiry"]
    table: Annotated[list[list[str]], Meta(max_length=200_000)]
    kind: str = ""


class Fix(Struct, frozen=True):
    """What to do to all rows of a problem at once: an offer, with the value where that was asked for."""

    kind: Literal["fill", "replace", "suggested", "align", "leave_out", "confirm"]
    code: str
    role: Literal["", "serial", "gtin", "batch", "expiry"] = ""
    old: str = ""
    new: Annotated[str, Meta(max_length=500)] = ""
    gtin: str = ""
    batch: str = ""


class Undo(Struct, frozen=True):
    numbers: Annotated[list[int] | None, Meta(description="Of changes; without them all are taken back.")] = None


class WantedRows(Struct, frozen=True):
    """`keys`: those rows, comma separated; else those of a problem from `start` on."""

    kind: Annotated[str, Meta(description='A code, "corrected" or "left_out"; empty: all wrong rows.')] = ""
    start: Annotated[str, Meta(pattern="^[0-9]{0,9}$")] = ""
    keys: str = ""
    wait: str | None = None


class Accepted(Struct, frozen=True):
    """All codes of suspect values that are right in a list: what is not among them is not accepted any more."""

    codes: list[str] = field(default_factory=list)


class Confirmation(Struct, frozen=True):
    seen: Annotated[str, Meta(description="That of the preview that was looked at.")] = ""
    comment: str = ""


class Sends(Struct, frozen=True):
    """What is confirmed of a run that rests and is to send again."""

    serials: Annotated[str, Meta(description="How many were shown; if there are others now, it is refused.")] = ""


class LookedUp(Struct, frozen=True):
    """What a person has looked up for unknown rows: serials, or scanned codes."""

    assigned: list[str] = field(default_factory=list)
    not_assigned: list[str] = field(default_factory=list)
    comment: str = ""


class Patience(Struct, frozen=True):
    wait: Annotated[str | None, Meta(description="Wait up to 10 seconds for the preview.")] = None


class OfProduct(Struct, frozen=True):
    gtin: Annotated[str, Meta(description="Only of this product.")] = ""


class Wanted(Struct, frozen=True):
    """What runs are looked for: parts of names, whole codes, dates as YYYY-MM-DD."""

    file: str = ""
    batch: str = ""
    gtin: str = ""
    person: str = ""
    since: str = field(default="", name="from")
    until: str = field(default="", name="to")
    state: Annotated[str, Meta(description='A state, or "open": what needs attention.')] = ""
    target: Annotated[str, Meta(description='As a run has it; "sandbox": any sandbox.')] = ""
    start: Annotated[str, Meta(pattern="^[0-9]{0,7}$", description="How many of those that fit are left out.")] = ""

    @property
    def first(self) -> int:
        return int(self.start or 0)
