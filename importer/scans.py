"""Scanned codes in the serial's column give way to what they say, row by row, held against the other columns. Pure.

Only rows whose serial is none (too long, or with characters that no serial has) are looked at: see scan.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1.characters import show, trim
from importer.gs1.scans import Scan, is_scan, read_scan
from importer.model import Reject

_NOUNS = {"gtin": "GTIN", "batch": "batch", "expiry": "expiry"}

Same = Callable[[str, str, str], bool]
"""Whether two spellings of a role's value (role, of the scan, of the column) mean the same; also where the latter is
wrong, which is not found out here."""


@dataclass(frozen=True, slots=True)
class Unscanned:
    """Columns without the scans that could be read; those that could not, by row; the rows that were read."""

    columns: Mapping[str, Any]
    rejects: Mapping[int, Reject]
    rows: npt.NDArray[np.int64]


def unscan(columns: Mapping[str, Any], suspects: Iterable[int], same: Same) -> Unscanned | None:
    """Read the scans among the rows `suspects` of string columns by role; None where there are none."""
    rows = np.array(sorted(suspects), np.int64)
    texts = columns["serial"].take(pa.array(rows)).to_pylist()
    scans = [(row, read_scan(text)) for row, text in zip(rows.tolist(), texts, strict=True) if is_scan(text)]
    if not scans:
        return None
    rejects = {row: scan for row, scan in scans if isinstance(scan, Reject)}
    read = {row: scan for row, scan in scans if isinstance(scan, Scan)}
    taken = pa.array(list(read), pa.int64())
    values = {role: columns[role].take(taken).to_pylist() for role in _NOUNS}
    new: dict[str, list[str]] = {"serial": [], **{role: [] for role in _NOUNS}}
    for at, (row, scan) in enumerate(read.items()):
        beside = {role: values[role][at] for role in _NOUNS}
        if reject := _contradiction(scan, beside, same):
            rejects[row] = reject
        new["serial"].append(scan.serial)
        for role in _NOUNS:
            new[role].append(beside[role] if trim(beside[role])[0] else getattr(scan, role))
    changed = {role: _replaced(columns[role], list(read), texts) for role, texts in new.items()}
    return Unscanned({**columns, **changed}, rejects, np.array(list(read), np.int64))


def _contradiction(scan: Scan, beside: Mapping[str, str], same: Same) -> Reject | None:
    for role, noun in _NOUNS.items():
        ours, theirs = getattr(scan, role), trim(beside[role])[0]
        if ours and theirs and not same(role, ours, theirs):
            return Reject(
                "scan_mismatch",
                f"The scanned code holds the {noun} {show(ours)}, the {noun}'s column {show(theirs)}: nothing tells "
                f"which is right. Correct the one that is wrong.",
            )
    return None


def _replaced(column: Any, rows: list[int], texts: list[str]) -> Any:
    mask = np.zeros(len(column), np.bool_)
    mask[rows] = True
    safe = pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string())
    return pc.replace_with_mask(column, pa.array(mask), safe)
