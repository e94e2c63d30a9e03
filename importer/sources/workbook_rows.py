"""Rows of native cells into `Rows`: texts by whole columns, faults where a column is not all text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.model import Reject
from importer.rows.tables import ROLES, ROWS, Rows, joined, key_of
from importer.sources.filling import Filling
from importer.sources.layout import Layout, noise_in, twins_differ
from importer.sources.noise import Found, NoiseCount
from importer.sources.options import SourceOptions
from importer.sources.returning import Returning
from importer.sources.sheet_xlsx import SheetFacts

Merges = Sequence[tuple[tuple[int, int], tuple[int, int]]]


_DIGITS = {"gtin": (re.compile("[0-9]{4}"), 10**7), "expiry": (re.compile("[0-9]{2}"), 1000)}
"""What a text in this column holds if the row is a pack, and the least number in it."""
_PLAIN = 6
"""Digits of an expiry; a GTIN has more."""
_NO_CODE = re.compile(r"^[^0-9]*$|[ :|]")
Months = Callable[[], npt.NDArray[np.int64]]
"""Gives the numbers of the rows whose expiry is a date cell that shows only a month; asked for once, where there are
dates.
"""


def no_months() -> npt.NDArray[np.int64]:
    return np.empty(0, np.int64)


class Grid:
    """Turns one sheet's cells into rows, some ten thousand at a time, in order. `left` is the sheet's first column."""

    def __init__(
        self,
        number: int,
        layout: Layout,
        facts: SheetFacts,
        merges: Merges,
        left: int,
        options: SourceOptions,
        months: Months = no_months,
    ) -> None:
        self._months = cache(months)
        self._sheet = number
        self._layout = layout
        self._missing = facts.missing
        self._filling = Filling(layout, options)
        self._fill_down = options.fill_down
        self._left = left
        self._all_merges = merges
        self._noise = noise_in(layout, options)
        self.noise = NoiseCount()
        self.returning = Returning(layout.headers, options.accept)
        self._use(layout.positions)

    def _use(self, positions: Mapping[str, int]) -> None:
        """The columns from here on."""
        self._positions = positions
        self._serial = positions["serial"]
        self._proof = next((role for role in _DIGITS if role in positions), None)
        self._role_at = role_at = {self._left + p: role for role, p in positions.items()}
        self._merges = [
            (role_at[a[1]], a[0] + 1, b[0] + 1)
            for a, b in self._all_merges
            if a[1] in role_at and b[0] > a[0] and not (self._fill_down and role_at[a[1]] != "serial")
        ]

    def rows(self, first: int, cells: Sequence[Sequence[Any]]) -> Rows:
        """`first` is the number of the first of these rows. What a header among them changes counts for the next."""
        parts = []
        begin = 0
        while True:
            end, noise, change = self._next_piece(first, cells, begin)
            parts.append(self._plain_rows(first + begin, cells[begin:end], noise))
            if change is None:
                return joined(parts)
            self._use(change.positions or self._positions)
            self._filling.say(change.said or {})
            begin = end

    def _next_piece(self, first: int, cells: Sequence[Sequence[Any]], begin: int) -> tuple[int, set[int], Found | None]:
        """Where the rows end that have the same columns, those among them that are no packs, and what comes then."""
        noise: set[int] = set()
        for i, found in self._noise.find(self._suspects(cells, begin)):
            self.noise.add(found.noise, str(first + i))
            noise.add(i - begin)
            if found.positions or found.said:
                return i + 1, noise, found
        return len(cells), noise, None

    def _suspects(self, cells: Sequence[Sequence[Any]], begin: int) -> Iterator[tuple[int, list[str]]]:
        """Rows that may be no packs: without a GTIN, or an expiry, where the list has a column for it."""
        at = self._serial if self._proof is None else self._positions[self._proof]
        for i in range(begin, len(cells)):
            value = cells[i][at]
            if type(value) is str and len(value) >= _PLAIN and value.isdigit():  # nearly all: 50 ns a row
                continue
            if self._proof and _holds(self._proof, value):
                continue
            serial = cells[i][self._serial]
            if value == "" and type(serial) is str and not _NO_CODE.search(serial):
                continue
            yield i, [text_of(v) for v in cells[i]]

    def _plain_rows(self, first: int, cells: Sequence[Sequence[Any]], noise: Collection[int]) -> Rows:
        missing = self._missing_among(first, len(cells))
        kept = [i for i, row in enumerate(cells) if self._has_serial(row) or _has_content(row) or i in missing]
        if noise:
            kept = [i for i in kept if i not in noise]
            missing = {i: what for i, what in missing.items() if i not in noise}
        count = len(cells)
        if len(kept) < count:
            cells = [cells[i] for i in kept]
        faults: dict[int, Reject] = {}
        notes: dict[str, npt.NDArray[np.bool_]] = {}
        numbers = np.array(kept, np.int64) + first
        keys = numbers + key_of(self._sheet, 0)
        columns = [self._column(r, cells, numbers, faults, notes) for r in ROLES]
        table = pa.table([pa.array(keys), *columns], schema=ROWS)
        place = {i: at for at, i in enumerate(kept)} if missing or self._merges else {}
        for i, (role, what) in missing.items():
            faults.setdefault(place[i], missing_value(role, what))
            table = _with_text(table, place[i], role, what)
        self._add_merged(first, count, place, faults, table)
        self._add_twins(cells, faults)
        table, faults = self._filling.fill(table, faults)
        if self.returning:
            said = ((int(key), self.returning.fields(row)) for key, row in zip(keys, cells, strict=True))
            faults = self.returning.held(table, faults, {key: found for key, found in said if found})
        return Rows(table, faults, notes)

    def _add_twins(self, cells: Sequence[Sequence[Any]], faults: dict[int, Reject]) -> None:
        """Rows in which two columns of one name say different things."""
        for role, twins in self._layout.twins.items():
            own = self._positions[role]
            for twin in twins:
                for i, row in enumerate(cells):
                    if row[own] != row[twin] and (other := text_of(row[twin]).strip()):
                        here = text_of(row[own]).strip()
                        if here != other:
                            faults.setdefault(i, twins_differ(role, (own, twin), (here, other)))

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
        numbers: npt.NDArray[np.int64],
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
            if role == "expiry" and any(isinstance(value, dt.date) for value in values):
                values = self._with_months(values, numbers)
            return self._mixed(role, values, faults, notes)

    def _with_months(self, values: list[Any], numbers: npt.NDArray[np.int64]) -> list[Any]:
        """Leave of a date what its cell shows, where that is a month and a year: 2027-11."""
        months = np.isin(numbers, self._months())
        pairs = zip(values, months.tolist(), strict=True)
        return [f"{value:%Y-%m}" if month and isinstance(value, dt.date) else value for value, month in pairs]

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


def _holds(role: str, value: Any) -> bool:
    """Whether a cell holds what a row that is a pack has there, however it is written."""
    digits, least = _DIGITS[role]
    if isinstance(value, str):
        return digits.search(value) is not None
    return not isinstance(value, (int, float)) or isinstance(value, bool) or value >= least


def _has_content(row: Sequence[Any]) -> bool:
    return any(not isinstance(v, str) or (v and not v.isspace()) for v in row)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _with_text(table: Any, at: int, role: str, text: str) -> Any:
    values = table[role].to_pylist()
    values[at] = text
    return table.set_column(ROWS.get_field_index(role), ROWS.field(role), pa.array(values, pa.string()))


# What one spreadsheet cell says: its text, and why it can't be trusted where a spreadsheet may have damaged it.
# Pure; one cell at a time. What is text in the sheet is never looked at here.
EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; from here on the last ones may have become zeros."""

