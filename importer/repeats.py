"""Finds rows of a source that stand in it twice, exactly and in bounded memory: by hash first, then by looking at them.

A row with the same GTIN, serial, batch and expiry as an earlier one is a repeat; one with another batch or expiry is in
conflict, and so is every row with that serial (CONTRACT, "Where nothing may be lost").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.fates import Fates, Ordinals, Standing
from importer.fingerprints import Hashes
from importer.model import Batch, Reject
from importer.sieve import Sieve
from importer.spill import SPILLED, Numbers, Spill

if TYPE_CHECKING:
    import pandas as pd  # where no hash stands twice it is not loaded at all

_PART = 1 << 21
"""Numbers sorted at once, or more where that makes more parts than this:"""
_MOST_PART_BITS = 5
_BLOCK = 1 << 20
"""Numbers read at once."""
_LOOK = 1 << 20
"""Rows looked at one by one at once."""


_GATHERED = SPILLED.append(pa.field("ordinal", pa.int64()))


def sorted_parts(numbers: Hashes | Numbers) -> Iterator[Hashes]:
    """All of `numbers` in ascending order, in parts that fit into memory; they are expected to be spread evenly."""
    bits = min(_MOST_PART_BITS, max(0, (len(numbers) - 1).bit_length() - (_PART - 1).bit_length()))
    if not bits:
        yield np.sort(numbers[:])
        return
    for part in range(1 << bits):
        chosen = [
            block[(block >> np.uint64(64 - bits)) == part]
            for block in (numbers[start : start + _BLOCK] for start in range(0, len(numbers), _BLOCK))
        ]
        whole = np.concatenate(chosen)
        chosen.clear()
        whole.sort()
        yield whole


def gather(spill: Spill, wanted: Hashes, shift: int = 0) -> pd.DataFrame:
    """The rows whose hash, shifted right, is in `wanted` (sorted): ordinal, key, serial, group."""
    rows = candidates(spill, Sieve(wanted), shift)
    hashes = rows["hash"].to_numpy() >> np.uint64(shift)
    exactly = wanted[np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)] == hashes
    frame: pd.DataFrame = rows.filter(pa.array(exactly)).drop_columns(["hash"]).to_pandas()
    return frame


def candidates(spill: Spill, sieve: Sieve, shift: int) -> Any:
    """The rows whose hash, shifted right, passes a sieve: an Arrow table of SPILLED, with a last column `ordinal`."""
    found = []
    for ordinal, window in spill.windows():
        places = np.flatnonzero(sieve(window["hash"].to_numpy() >> np.uint64(shift)))
        if len(places):
            rows = window.take(pa.array(places))
            found.append(rows.append_column("ordinal", pa.array(places + ordinal)))
    return pa.Table.from_batches(found, _GATHERED)


@dataclass(slots=True)
class Finder:
    """Collects the fates of a source's rows. `batches` by group; `where` names a row for people."""

    spill: Spill
    batches: list[Batch]
    standings: npt.NDArray[np.uint8]
    where: Callable[[int], str]
    raised: bool = False
    """Whether any row has another standing than SEND."""

    def raise_to(self, ordinals: Ordinals, standing: Standing) -> None:
        self.standings[ordinals] = np.maximum(self.standings[ordinals], standing)
        self.raised = self.raised or len(ordinals) > 0

    def within(self, fates: Fates) -> None:
        """Find repeats and conflicts among the rows of the source."""
        twice = [part[1:][part[1:] == part[:-1]] for part in sorted_parts(self.spill.hashes())]
        wanted = np.unique(np.concatenate(twice)) if twice else np.empty(0, np.uint64)
        for start in range(0, len(wanted), _LOOK):
            self._judge(gather(self.spill, wanted[start : start + _LOOK]), fates)
        order = np.argsort(fates.firsts, kind="stable")
        fates.firsts, fates.repeat_keys = fates.firsts[order], fates.repeat_keys[order]

    def _judge(self, rows: pd.DataFrame, fates: Fates) -> None:
        rows = rows.sort_values("key", kind="stable")
        rows["gtin"] = np.array([int(b.gtin) for b in self.batches], np.int64)[rows["group"].to_numpy()]
        same = rows.groupby(["gtin", "serial"], sort=False)
        rows["first"] = same["ordinal"].transform("first")
        clash = same["group"].transform("nunique") > 1
        repeats = rows[~clash & (rows["ordinal"] != rows["first"])]
        self.raise_to(repeats["ordinal"].to_numpy(), Standing.REPEAT)
        fates.firsts = np.concatenate([fates.firsts, repeats["first"].to_numpy()])
        fates.repeat_keys = np.concatenate([fates.repeat_keys, repeats["key"].to_numpy()])
        self._conflicts(rows[clash], fates)

    def _conflicts(self, rows: pd.DataFrame, fates: Fates) -> None:
        """Reject rows that contradict each other; each names the first one that it contradicts."""
        self.raise_to(rows["ordinal"].to_numpy(), Standing.CONFLICT)
        if rows.empty:
            return
        heads = rows.drop_duplicates(["gtin", "serial", "group"]).groupby(["gtin", "serial"], sort=False)
        others = heads.nth(0).merge(heads.nth(1), on=["gtin", "serial"], suffixes=("_first", "_second"))
        rows = rows.merge(others, on=["gtin", "serial"])
        first = rows["group"] != rows["group_first"]
        group = rows["group_first"].where(first, rows["group_second"])
        key = rows["key_first"].where(first, rows["key_second"])
        fates.clashes.add(rows["ordinal"].to_numpy(), group.to_numpy(), key.to_numpy(), self._explain)

    def _explain(self, serial: str, group: int, other: int, key: int) -> Reject:
        ours, theirs = self.batches[group], self.batches[other]
        return Reject(
            "conflict_in_source",
            f"Serial {serial} of GTIN {ours.gtin} stands here with {describe(ours)}, but with {describe(theirs)} in "
            f"{self.where(key)}. Nothing tells which is right: correct or delete the wrong row.",
        )


def describe(batch: Batch) -> str:
    return f"batch {batch.batch}, expiry {batch.expiry}"


def two_expiries(batches: list[Batch], rows: npt.NDArray[np.int64]) -> dict[int, Reject]:
    """Groups whose batch of one GTIN has several expiries, with the reason for each. `rows` counts them by group."""
    same: dict[tuple[str, str], list[int]] = {}
    for group, batch in enumerate(batches):
        if rows[group]:
            same.setdefault((batch.gtin, batch.batch), []).append(group)
    return {
        group: _explain_expiries([batches[g] for g in groups], [int(rows[g]) for g in groups])
        for groups in same.values()
        if len(groups) > 1
        for group in groups
    }


def _explain_expiries(batches: list[Batch], rows: list[int]) -> Reject:
    found = ", ".join(f"{b.expiry} in {n} row{'s' * (n != 1)}" for b, n in zip(batches, rows, strict=True))
    return Reject(
        "batch_two_expiries",
        f"Batch {batches[0].batch} of GTIN {batches[0].gtin} has {len(batches)} expiry dates: {found}. "
        "A batch has one: correct the wrong rows.",
    )
