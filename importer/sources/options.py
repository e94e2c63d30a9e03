"""What a user may say about a list before it is read. Knows no format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """`columns` maps a header, or a place such as `#3`, to its role ("": it is not used) and wins over the known names.
    `header_row` is where the header stands, as a spreadsheet numbers it; 0: where it is found. `gtin`, `batch` and
    `expiry` are given once for a list that lacks the column. `sheet` is a name or "all"; `fill_down` repeats a GTIN,
    batch or expiry that stands only in the first row of its block. `edits` are what a person has corrected, row by row
    (corrections.py). `accept` are the codes of suspect values that are right in this list (gs1/suspect.py).
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    gtin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    sheet: str | None = None
    header_row: int = 0
    fill_down: bool = False
    encoding: str | None = None
    date_order: str = ""
    accept: Sequence[str] = ()
    edits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def given(self) -> dict[str, str]:
        """The roles that one value fills for all rows."""
        once = {"gtin": self.gtin, "batch": self.batch, "expiry": self.expiry}
        return {role: value for role, value in once.items() if value is not None}
