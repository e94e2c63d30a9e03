"""Rows of the importer's own lists that come back: those that were rejected stay so until a person has changed them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from importer.model import Message, Reject
from importer.rows.returned import COLUMNS, REJECTED, returned
from importer.rows.tables import ROLES
from importer.sources.headers import fold

Said = tuple[str, str, str]
"""What a row has in the columns of the importer's own: outcome, code and message."""


def own_columns(headers: Sequence[str]) -> Mapping[str, int]:
    """Where the importer's own columns stand; empty unless all of them are there, each once."""
    folded = [fold(header) for header in headers]
    if any(folded.count(name) != 1 for name in COLUMNS):
        return {}
    return {name: folded.index(name) for name in COLUMNS}


class Returning:
    """One list; counts the rows that stay rejected."""

    def __init__(self, headers: Sequence[str], accept: Collection[str] = ()) -> None:
        """`accept` are codes that a person has said to be no reason for holding a row back."""
        self._places = own_columns(headers)
        self._accept = accept
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._places)

    def columns(self, columns: Sequence[Any], keys: Any) -> dict[int, Said]:
        """By the row's key, what whole columns of text say of rows that were rejected."""
        outcome, code, message = (columns[self._places[name]] for name in COLUMNS)
        hits = [place for place, value in enumerate(outcome.to_pylist()) if value.strip().lower() == REJECTED]
        return {
            int(keys[place]): (REJECTED, str(code[place]), str(message[place])) for place in hits if str(code[place])
        }

    def fields(self, cells: Sequence[Any]) -> Said | None:
        """The same of one row; None where it was not rejected, or ends too early to say so."""
        found = [str(cells[place]) for place in self._places.values() if place < len(cells)]
        if len(found) < len(COLUMNS) or found[0].strip().lower() != REJECTED:
            return None
        return found[0], found[1], found[2]

    def held(self, table: Any, faults: Mapping[int, Reject], said: Mapping[int, Said]) -> dict[int, Reject]:
        """The faults of some rows (a table of ROWS), with those that they had when they were rejected."""
        found = dict(faults)
        if not said:
            return found
        keys = table["key"].to_numpy()
        for place in np.flatnonzero(np.isin(keys, np.fromiter(said, np.int64))).tolist():
            values = [table[role][place].as_py() for role in ROLES]
            before = returned(*said[int(keys[place])], values)
            if before and before.code not in self._accept:
                self.rows += 1
                found[place] = Reject(before.code, _role_of(before.code), {"returned": before.message})
        return found

    def remarks(self, name: str) -> list[Message]:
        return [Message("rows_returning", "", {"name": name, "n": self.rows})] if self.rows else []


def _role_of(code: str) -> str:
    """The cell that a code blames, as far as its name says."""
    role = code.partition("_")[0]
    return role if role in ROLES else ""
