"""Rows of native cells into `Rows`: texts by whole columns, faults where a column is not all text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.model import Reject
from importer.rows.tables import ROLES, ROWS, Rows
from importer.sources.cells import fault_of, merged, missing_value, text_of
from importer.sources.filling import Filling
from importer.sources.layout import Layout
from importer.sources.options import SourceOptions
from importer.sources.sheet_xml import SheetFacts

Merges = Sequence[tuple[tuple[int, int], tuple[int, int]]]


class Grid:
    """Turns one sheet's cells into rows, some ten thousand at a time, in order. `left` is the sheet's first column."""

    def __init__(
        self, number: int, layout: Layout, facts: SheetFacts, merges: Merges, left: int, options: SourceOptions
    ) -> None:
        self._base = number << 32
        self._positions = layout.positions
        self._serial = layout.positions["serial"]
        self._missing = facts.missing
        self._filling = Filling(layout, options)
        role_at = {left + p: role for role, p in layout.positions.items()}
        self._role_at = role_at
        self._merges = [
            (role_at[a[1]], a[0] + 1, b[0] + 1)
            for a, b in merges
            if a[1] in role_at and b[0] > a[0] and not (options.fill_down and role_at[a[1]] != "serial")
        ]

    def rows(self, first: int, cells: Sequence[Sequence[Any]]) -> Rows:
        """`first` is the number of the first of these rows."""
        missing = self._missing_among(first, len(cells))
        kept = [i for i, row in enumerate(cells) if self._has_serial(row) or _has_content(row) or i in missing]
        count = len(cells)
        if len(kept) < count:
            cells = [cells[i] for i in kept]
        faults: dict[int, Reject] = {}
        notes: dict[str, npt.NDArray[np.bool_]] = {}
        keys = np.array(kept, np.int64) + (self._base + first)
        table = pa.table([pa.array(keys), *(self._column(r, cells, faults, notes) for r in ROLES)], schema=ROWS)
        place = {i: at for at, i in enumerate(kept)} if missing or self._merges else {}
        for i, (role, what) in missing.items():
            faults.setdefault(place[i], missing_value(role, what))
            table = _with_text(table, place[i], role, what)
        self._add_merged(first, count, place, faults, table)
        table, faults = self._filling.fill(table, faults)
        return Rows(table, faults, notes)

    def _has_serial(self, row: Sequence[Any]) -> bool:
        value = row[self._serial]
        return type(value) is str and value != "" and not value.isspace()

    def _missing_among(self, first: int, count: int) -> dict[int, tuple[str, str]]:
        """The first cell without a value in each of these rows, in the order of the roles."""
        found: dict[int, tuple[str, str]] = {}
        for (row, column), what in self._missing.items():
            role = self._role_at.get(column)
            at = row - first
            if role and 0 <= at < count and (at not in found or ROLES.index(role) < ROLES.index(found[at][0])):
                found[at] = (role, what)
        return found

    def _column(
        self,
        role: str,
        cells: Sequence[Sequence[Any]],
        faults: dict[int, Reject],
        notes: dict[str, npt.NDArray[np.bool_]],
    ) -> Any:
        if role not in self._positions:
            return pa.repeat("", len(cells))
        position = self._positions[role]
        values = [row[position] for row in cells]
        try:
            return pa.array(values, pa.string())
        except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
            return self._mixed(role, values, faults, notes)

    def _mixed(
        self, role: str, values: list[Any], faults: dict[int, Reject], notes: dict[str, npt.NDArray[np.bool_]]
    ) -> Any:
        seen: dict[tuple[type, Any], tuple[str, Reject | None]] = {}
        trusted = np.zeros(len(values), np.bool_)
        for i, value in enumerate(values):
            kind = type(value)
            if kind is str:
                continue
            if (kind, value) not in seen:
                seen[kind, value] = text_of(value), fault_of(role, value)
            values[i], fault = seen[kind, value]
            if fault:
                faults.setdefault(i, fault)
            elif role == "gtin":
                trusted[i] = True
        if trusted.any():
            notes["gtin_from_number"] = trusted
        return pa.array([_encodable(v) for v in values], pa.string())

    def _add_merged(self, first: int, count: int, place: dict[int, int], faults: dict[int, Reject], table: Any) -> None:
        for role, top, bottom in self._merges:
            for row in range(max(top + 1, first), min(bottom, first + count - 1) + 1):
                at = place.get(row - first)
                if at is not None and not table[role][at].as_py().strip():
                    faults.setdefault(at, merged(role, top, bottom))


def _has_content(row: Sequence[Any]) -> bool:
    return any(not isinstance(v, str) or (v and not v.isspace()) for v in row)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _with_text(table: Any, at: int, role: str, text: str) -> Any:
    values = table[role].to_pylist()
    values[at] = text
    return table.set_column(ROWS.get_field_index(role), ROWS.field(role), pa.array(values, pa.string()))
