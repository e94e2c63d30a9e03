"""Which rows contradict others; the words for one are found when it is rejected. Pure.

A row takes 36 bytes: 28 for what was noted, 8 more to search by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from importer.model import Reject

Explain = Callable[[str, int, int, int], Reject]
"""Serial, number of its batch in the source, and the two numbers that were noted for the row."""

_CLASH = np.dtype([("ordinal", np.int64), ("explain", np.int32), ("one", np.int64), ("other", np.int64)])


class Clashes:
    """By ordinal (spill.py). Of a row that is added again, the last reason holds."""

    def __init__(self) -> None:
        self._explain: list[Explain] = []
        self._added: list[npt.NDArray[Any]] = []
        self._ordered = np.empty(0, _CLASH)
        self._ordinals = np.empty(0, np.int64)

    def add(self, ordinals: npt.NDArray[Any], one: npt.NDArray[Any], other: npt.NDArray[Any], explain: Explain) -> None:
        clashes = np.empty(len(ordinals), _CLASH)
        clashes["ordinal"], clashes["one"], clashes["other"] = ordinals, one, other
        clashes["explain"] = len(self._explain)
        self._explain.append(explain)
        self._added.append(clashes)

    def ordinals(self) -> npt.NDArray[np.int64]:
        """They rise."""
        self._put_in_order()
        return self._ordinals

    def reject(self, ordinal: int, serial: str, group: int) -> Reject | None:
        """Why a row is rejected; None where nothing was added for it."""
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
