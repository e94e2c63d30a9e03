"""Builders for the tests of the report: rows with outcomes and the facts around them, with defaults."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from importer.model import Batch, Outcome
from importer.reports.summary import BatchTally, Requests, RunSummary, SourceFacts
from importer.rows.tables import OUTCOMES

BATCH = Batch("01234567891231", "BATCH002", "271130")
ROW = {
    "serial": "DI8U86IYQI9KS4G87WGI",
    "gtin": BATCH.gtin,
    "batch": BATCH.batch,
    "expiry": BATCH.expiry,
    "outcome": "assigned",
    "code": "",
    "role": "",
    "message": "",
    "chunk": "1",
    "attempts": "1",
    "recorded_at": "2026-11-22T07:15:04Z",
}


def window(*rows: Mapping[str, Any], first: int = 2) -> pa.RecordBatch:
    """A window of OUTCOMES; each row names only what differs from an assigned one."""
    full = []
    for place, row in enumerate(rows):
        merged = {"key": first + place, **ROW, **row}
        merged.setdefault("good", merged["outcome"] in {"assigned", "already_assigned"})
        full.append(merged)
    arrays = []
    for field in OUTCOMES:
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        array = pa.array([row[field.name] for row in full], plain)
        arrays.append(array.dictionary_encode() if pa.types.is_dictionary(field.type) else array)
    return pa.RecordBatch.from_arrays(arrays, schema=OUTCOMES)


def rejected(serial: str, **values: Any) -> dict[str, Any]:
    return {
        "serial": serial,
        "outcome": "rejected",
        "code": "serial_charset",
        "role": "serial",
        "message": "The serial has a character that GS1 does not allow.",
        "chunk": "",
        "attempts": "0",
        **values,
    }


def facts(**values: Any) -> RunSummary:
    defaults: dict[str, Any] = {
        "run": "20261122T071500Z-7f3a9c",
        "source": SourceFacts("serials.csv", "ab" * 32, 4711, 3),
        "started_at": "2026-11-22T07:15:00Z",
        "ended_at": "2026-11-22T07:16:10Z",
        "outcomes": {"assigned": 2, "rejected": 1},
        "identity_holds": True,
        "batches": [BatchTally(BATCH, {Outcome.ASSIGNED: 2, Outcome.REJECTED: 1})],
        "codes": {"serial_charset": 1},
        "requests": Requests(sent=3, retried=1, seconds=1.5),
        "exit_code": 3,
        "settings": {"limits": {"chunk_size": 1000}},
        "version": "0.1.0",
        "user": "planner",
        "host": "desk",
    }
    return RunSummary(**{**defaults, **values})


def lines(path: Path) -> list[dict[str, str]]:
    """A list of the report, read by Python's own CSV reader."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def column(path: Path, name: str) -> list[str]:
    return [row[name] for row in lines(path)]


def serials(*values: str, **common: Any) -> Iterable[dict[str, Any]]:
    return [{"serial": value, **common} for value in values]
