"""What went into a report, counted from its rows as they pass, with the first few rows of each problem."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from importer.rows.tables import row_of, sheet_of

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One row with a problem, as not_assigned.csv shows it."""

    sheet: int
    row: int
    serial: str
    gtin: str
    batch: str
    expiry: str
    outcome: str
    message: str


class Tally:
    """Counts by outcome and by code, of rows that are not `good` (`bad`), and the first EXAMPLES of these per code."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.bad = 0
        self.examples: dict[str, list[Example]] = {}

    def add(self, rows: pa.RecordBatch, *, good: bool) -> None:
        """Count `rows`, all of them `good` or none."""
        self.outcomes.update(_counts(rows["outcome"]))
        codes = _counts(rows["code"])
        codes.pop("", None)
        self.codes.update(codes)
        if not good:
            self.bad += len(rows)
            for code in codes:
                self._remember(code, rows)

    def _remember(self, code: str, rows: pa.RecordBatch) -> None:
        known = self.examples.setdefault(code, [])
        wanted = EXAMPLES - len(known)
        if wanted > 0:
            column = rows["code"]
            index = column.dictionary.index(code).as_py()
            places = np.flatnonzero(column.indices.to_numpy() == index)[:wanted]
            known.extend(_example(row) for row in rows.take(pa.array(places)).to_pylist())


def _counts(column: pa.DictionaryArray) -> Counter[str]:
    values = column.dictionary.to_pylist()
    if len(values) == 1:
        return Counter({values[0]: len(column)} if len(column) else {})
    counts = np.bincount(column.indices.to_numpy(), minlength=len(values))
    return Counter({values[place]: int(counts[place]) for place in np.flatnonzero(counts)})


def _example(row: dict[str, object]) -> Example:
    key = row.pop("key")
    assert isinstance(key, int)
    shown = {name: str(row[name]) for name in ("serial", "gtin", "batch", "expiry", "outcome", "message")}
    return Example(sheet=sheet_of(key), row=row_of(key), **shown)
