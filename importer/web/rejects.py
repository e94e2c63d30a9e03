"""The wrong rows of a checked list, for those who look for them: by kind, by row, by what they hold. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.model import Message
from importer.rows.tables import REJECTS, ROLES
from importer.words.recording import restored

Keys = npt.NDArray[np.int64]
MOST = 300_000
"""Rows that are kept, about 200 bytes each. If more are wrong, a value for the whole list mends them, or the file."""
LEFT_OUT = "left_out"


class Rejects:
    """`add` takes record batches of tables.REJECTS in any order until `close`."""

    def __init__(self) -> None:
        self._batches: list[Any] = []
        self._rows = 0
        self.beyond = 0
        """Wrong rows that are not kept."""
        self._table: Any = REJECTS.empty_table()
        self.keys: Keys = np.empty(0, np.int64)

    def add(self, rows: Any) -> None:
        kept = rows.slice(0, max(MOST - self._rows, 0))
        self.beyond += len(rows) - len(kept)
        self._rows += len(kept)
        if len(kept):
            self._batches.append(kept)

    def close(self) -> None:
        self._table = pa.Table.from_batches(self._batches, REJECTS).sort_by("key").combine_chunks()
        self._batches.clear()
        self.keys = self._table["key"].to_numpy()

    def of(self, code: str) -> Keys:
        """The keys of the rows with this problem; "": with any, but for those that were left out."""
        found = pc.equal(self._table["code"], code) if code else pc.not_equal(self._table["code"], LEFT_OUT)
        keys: Keys = self.keys[found.to_numpy()]
        return keys

    def among(self, keys: Sequence[int] | Keys) -> Any:
        """The rejected ones of these rows, a table of REJECTS."""
        return self._table.filter(pa.array(np.isin(self.keys, np.asarray(keys, np.int64))))

    def reasons(self, keys: Sequence[int] | Keys) -> dict[int, Message]:
        rows = self.among(keys)
        columns = (rows[name].to_pylist() for name in ("key", "code", "details"))
        return {key: restored(code, details) for key, code, details in zip(*columns, strict=True)}

    def values(self, keys: Sequence[int] | Keys) -> dict[int, dict[str, str]]:
        """By row what its four cells hold, as far as that is known of a row that was rejected."""
        rows = self.among(keys).select(["key", *ROLES]).to_pylist()
        return {row.pop("key"): row for row in rows}

    def common(self, code: str, role: str) -> list[tuple[str, int]]:
        """The values of a role in the rows with a problem, the most frequent first, with the number of rows."""
        rows = self.among(self.of(code))
        counts = rows[role].value_counts().to_pylist()
        return sorted(((one["values"], one["counts"]) for one in counts), key=lambda one: (-one[1], one[0]))
