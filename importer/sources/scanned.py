"""Whether a column of a list holds scanned codes, which say more than the serial. Looks at the head of a list only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from importer.gs1 import codes
from importer.gs1.scans import Scan, is_scan, read_scan
from importer.model import Reject

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
