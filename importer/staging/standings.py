"""What is known of a source's good rows before they are planned: which repeat another, which contradict one, which
earlier runs have. Pure; by ordinal (spill.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from importer.model import Reject

Ordinals = npt.NDArray[np.int64]


class Standing(IntEnum):
    """Status of a row that passed its checks; if several apply, the highest wins."""

    SEND = 0
    DOUBTFUL = 1
    """To be sent, although an earlier run lost the answer for it."""
    ALREADY = 2
    """An earlier run has it assigned, with the same batch and expiry."""
    REPEAT = 3
    """It repeats an earlier row of this source, with the same batch and expiry."""
    CONFLICT = 4
    """The same serial has another batch or expiry, in this source or in an earlier run: rejected."""


# Which rows contradict others; the words for one are found when it is rejected. Pure.
# A row takes 36 bytes: 28 for what was noted, 8 more to search by.
Explain = Callable[[str, int, int, int], Reject]
"""Serial, number of its batch in the source, and the two numbers that were noted for the row."""

_CONFLICT = np.dtype([("ordinal", np.int64), ("explain", np.int32), ("one", np.int64), ("other", np.int64)])


class Conflicts:
    """By ordinal (spill.py). Of a row that is added again, the last reason holds."""

    def __init__(self) -> None:
        self._explain: list[Explain] = []
        self._added: list[npt.NDArray[Any]] = []
        self._ordered = np.empty(0, _CONFLICT)
        self._ordinals = np.empty(0, np.int64)

    def add(self, ordinals: npt.NDArray[Any], one: npt.NDArray[Any], other: npt.NDArray[Any], explain: Explain) -> None:
        conflicts = np.empty(len(ordinals), _CONFLICT)
        conflicts["ordinal"], conflicts["one"], conflicts["other"] = ordinals, one, other
        conflicts["explain"] = len(self._explain)
        self._explain.append(explain)
        self._added.append(conflicts)

    def ordinals(self) -> npt.NDArray[np.int64]:
        """They rise."""
        self._put_in_order()
        return self._ordinals

    def reject(self, ordinal: int, serial: str, group: int) -> Reject | None:
        """Why a row is rejected; None: nothing was added for it."""
        ordinals = self.ordinals()
        place = int(ordinals.searchsorted(ordinal))
        if place == len(ordinals) or ordinals[place] != ordinal:
            return None
        _, explain, one, other = self._ordered[place].tolist()
        reject: Reject = self._explain[explain](serial, group, one, other)
        return reject

    def _put_in_order(self) -> None:
        if self._added:
            whole = np.concatenate([self._ordered, *self._added])
            self._added.clear()
            whole = whole[np.argsort(whole["ordinal"], kind="stable")]
            last = np.append(whole["ordinal"][1:] != whole["ordinal"][:-1], [True] * (len(whole) > 0))
            self._ordered = whole[last]
            self._ordinals = np.ascontiguousarray(self._ordered["ordinal"])  # a field is copied for every search


@dataclass(slots=True)
class Standings:
    """What becomes of a source's good rows, by ordinal (spill.py)."""

    standings: npt.NDArray[np.uint8] | None = None
    """A Standing for each row; None: all SEND."""
    firsts: Ordinals = field(default_factory=lambda: np.empty(0, np.int64))
    """For each row that repeats another the ordinal of that one; they rise."""
    repeat_keys: Ordinals = field(default_factory=lambda: np.empty(0, np.int64))
    """The keys of the rows that repeat those of `firsts`."""
    conflicts: Conflicts = field(default_factory=Conflicts)
    """Why, for each row with CONFLICT."""
    groups: Mapping[int, Reject] = field(default_factory=dict)
    """Batches that are rejected whole."""
    holders: list[str] = field(default_factory=list)
    """Ids of the runs that have what is ALREADY."""

    def window(self, ordinal: int, count: int) -> npt.NDArray[np.uint8]:
        if self.standings is None:
            return np.zeros(count, np.uint8)
        return np.asarray(self.standings[ordinal : ordinal + count])

    def repeats(self, ordinal: int, count: int) -> tuple[Ordinals, Ordinals]:
        """The rows of a window that have repeats, by place in it (one entry per repeat), and the repeats' keys."""
        low, high = np.searchsorted(self.firsts, [ordinal, ordinal + count])
        return self.firsts[low:high] - ordinal, self.repeat_keys[low:high]
