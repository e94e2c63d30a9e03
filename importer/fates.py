"""What is known of a source's good rows before they are planned: which repeat another, which contradict one, which
earlier runs have. Pure; by ordinal (spill.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from importer.clashes import Clashes
from importer.model import Reject

Ordinals = npt.NDArray[np.int64]


class Standing(IntEnum):
    """Of a row that passed its own checks. Where two hold, the higher one counts."""

    SEND = 0
    DOUBTFUL = 1
    """To be sent, although an earlier run lost the answer for it."""
    ALREADY = 2
    """An earlier run has it assigned, with the same batch and expiry."""
    REPEAT = 3
    """It repeats an earlier row of this source, with the same batch and expiry."""
    CONFLICT = 4
    """The same serial has another batch or expiry, in this source or in an earlier run: rejected."""


@dataclass(slots=True)
class Fates:
    """`standings` by ordinal (None: all SEND). Row `repeat_keys[i]` repeats the row with the ordinal `firsts[i]`;
    `firsts` rise. `clashes` say why, for each ordinal with CONFLICT. `groups` are whole batches that are rejected.
    `holders` are the ids of the runs that have what is ALREADY.
    """

    standings: npt.NDArray[np.uint8] | None = None
    firsts: Ordinals = field(default_factory=lambda: np.empty(0, np.int64))
    repeat_keys: Ordinals = field(default_factory=lambda: np.empty(0, np.int64))
    clashes: Clashes = field(default_factory=Clashes)
    groups: Mapping[int, Reject] = field(default_factory=dict)
    holders: list[str] = field(default_factory=list)

    def window(self, ordinal: int, count: int) -> npt.NDArray[np.uint8]:
        if self.standings is None:
            return np.zeros(count, np.uint8)
        return np.asarray(self.standings[ordinal : ordinal + count])

    def repeats(self, ordinal: int, count: int) -> tuple[Ordinals, Ordinals]:
        """The rows of a window that have repeats, by place in it (one entry per repeat), and the repeats' keys."""
        low, high = np.searchsorted(self.firsts, [ordinal, ordinal + count])
        return self.firsts[low:high] - ordinal, self.repeat_keys[low:high]
