"""Numbers the pharma batches of a source in the order in which they turn up. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from importer.model import Batch

_DENSE = 1 << 20
"""Up to this many combinations of values a table of them all is cheaper than sorting the rows."""


class Groups:
    """`batches[n]` is the batch with the number n; `gtins` their GTINs as numbers, which `fingerprints` wants."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._numbers: dict[Batch, int] = {}
        self._gtins = np.empty(0, np.uint64)

    def number(self, batch: Batch) -> int:
        found = self._numbers.get(batch)
        if found is None:
            found = self._numbers[batch] = len(self.batches)
            self.batches.append(batch)
        return found

    @property
    def gtins(self) -> npt.NDArray[np.uint64]:
        if len(self._gtins) < len(self.batches):
            new = [int(batch.gtin) for batch in self.batches[len(self._gtins) :]]
            self._gtins = np.concatenate([self._gtins, np.array(new, np.uint64)])
        return self._gtins

    def of(self, gtin: Any, batch: Any, expiry: Any) -> npt.NDArray[np.int32]:
        """The number of each row's batch; the columns are dictionary arrays of one length."""
        columns = (gtin, batch, expiry)
        codes = np.zeros(len(gtin), np.int64)
        for column in columns:
            codes = codes * len(column.dictionary) + column.indices.to_numpy()
        combinations = len(gtin.dictionary) * len(batch.dictionary) * len(expiry.dictionary)
        distinct, places = _distinct(codes, combinations)
        values = [column.dictionary.to_pylist() for column in columns]
        numbers = [self.number(_batch(int(code), values)) for code in distinct]
        return np.array(numbers, np.int32)[places]


def _distinct(codes: npt.NDArray[np.int64], combinations: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The codes that occur, in the order of their first row, and the place among them of each row's code."""
    if combinations > max(_DENSE, len(codes)):
        distinct, first, places = np.unique(codes, return_index=True, return_inverse=True)
    else:
        firsts = np.full(combinations, -1, np.int64)
        firsts[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        distinct = np.flatnonzero(firsts >= 0)
        first = firsts[distinct]
        table = np.zeros(combinations, np.int64)
        table[distinct] = np.arange(len(distinct))
        places = table[codes]
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[places]


def _batch(code: int, values: list[list[str]]) -> Batch:
    gtin, batch, expiry = values
    code, e = divmod(code, len(expiry))
    g, b = divmod(code, len(batch))
    return Batch(gtin[g], batch[b], expiry[e])
