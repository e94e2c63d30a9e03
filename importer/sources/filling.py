"""Values that stand once for many rows: given for the whole list, or repeated down from the row above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import Reject
from importer.rows.tables import ROLES, ROWS
from importer.sources.headers import fold
from importer.sources.layout import Layout
from importer.sources.noise import TOTALS
from importer.sources.options import SourceOptions


class Filling:
    """Fills one list's columns, batch by batch, in order."""

    def __init__(self, layout: Layout, options: SourceOptions) -> None:
        self._given = {r: v for r, v in layout.given.items() if r not in layout.positions}
        self._down = {r: "" for r in ROLES[1:] if options.fill_down and r in layout.positions}

    def say(self, said: Mapping[str, str]) -> None:
        """From here on these values count, which stand between the rows."""
        self._given.update({role: value for role, value in said.items() if role in self._given})

    def fill(self, table: Any, faults: Mapping[int, Reject]) -> tuple[Any, dict[int, Reject]]:
        """A row that only repeats what stands elsewhere must not turn a total below the list into a serial."""
        found = dict(faults)
        if not self._given and not self._down:
            return table, found
        for role, value in self._given.items():
            table = _replaced(table, role, pa.repeat(value, table.num_rows))
        for role in self._down:
            table = self._fill_down(table, role)
        for i, serial in _short(table["serial"]):
            if fold(serial) in TOTALS:
                found.setdefault(i, Reject("total_row", "serial", {"value": serial.strip()}))
        return table, found

    def _fill_down(self, table: Any, role: str) -> Any:
        column = table[role].combine_chunks()
        empty = pc.equal(pc.utf8_trim_whitespace(column), "")
        if table.num_rows == 0:
            return table
        filled = pc.fill_null_forward(pc.if_else(empty, pa.scalar(None, pa.string()), column))
        filled = pc.fill_null(filled, self._down[role])
        self._down[role] = filled[-1].as_py()
        return _replaced(table, role, filled)


def _replaced(table: Any, role: str, column: Any) -> Any:
    return table.set_column(ROWS.get_field_index(role), ROWS.field(role), column)


def _short(serials: Any) -> list[tuple[int, str]]:
    """The serials that are words without a digit, the only ones that could be a total."""
    words = pc.match_substring_regex(serials, r"^\D{1,40}$").to_numpy(zero_copy_only=False)
    return [(int(i), serials[int(i)].as_py()) for i in np.flatnonzero(words)]
