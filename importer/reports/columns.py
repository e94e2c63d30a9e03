"""The columns of the report's lists: the vendor's own four, then what the importer adds (CONTRACT, "The report")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from importer.model import Action
from importer.rows.tables import row_of, sheet_of

ASSIGNED = "assigned.csv"
NOT_ASSIGNED = "not_assigned.csv"
UNDO = "undo.csv"
"""What `importer decommission` would take back: the rows that the run itself has assigned."""
DECOMMISSIONED = "decommissioned.csv"
NOT_DECOMMISSIONED = "not_decommissioned.csv"
LISTS: Mapping[Action, tuple[str, str]] = {
    Action.COMMISSION: (ASSIGNED, NOT_ASSIGNED),
    Action.DECOMMISSION: (DECOMMISSIONED, NOT_DECOMMISSIONED),
}
"""The list of rows with which was done what was asked, and the list of all others."""
WORKBOOK = "report.xlsx"
PAGE = "report.html"

FIELDS = {
    "SerialNumber": "serial",
    "GTIN": "gtin",
    "Batch": "batch",
    "ExpirationDate": "expiry",
    "row": "key",
    "outcome": "outcome",
    "code": "code",
    "message": "message",
    "chunk": "chunk",
    "attempts": "attempts",
    "recorded_at": "recorded_at",
}
"""Column of a list to the field of tables.OUTCOMES that it shows."""

SHEET = "sheet"


def headers(sheet_names: Sequence[str]) -> tuple[str, ...]:
    """The header of a list. A source of several sheets adds the last column."""
    return (*FIELDS, SHEET) if len(sheet_names) > 1 else tuple(FIELDS)


def row_numbers(keys: pa.Array) -> pa.Array:
    """Rows as the spreadsheet of the source numbers them, as text."""
    return pa.array(row_of(keys.to_numpy())).cast(pa.string())


def sheets(keys: pa.Array, sheet_names: Sequence[str]) -> pa.DictionaryArray:
    """The name of each row's sheet."""
    index = sheet_of(keys.to_numpy()).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(sheet_names, pa.string()))
