"""Holds rows back whose column shows damage: gathers while a source is read, says which when it is planned.

Pure. What one value shows is `checks`' business, what serials and batches show together `suspects` and `batch_facts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from importer.gs1.suspect import Suspect
from importer.model import Reject
from importer.staging import batch_facts
from importer.staging.batches import Groups
from importer.staging.serial_facts import MOST_PRODUCTS, SerialFacts, Slots
from importer.staging.suspects import Finding, Suspects

_DAMAGED = (Suspect.EXPONENTS, Suspect.DATES)
"""What also has the warning that a single value looks damaged."""


class Holding:
    """Rows are added with the number of their batch in `groups`; `close` ends that."""

    def __init__(self, groups: Groups, accept: Collection[str]) -> None:
        self._groups = groups
        self._accept = accept
        self._facts = SerialFacts()
        self._suspects: Suspects | None = None
        self._accepted_batches: Mapping[int, str] = {}
        self._slots: dict[str, int] = {}
        self._slot_of: Slots = np.empty(0, np.int32)
        self.batches: Mapping[int, Reject] = {}
        """Batches that are held back as a whole, by number."""
        self.noted: Counter[str] = Counter()
        """Rows that are sent with a warning, also since a person accepted them, by code; known at the end."""

    def add(
        self, serials: Any, groups: npt.NDArray[np.int32], *, plain: bool, damaged: npt.NDArray[np.bool_] | None
    ) -> None:
        """Add rows; `plain` and `damaged` as in `checks.Checked`."""
        self._facts.add(serials, self._products(groups), plain=plain, damaged=damaged)

    def close(self) -> None:
        self._suspects = Suspects(self._facts)
        found = batch_facts.suspects(self._groups.batches)
        self.batches = {number: reject for number, reject in found.items() if reject.code not in self._accept}
        self._accepted_batches = {number: reject.code for number, reject in found.items() if number not in self.batches}

    def warnings(self, good: npt.NDArray[np.int64]) -> dict[str, int]:
        """Rows by code of what a planner should compare; `good` are the rows of each batch."""
        rows = good.tolist()
        for number, code in self._accepted_batches.items():
            self.noted[code] += rows[number]
        return batch_facts.warnings(self._groups.batches, dict(enumerate(rows)))

    def find(self, window: Any) -> dict[int, Finding]:
        """The rows of a window of the spill that are held back for their serial, by place."""
        if not self._suspects:
            return {}
        found = self._suspects.find(window["serial"], self._products(window["group"].to_numpy()), self._accept)
        self.noted.update(found.warnings)
        return found.held

    def _products(self, groups: npt.NDArray[np.int32]) -> Slots:
        batches = self._groups.batches
        if len(self._slot_of) < len(batches):
            new = [
                self._slots.setdefault(batch.gtin, min(len(self._slots), MOST_PRODUCTS))
                for batch in batches[len(self._slot_of) :]
            ]
            self._slot_of = np.concatenate([self._slot_of, np.array(new, np.int32)])
        return self._slot_of[groups]


def has_warning_too(code: str) -> bool:
    """Whether rows that are held back for this were counted as `serial_looks_damaged`, or those of a batch."""
    return code in _DAMAGED