_DAY = 24 * 3600 * 1000


def text_of(value: object) -> str:
    """A cell's value as text: a date as 2027-11-30, with its time if it has one; a whole number as its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return str(int(value)) if _is_whole(value) and abs(value) < EXACT else f"{value:.15G}"
    if isinstance(value, dt.datetime):
        return moment_text(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def moment_text(moment: dt.datetime) -> str:
    """A date where the time is midnight, give or take the millisecond by which a fraction of a day may be off."""
    after = (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)) / dt.timedelta(milliseconds=1)
    if after <= 1:
        return moment.date().isoformat()
    if after >= _DAY - 1 and moment.date() < dt.date.max:
        return (moment.date() + dt.timedelta(days=1)).isoformat()
    return moment.isoformat(" ", "milliseconds" if moment.microsecond else "seconds")


def fault_of(role: str, value: object) -> Reject | None:
    """Why a cell of this role can't be used as it stands."""
    if isinstance(value, bool):
        return Reject("boolean_cell", role, {"value": text_of(value)})
    if isinstance(value, (int, float)):
        return _number_fault(role, value)
    if isinstance(value, dt.datetime | dt.date) and role == "expiry":
        return None
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        case = {"case": "time"} if isinstance(value, dt.time | dt.timedelta) else {}
        return Reject(f"{role}_date_cell", role, {"value": text_of(value), **case})
    return None


def _number_fault(role: str, value: float) -> Reject | None:
    if role == "expiry":
        return None
    if not _is_whole(value) or abs(value) >= EXACT:
        return Reject(f"{role}_digits_lost", role, {"value": text_of(value)})
    return None if role == "gtin" else Reject(f"{role}_numeric_cell", role, {"value": text_of(value)})


def missing_value(role: str, what: str) -> Reject:
    """The fault of a cell that shows `what`, such as #N/A, or holds a formula without a value (`what` is empty)."""
    if what:
        return Reject("error_cell", role, {"error": what})
    return Reject("formula_without_value", role)


def merged(role: str, first: int, last: int) -> Reject:
    """The fault of a cell that is merged with the one above."""
    return Reject("merged_cell", role, {"first": first, "last": last})


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()
