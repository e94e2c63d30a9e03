"""A list without a header, recognised by its values: only where no other reading is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from importer.gs1 import codes
from importer.gs1.scans import Scan, is_scan, read_scan
from importer.model import Reject

_LEAST_ROWS = 3
_LEAST_SERIAL = 8
_GTIN_LENGTHS = (8, 12, 13, 14)
_DATE = re.compile(
    r"\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
    r"|20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])"
    r"|([0-2]?\d|3[01])[./](0?[1-9]|1[0-2])[./]20\d\d"
    r"|(0?[1-9]|1[0-2])/20\d\d"
)
_CODE = re.compile(r"[!-~]{1,20}")


def recognise(records: Sequence[Sequence[str]], wanted: Sequence[str]) -> dict[str, int] | None:
    """The position of each wanted role, or None where there is any doubt.

    There must be as many columns as roles, a proven GTIN and a date in every row from the first one on, and of the
    other two columns one that never repeats and one that does.
    """
    rows = [[c.strip() for c in r] for r in records if any(c.strip() for c in r)]
    if len(rows) < _LEAST_ROWS or {len(r) for r in rows} != {len(wanted)}:
        return None
    columns = dict(enumerate(zip(*rows, strict=True)))
    found: dict[str, int] = {}
    for role, test in (("gtin", is_gtin), ("expiry", _is_date)):
        fits = [p for p, column in columns.items() if all(map(test, column))]
        if len(fits) != (role in wanted):
            return None
        for position in fits:
            found[role] = position
            del columns[position]
    return _codes(columns, found, wanted)


def _codes(columns: dict[int, tuple[str, ...]], found: dict[str, int], wanted: Sequence[str]) -> dict[str, int] | None:
    if not all(_CODE.fullmatch(v) for column in columns.values() for v in column):
        return None
    serials = [p for p, column in columns.items() if len(set(column)) == len(column)]
    batches = [p for p, column in columns.items() if len(set(column)) * 2 <= len(column)]
    if len(serials) != 1 or len(batches) != ("batch" in wanted) or len(columns) != 1 + len(batches):
        return None
    if not found and not _alike(columns[serials[0]]):
        return None
    return {**found, "serial": serials[0], **({"batch": batches[0]} if batches else {})}


def _alike(serials: Sequence[str]) -> bool:
    """Nothing proves that the first row is no header, except that it is made like all the others."""
    return (
        len({len(s) for s in serials}) == 1
        and len(serials[0]) >= _LEAST_SERIAL
        and all(any(c.isdigit() for c in s) for s in serials)
    )


def is_gtin(text: str) -> bool:
    """Whether the check digit proves it (GS1 General Specifications, 7.9)."""
    if not (text.isascii() and text.isdigit() and len(text) in _GTIN_LENGTHS and text.strip("0")):
        return False
    digits = [int(c) for c in text.zfill(14)]
    return sum(d * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits)) % 10 == 0


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None


# Whether a column of a list holds scanned codes, which say more than the serial. Looks at the head of a list only.
Records = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class ScanColumn:
    """`first` is the first record that has a scan in the column; `roles` are what all of the scans looked at hold."""

    position: int
    first: int
    roles: frozenset[str]


def find_scans(records: Records) -> ScanColumn | None:
    """The one column that holds a scan in each record from some record on."""
    filled = [i for i, record in enumerate(records) if any(c.strip() for c in record)]
    if not filled:
        return None
    last = records[filled[-1]]
    found = [p for p in range(len(last)) if _scan_at(records, filled[-1], p) or _scan_at(records, filled[0], p)]
    columns = [column for p in found if (column := _column(records, filled, p))]
    return columns[0] if len(columns) == 1 else None


def roles_at(records: Records, position: int) -> frozenset[str]:
    """What most scans in a column hold; nothing where most values are no scans."""
    values = [r[position] for r in records if position < len(r) and r[position].strip()]
    scans = [roles for value in values if (roles := _roles(value))]
    if not values or len(scans) * 2 <= len(values):
        return frozenset()
    return frozenset(role for role in ("gtin", "batch", "expiry") if sum(role in s for s in scans) * 2 > len(scans))


def _column(records: Records, filled: Sequence[int], position: int) -> ScanColumn | None:
    scans = [i for i in filled if _scan_at(records, i, position)]
    if not scans or len(scans) * 2 <= len([i for i in filled if i >= scans[0]]):
        return None
    return ScanColumn(position, scans[0], roles_at(records[scans[0] :], position))


def _scan_at(records: Records, at: int, position: int) -> bool:
    record = records[at]
    return position < len(record) and _is_scan(record[position])


def _is_scan(text: str) -> bool:
    return isinstance(codes.parse_serial(text), Reject) and is_scan(text)


def _roles(text: str) -> set[str]:
    scan = read_scan(text) if _is_scan(text) else None
    if not isinstance(scan, Scan):
        return set()
    return {"serial", "gtin", *(role for role in ("batch", "expiry") if getattr(scan, role))}
