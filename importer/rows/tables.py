"""The shapes in which rows travel between the parts: as columns, some ten thousand rows at a time.

A row is known by its `key`, which holds the index of its sheet and its row in the source, as a spreadsheet numbers it.
Keys rise in the order of the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.model import Batch, Reading, Reject

_ROW_BITS = 32
MOST_ROWS = 1 << _ROW_BITS
"""Of a sheet, the row 0 included."""

N = TypeVar("N", int, npt.NDArray[np.int64])


def key_of(sheet: N, row: N) -> N:
    """The key of a row of the sheet with this index; or of many, each of its own."""
    return (sheet << _ROW_BITS) | row


def row_of(key: N) -> N:
    """The row in its sheet, as a spreadsheet numbers it."""
    return key & (MOST_ROWS - 1)


def sheet_of(key: N) -> N:
    """The index of the sheet among those that the source was read from."""
    return key >> _ROW_BITS


def sheet_name(key: int, sheet_names: Sequence[str]) -> str:
    """The name of a row's sheet; empty where the source was read from one list only."""
    return sheet_names[sheet_of(key)] if len(sheet_names) > 1 else ""


ROLES = ("serial", "gtin", "batch", "expiry")

ROWS = pa.schema(
    [
        ("key", pa.int64()),
        ("serial", pa.string()),
        ("gtin", pa.string()),
        ("batch", pa.string()),
        ("expiry", pa.string()),
    ]
)
"""Rows as read: text, never null ("" is an empty cell). Blank rows are not among them."""

REJECTS = pa.schema([*ROWS, ("code", pa.string()), ("details", pa.string())])
"""Rejected rows: the values as read, and why: a message as `words.recording` keeps it."""

_FEW = pa.dictionary(pa.int32(), pa.string())

OUTCOMES = pa.schema(
    [
        ("key", pa.int64()),
        ("serial", pa.string()),
        ("gtin", _FEW),
        ("batch", _FEW),
        ("expiry", _FEW),
        ("outcome", _FEW),
        ("code", _FEW),
        ("role", _FEW),
        ("message", _FEW),
        ("chunk", _FEW),
        ("attempts", _FEW),
        ("recorded_at", _FEW),
        ("good", pa.bool_()),
    ]
)
"""Rows with their outcome, in source order. No value stands twice in a dictionary. `role` is the cell that the message
blames, if any. `chunk` is "" for a row that is in
none. `good` says in which file a row stands: assigned.csv (assigned, already_assigned and their duplicates) or
not_assigned.csv."""

Notes = Mapping[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a source: `table` has the schema ROWS. `faults` are rows that the source itself rejects (a ragged
    record, a damaged cell), by position in `table`. `notes` tells by code of repair or warning which rows have it.
    """

    table: Any
    faults: Mapping[int, Reject] = field(default_factory=dict)
    notes: Notes = field(default_factory=dict)

    def noted_in(self, keys: Any) -> Mapping[str, int]:
        """How many of the rows with these keys have each note."""
        if not self.notes:
            return {}
        among = np.isin(self.table["key"].to_numpy(), keys.to_numpy())
        return {code: int(np.count_nonzero(mask & among)) for code, mask in self.notes.items()}


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other as one. At least one part."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(part.table.num_rows for part in parts)])
    faults = {at + int(start): f for part, start in zip(parts, starts, strict=False) for at, f in part.faults.items()}
    notes = {
        code: np.concatenate([p.notes.get(code, np.zeros(p.table.num_rows, np.bool_)) for p in parts])
        for code in dict.fromkeys(code for part in parts for code in part.notes)
    }
    return Rows(pa.concat_tables([part.table for part in parts]), faults, notes)


def place_of(key: int, sheet_names: Sequence[str]) -> dict[str, str]:
    """Where a row stands, as a part of a message."""
    row, sheet = str(row_of(key)), sheet_name(key, sheet_names)
    return {"code": "row_of_sheet", "row": row, "sheet": sheet} if sheet else {"code": "row", "row": row}


class Source(Protocol):
    """A list that can be read once from top to bottom. Raises SourceError, on opening or while it is read."""

    @property
    def reading(self) -> Reading: ...

    @property
    def sheet_names(self) -> Sequence[str]:
        """Indexed by the sheet index in a row's key."""
        ...

    def __iter__(self) -> Any:
        """Iterate over `Rows`."""
        ...


# A list as it stands in its file, every row of it, so that it can be written again. Pure; knows no format.
@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What a cell shows that holds an error, such as #N/A."""

    text: str


@dataclass(frozen=True, slots=True)
class OriginalSheet:
    """`number` is the sheet's in a row's key, None where it holds no list. `positions` are the roles' columns, from 0.

    `rows` gives each row that holds anything, with its number, once. Cells are text, numbers, truth values, dates,
    ErrorValue or None; of a text list all are text.
    """

    name: str
    hidden: bool
    number: int | None
    header_row: int
    positions: Mapping[str, int]
    rows: Callable[[], Iterator[tuple[int, Sequence[Any]]]]
    moved: list[tuple[int, Mapping[str, int]]] = field(default_factory=list)
    """Headers further down that name the columns in another order, by row; `rows` adds each before it gives its row."""

    def positions_at(self, row: int) -> Mapping[str, int]:
        """The roles' columns in a row that `rows` has given."""
        return next((there for since, there in reversed(self.moved) if since < row), self.positions)


@dataclass(frozen=True, slots=True)
class Original:
    """`delimiter` is empty for a workbook."""

    sheets: Sequence[OriginalSheet]
    delimiter: str = ""
    headers: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class HeadSheet:
    """The first rows of a sheet as text, row 1 first. `name` is empty for a text list."""

    name: str
    hidden: bool
    rows: Sequence[Sequence[str]]


def conflicting(serial: str, ours: Batch, theirs: Batch) -> dict[str, str]:
    """What a message about a conflict shows of the two batches."""
    return {
        "serial": serial,
        "gtin": ours.gtin,
        "batch": ours.batch,
        "expiry": ours.expiry,
        "other_batch": theirs.batch,
        "other_expiry": theirs.expiry,
    }
