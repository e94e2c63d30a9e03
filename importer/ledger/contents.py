"""All that a ledger keeps, as rows of its tables: what one back end gives, another takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""By column. One of `chunk` holds its `rows`, too, which stand in a table of their own."""
Contents = Iterator[tuple[str, Iterator[Row]]]
"""Rows by table. A table may come several times, a part each time."""

OF_ALL = {"run": "all_runs", "event": "all_events"}
"""Tables whose rows are read at once, by the statement that does."""
OF_RUN = {
    "batch": "all_batches",
    "chunk": "all_chunks",
    "attempt": "all_attempts",
    "reject": "all_rejects",
    "reject_count": "all_reject_counts",
    "fingerprint": "all_fingerprints",
}
"""Those whose rows are read by run."""
BLOBS = {"chunk": "rows", "attempt": "says", "reject": "rows", "fingerprint": "entries"}
"""The column of a table that holds a sealed blob."""


def values(row: Row, columns: Sequence[str]) -> list[Any]:
    return [row[name] for name in columns]
