"""The list of runs as a CSV for a spreadsheet: UTF-8 with BOM, RFC 4180, nothing in it that would run as a formula."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from importer.reports.csv_fields import spelled
from importer.web.documents import RunLine

_BEFORE = ("run", "started_at", "ended_at", "state", "attention", "source", "target", "user", "rows")


def listing(lines: Sequence[RunLine]) -> bytes:
    """One line a run; a column for each outcome that any of them has. Times are UTC, as in reports."""
    outcomes = list(dict.fromkeys(name for line in lines for name in line.outcomes))
    rows = [[*_BEFORE, *outcomes, "exit_code"], *(_fields(line, outcomes) for line in lines)]
    flat = iter(spelled(pa.array([field for row in rows for field in row], pa.string())).to_pylist())
    text = "".join(",".join(next(flat) for _ in row) + "\r\n" for row in rows)
    return b"\xef\xbb\xbf" + text.encode()


def _fields(line: RunLine, outcomes: Sequence[str]) -> list[str]:
    values = [getattr(line, name) for name in _BEFORE]
    counts = [line.outcomes.get(name, 0) for name in outcomes]
    plain = ["" if value is None else value for value in (*values, *counts, line.exit_code)]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in plain]
