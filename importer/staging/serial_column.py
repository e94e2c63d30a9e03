"""A whole column of serials is read at once; alone are looked at only those that are wrong or may be damaged.

Pure. The rules are those of `gs1.parse_serial`; a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1 import codes
from importer.gs1.characters import ALPHANUMERIC, CSET_82, OUTER, show, trim
from importer.gs1.scans import Scan, is_scan, read_scan
from importer.model import Reject
from importer.rows.layout import laid_out

_ALPHANUMERIC = ALPHANUMERIC.encode()
_CSET_82 = CSET_82.encode()
_ILLEGAL = np.ones(256, dtype=np.bool_)
_ILLEGAL[list(_CSET_82)] = False
_STARTS_DAMAGED = np.zeros(256, dtype=np.bool_)
_STARTS_DAMAGED[list(b"-0123456789JFMASOND")] = True
_DAMAGED = f"^(?:{codes.DAMAGED})$"
_SCANNED = f"^(?:{'|'.join(map(re.escape, codes.SCANNED))})"

_Mask = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Serials:
    """The column of serials, stripped; the rows of it that are rejected; the rows that have a note, by its code."""

    column: Any
    rejects: Mapping[int, Reject] = field(default_factory=dict)
    notes: Mapping[str, _Mask] = field(default_factory=dict)


def read_serials(column: Any) -> Serials:
    """Read an Arrow array of strings without nulls. Costs about 10 ns for a row that is plain and right."""
    data, offsets = _laid_out(column)
    lengths = np.diff(offsets)
    fits = not len(lengths) or (lengths.min() > 0 and lengths.max() <= codes.LONGEST)
    rest = data.translate(None, _ALPHANUMERIC)
    if fits and not rest:
        return Serials(column)
    notes = {}
    if rest.translate(None, _CSET_82):
        stripped = pc.utf8_trim(column, characters=OUTER)
        notes["serial_trimmed"] = pc.not_equal(stripped, column).to_numpy(zero_copy_only=False)
        column = stripped
        data, offsets = _laid_out(column)
    notes["serial_looks_damaged"] = _damaged(column, data, offsets)
    if b"(" in rest:
        scanned = pc.match_substring_regex(column, _SCANNED)
        notes["serial_looks_scanned"] = scanned.to_numpy(zero_copy_only=False)
    bad = _wrong(data, offsets)
    texts = column.take(pa.array(bad)).to_pylist()
    results = ((row, codes.parse_serial(text)) for row, text in zip(bad.tolist(), texts, strict=True))
    return Serials(column, {row: result for row, result in results if isinstance(result, Reject)}, notes)


def _wrong(data: bytes, offsets: _Indices) -> _Indices:
    """Find the rows that hold a character outside CSET 82, none or too many. Bytes are characters in all others."""
    lengths = np.diff(offsets)
    wrong = (lengths < 1) | (lengths > codes.LONGEST)
    illegal = np.flatnonzero(_ILLEGAL[np.frombuffer(data, dtype=np.uint8)])
    wrong[np.searchsorted(offsets, illegal, side="right") - 1] = True
    return np.flatnonzero(wrong)


def _damaged(column: Any, data: bytes, offsets: _Indices) -> _Mask:
    """Mark the rows that match `gs1.DAMAGED`; the expression is tried only on those that start as it does."""
    damaged = np.zeros(len(column), dtype=np.bool_)
    filled = np.flatnonzero(np.diff(offsets))
    first = np.frombuffer(data, dtype=np.uint8)[offsets[filled]]
    candidates = filled[_STARTS_DAMAGED[first]]
    matches = pc.match_substring_regex(column.take(pa.array(candidates)), _DAMAGED)
    damaged[candidates] = matches.to_numpy(zero_copy_only=False)
    return damaged


def _laid_out(column: Any) -> tuple[bytes, _Indices]:
    data, offsets = laid_out(column)
    return data.tobytes(), offsets


# Scanned codes in the serial's column give way to what they say, row by row, held against the other columns. Pure.
# Only rows whose serial is none (too long, or with characters that no serial has) are looked at: see scan.py.
_BESIDE = ("gtin", "batch", "expiry")

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
    values = {role: columns[role].take(taken).to_pylist() for role in _BESIDE}
    new: dict[str, list[str]] = {"serial": [], **{role: [] for role in _BESIDE}}
    for at, (row, scan) in enumerate(read.items()):
        beside = {role: values[role][at] for role in _BESIDE}
        if reject := _contradiction(scan, beside, same):
            rejects[row] = reject
        new["serial"].append(scan.serial)
        for role in _BESIDE:
            new[role].append(beside[role] if trim(beside[role])[0] else getattr(scan, role))
    changed = {role: _replaced(columns[role], list(read), texts) for role, texts in new.items()}
    return Unscanned({**columns, **changed}, rejects, np.array(list(read), np.int64))


def _contradiction(scan: Scan, beside: Mapping[str, str], same: Same) -> Reject | None:
    for role in _BESIDE:
        ours, theirs = getattr(scan, role), trim(beside[role])[0]
        if ours and theirs and not same(role, ours, theirs):
            return Reject("scan_mismatch", "", {"of": role, "value": show(ours), "column": show(theirs)})
    return None


def _replaced(column: Any, rows: list[int], texts: list[str]) -> Any:
    mask = np.zeros(len(column), np.bool_)
    mask[rows] = True
    safe = pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string())
    return pc.replace_with_mask(column, pa.array(mask), safe)
