"""The grid in which a list is corrected: some of its rows, with all that is wrong in each. Reads only.

What a row shows by itself is known at once. Whether the list bears it out (serials that stand twice, two expiries of a
batch, a damaged column), only a check of the whole list tells: it runs behind every change, and it decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from importer.model import Message
from importer.rows.tables import ROLES, ROWS, Rows, row_of, sheet_of
from importer.sources.corrections import can_be_vouched_for, correct
from importer.staging.checks import faults_of
from importer.web.documents import Fault, GridRow
from importer.web.previews import Previews, Reading
from importer.web.rejects import LEFT_OUT, Keys, Rejects
from importer.web.suggestions import TWO_EXPIRIES, suggestion
from importer.web.uploads import Upload

CORRECTED = "corrected"
_CONFLICT = "conflict_in_source"
_NOT_YET = "expiry_zero_lost"
"""Only the rest of its batch tells whether such a row is right."""


def keys_of(upload: Upload, rejects: Rejects, kind: str) -> Keys:
    """The rows to show: of a problem, those that were `corrected` or `left_out`; "": all that are wrong.

    In the order of the list, but where rows disagree: of two expiries the one with fewer rows comes first, and rows
    with one serial stand together.
    """
    if kind == CORRECTED:
        return np.array(sorted(int(key) for key, edit in upload.edits.items() if LEFT_OUT not in edit), np.int64)
    keys = rejects.of(kind)
    if kind == TWO_EXPIRIES:
        return _fewest_first(rejects, keys)
    if kind == _CONFLICT:
        rows = rejects.among(keys)
        keys = rows.sort_by([("serial", "ascending"), ("key", "ascending")])["key"].to_numpy()
    return keys


def _fewest_first(rejects: Rejects, keys: Keys) -> Keys:
    rows = rejects.among(keys)
    batches = list(zip(rows["gtin"].to_pylist(), rows["batch"].to_pylist(), strict=True))
    expiries = list(zip(batches, rows["expiry"].to_pylist(), strict=True))
    first = {batch: at for at, batch in reversed(list(enumerate(batches)))}
    counts = Counter(expiries)
    order = sorted(range(len(batches)), key=lambda at: (first[batches[at]], counts[expiries[at]], at))
    return np.array(rows["key"].to_pylist(), np.int64)[order]


class Shower:
    """Shows rows of an upload as they are now. In a thread, not in the event loop."""

    def __init__(self, previews: Previews, upload: Upload, reading: Reading) -> None:
        self._upload = upload
        self._as_read = previews.as_read(upload)
        self._edits = {int(key): edit for key, edit in upload.edits.items()}
        self._staging = previews.looking().staging.accepting(upload.options.get("accept", ()))
        self.checked = reading.rejects is not None and reading.stamp[0] == upload.version
        self._rejects = reading.rejects if self.checked else None
        data = reading.latest.data
        self._sheets = [sheet.name for sheet in data.reading.sheets] if data else []
        self._gtins = {line.gtin for line in data.batches if line.to_send} if data else set()

    def rows(self, keys: Sequence[int]) -> list[GridRow]:
        """In the order of `keys`; those that are no rows of the list are passed over."""
        whole = self._rejects.reasons(keys) if self._rejects else {}
        before, now = self._cells(keys)
        alone = faults_of(now.table, now.faults, self._staging.checks, self._staging.today)
        texts = {row["key"]: (place, row) for place, row in enumerate(now.table.to_pylist())}
        read = {row["key"]: row for row in before.table.to_pylist()}
        return [
            self._row(read[key], texts[key][1], self._faults(key, alone.get(texts[key][0], []), whole))
            for key in map(int, keys)
            if key in texts
        ]

    def _cells(self, keys: Sequence[int]) -> tuple[Rows, Rows]:
        """The rows as they were read, and as they are now."""
        if self._as_read is None:
            return self._rejected_cells(keys)
        rows = self._as_read.rows([int(key) for key in keys])
        edited = [at for at, key in enumerate(rows.table["key"].to_pylist()) if key in self._edits]
        return rows, correct(rows, edited, self._edits) if edited else rows

    def _rejected_cells(self, keys: Sequence[int]) -> tuple[Rows, Rows]:
        """Where the rows could not be kept: as far as the check tells."""
        rows = self._rejects.among(keys).select(ROWS.names) if self._rejects else ROWS.empty_table()
        return Rows(rows), Rows(rows)

    def _faults(self, key: int, alone: Sequence[Message], whole: dict[int, Message]) -> list[Message]:
        edit = self._edits.get(key, {})
        if LEFT_OUT in edit:
            return []
        if not self.checked:
            return [fault for fault in alone if fault.code != _NOT_YET]
        if key not in whole:
            beyond = self._rejects is not None and self._rejects.beyond > 0  # then only the row itself can tell
            return [fault for fault in alone if fault.code != _NOT_YET] if beyond else []
        reason = whole[key]
        if not reason.role:
            return [reason]
        return [reason, *(one for one in alone if one.role not in ("", reason.role) and one.code != _NOT_YET)]

    def _row(self, read: dict[str, str | int], now: dict[str, str | int], faults: Collection[Message]) -> GridRow:
        key = int(now["key"])
        edit = self._edits.get(key, {})
        cells = {role: str(now[role]) for role in ROLES}
        return GridRow(
            key=str(key),
            sheet=self._sheets[sheet_of(key)] if len(self._sheets) > 1 else "",
            row=row_of(key),
            **cells,
            as_read={role: str(read[role]) for role in ROLES if role in edit and edit[role] != read[role]},
            left_out=LEFT_OUT in edit,
            confirmed="confirmed" in edit,
            can_confirm="confirmed" in edit or any(can_be_vouched_for(one.code) for one in faults),
            faults=[
                Fault(
                    code=one.code,
                    role=one.role,
                    message=one,
                    suggestion=suggestion(one, cells.get(one.role, ""), self._staging, self._gtins) or "",
                )
                for one in faults
            ],
        )
