"""corrections.csv: what people corrected and accepted in a list on the page before it was sent, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from importer.reports.csv_fields import spelled

CORRECTIONS = "corrections.csv"
COLUMNS = ("row", "column", "old", "new", "by", "at")
SHEET = "sheet"


def corrections_csv(found: Sequence[Mapping[str, Any]], *, several_sheets: bool) -> bytes:
    """UTF-8 with BOM, RFC 4180, CRLF; harmless to a spreadsheet, as all lists of a report."""
    names = (*COLUMNS, *((SHEET,) if several_sheets else ()))
    columns = [spelled(pa.array([str(one[name] or "") for one in found], pa.string())).to_pylist() for name in names]
    lines = [",".join(names), *(",".join(row) for row in zip(*columns, strict=True))]
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode("utf-8", "replace")
