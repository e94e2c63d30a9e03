"""What a person has corrected in a list that stays as it is: kept with the options, laid over the rows as they are
read, and over the list when it is given back.

An edit is known by the row's key (tables.py) as text, and holds the values of the four roles, `left_out` for a row that
is not to be sent, or `confirmed` where a person vouches for what stands in a cell that may be damaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import Reading, Reject
from importer.rows.tables import ROLES, ROWS, ErrorValue, Original, OriginalSheet, Rows, Source
from importer.sources.workbook_rows import text_of

Edit = Mapping[str, str]
_SHEET_KEY = 32
_VOUCHED = frozenset(
    {f"{role}_{what}_cell" for role in ROLES for what in ("numeric", "date")}
    | {"boolean_cell", "row_width", "total_row"}
)
LEFT_OUT = Reject("left_out")


class Edited:
    """A `Source` (see tables.py) with corrections."""

    def __init__(self, source: Source, edits: Mapping[str, Edit]) -> None:
        self._source = source
        self._edits = {int(key): edit for key, edit in edits.items()}
        self._keys = np.array(sorted(self._edits), np.int64)

    @property
    def reading(self) -> Reading:
        return self._source.reading

    @property
    def sheet_names(self) -> Sequence[str]:
        return self._source.sheet_names

    def __iter__(self) -> Iterator[Rows]:
        for rows in self._source:
            hits = np.flatnonzero(np.isin(rows.table["key"].to_numpy(), self._keys))
            yield correct(rows, hits.tolist(), self._edits) if len(hits) else rows


def correct(rows: Rows, places: Sequence[int], all_edits: Mapping[int, Edit]) -> Rows:
    """Rows with the edits of those at these places, each of which has one."""
    table, faults = rows.table, dict(rows.faults)
    edits = [all_edits[key] for key in table["key"].take(pa.array(places)).to_pylist()]
    texts = {role: table[role].take(pa.array(places)).to_pylist() for role in ROLES}
    columns = {role: _laid_over(table[role], role, places, edits) for role in ROLES}
    for at, (place, edit) in enumerate(zip(places, edits, strict=True)):
        fault = LEFT_OUT if edit.get("left_out") else faults.pop(place, None)
        before = {role: texts[role][at] for role in ROLES}
        if fault and (fault is LEFT_OUT or not _settles(edit, before, fault)):
            faults[place] = fault
    arrays = [table["key"].combine_chunks(), *columns.values()]
    return Rows(pa.table(arrays, schema=ROWS), faults, rows.notes)


def _laid_over(column: Any, role: str, places: Sequence[int], edits: Sequence[Edit]) -> Any:
    changed = [(place, edit[role]) for place, edit in zip(places, edits, strict=True) if role in edit]
    column = column.combine_chunks()
    if not changed:
        return column
    mask = np.zeros(len(column), np.bool_)
    mask[[place for place, _ in changed]] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array([value for _, value in changed], pa.string()))


def corrected(original: Original, edits: Mapping[str, Edit]) -> Original:
    """The list with its corrections in place, so that it can be imported as it is: a row that was left out is empty."""
    return replace(
        original, sheets=[_corrected_sheet(sheet, edits, len(original.headers)) for sheet in original.sheets]
    )


def _corrected_sheet(sheet: OriginalSheet, edits: Mapping[str, Edit], width: int) -> OriginalSheet:
    if sheet.number is None:
        return sheet
    base = sheet.number << _SHEET_KEY

    def rows() -> Iterator[tuple[int, Sequence[Any]]]:
        for row, cells in sheet.rows():
            edit = edits.get(str(base | row))
            if edit is None:
                yield row, cells
            elif edit.get("left_out"):
                yield row, []
            else:
                yield row, _corrected_cells(cells, sheet.positions_at(row), edit, width)

    return replace(sheet, rows=rows)


def _corrected_cells(cells: Sequence[Any], positions: Mapping[str, int], edit: Edit, width: int) -> list[Any]:
    """Of a text row with too many fields only what was entered by hand: the others stand in no certain column."""
    found = list(cells) if not width or len(cells) <= width else [""] * width
    found += ["" if width else None] * (max(width, max(positions.values()) + 1) - len(found))
    for role, place in positions.items():
        if role in edit:
            found[place] = edit[role]
        elif edit.get("confirmed") and not isinstance(found[place], str | ErrorValue | None):
            found[place] = text_of(found[place])
    return found


def _settles(edit: Edit, before: Edit, fault: Reject) -> bool:
    """Whether an edit answers what was wrong: the cell at fault was changed, or a person vouches for it. Of a row that
    came back rejected, any cell.
    """
    if edit.get("confirmed") and can_be_vouched_for(fault.code):
        return True
    changed = {role for role in ROLES if edit.get(role, before[role]) != before[role]}
    return fault.role in changed if fault.role and "returned" not in fault.values else bool(changed)


def can_be_vouched_for(code: str) -> bool:
    """Whether a person's word settles a problem: the value may be right although its cell or its row is doubtful. A
    value whose digits are lost is never right.
    """
    return code in _VOUCHED
