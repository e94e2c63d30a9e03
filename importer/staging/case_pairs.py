"""Counts rows whose serials differ from another one's only by case, exactly up to the hash and in bounded memory.

Such serials are different ones for GS1, but far oftener a slip: a warning. A million rows cost 0.02 CPU seconds if no
serial has a small letter; a list that has some is hashed a second time with all letters large, which costs 0.14.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from importer.rows.fingerprints import Hashes, fingerprints
from importer.rows.hash_sets import Numbers, room_in, twice

_BLOCK = 1 << 20
_LOOK = 1 << 20
_SMALL = bytes(range(ord("a"), ord("z") + 1))


class CasePairs:
    """Rows are added in the order of their hashes in the spill, which `count` is given in the end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: Any = None
        self._rows = 0
        self._before = 0

    def add(self, serials: Any, gtins: Hashes, hashes: Hashes) -> None:
        """Add rows: a string column, and for each the number of its GTIN and its hash."""
        small = _has_small_letters(serials)
        if small and self._file is None:
            with room_in(self._directory):
                self._file = tempfile.TemporaryFile(dir=self._directory, prefix=".importer-case-")  # noqa: SIM115  see close
            self._file.seek(self._rows * hashes.itemsize)
            self._before = self._rows
        if self._file is not None:
            with room_in(self._directory):
                self._file.write((fingerprints(pc.ascii_upper(serials), gtins) if small else hashes).tobytes())
        self._rows += len(hashes)

    def count(self, hashes: Hashes | Numbers) -> int:
        """The rows that share their serial with others but for its case. Rows that are equal are no pair."""
        if self._file is None:
            return 0
        with room_in(self._directory):
            self._file.flush()
            folded: Hashes = np.memmap(self._file, np.uint64, "r+", shape=(self._rows,))
            folded[: self._before] = hashes[: self._before]
        wanted = twice(folded, self._directory)
        return sum(_rows_of_pairs(folded, hashes, wanted[at : at + _LOOK]) for at in range(0, len(wanted), _LOOK))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _rows_of_pairs(folded: Hashes, hashes: Hashes | Numbers, wanted: Hashes) -> int:
    """The rows whose folded hash is in `wanted` (sorted), where their own hashes differ."""
    lowest = np.full(len(wanted), np.iinfo(np.uint64).max, np.uint64)
    highest = np.zeros(len(wanted), np.uint64)
    rows = np.zeros(len(wanted), np.int64)
    for start in range(0, len(folded), _BLOCK):
        block = folded[start : start + _BLOCK]
        at = np.minimum(np.searchsorted(wanted, block), len(wanted) - 1)
        places = np.flatnonzero(wanted[at] == block)
        own = hashes[start : start + _BLOCK][places]
        np.minimum.at(lowest, at[places], own)
        np.maximum.at(highest, at[places], own)
        np.add.at(rows, at[places], 1)
    return int(rows[lowest != highest].sum())


def _has_small_letters(serials: Any) -> bool:
    data = serials.buffers()[2]
    text = bytes(data) if data else b""
    return len(text.translate(None, _SMALL)) < len(text)
