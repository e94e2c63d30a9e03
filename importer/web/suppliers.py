"""How lists of a supplier are read, kept under a name, and offered again for a list with the same headers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from importer.ledger.records import now
from importer.sources.headers import fold
from importer.web.durable import read_json, write_json

MOST = 500
_LONGEST = 80
_KEPT = ("columns", "gtin", "date_order", "encoding", "fill_down", "header_row")
"""What is the supplier's way; a batch, an expiry and the name of a sheet belong to one list."""


class Supplier(Struct, frozen=True):
    """One way to read lists. `headers` are those of the list that it was kept for, without what may differ."""

    id: str
    name: str
    headers: tuple[str, ...]
    options: dict[str, Any]
    by: str
    at: str


class Suppliers:
    """All that are kept, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = read_json(path)
        self.all: list[Supplier] = msgspec.convert(found, list[Supplier]) if isinstance(found, list) else []

    def keep(self, name: str, headers: Sequence[str], options: Mapping[str, Any], by: str) -> Supplier:
        """Keep how a list is read; one of the same name gives way."""
        name = " ".join(name.split())[:_LONGEST]
        chosen = {key: value for key, value in options.items() if key in _KEPT}
        kept = Supplier(secrets.token_hex(8), name, _folded(headers), chosen, by, now())
        others = [one for one in self.all if one.name.casefold() != name.casefold()]
        self._write([*others[-MOST + 1 :], kept])
        return kept

    def forget(self, number: str) -> None:
        self._write([one for one in self.all if one.id != number])

    def get(self, number: str) -> Supplier | None:
        return next((one for one in self.all if one.id == number), None)

    def fitting(self, rows: Sequence[Sequence[str]]) -> list[Supplier]:
        """Those whose headers are one of these rows, whatever stands above it."""
        found = {_folded(row) for row in rows} - {()}
        return [one for one in self.all if one.headers in found]

    @staticmethod
    def row_of(headers: tuple[str, ...], rows: Sequence[Sequence[str]]) -> int:
        """The row that has these headers, from 1 on; 0: none."""
        return next((number for number, row in enumerate(rows, 1) if _folded(row) == headers), 0)

    def _write(self, kept: list[Supplier]) -> None:
        write_json(self._path, msgspec.to_builtins(kept))
        self.all = kept


def _folded(headers: Sequence[str]) -> tuple[str, ...]:
    """In their order; empty columns at the end count for nothing."""
    found = [fold(header) for header in headers]
    while found and not found[-1]:
        found.pop()
    return tuple(found)
