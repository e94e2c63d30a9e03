"""Finds rows of a source that stand in it twice, exactly and in bounded memory: by hash first, then by looking at them.

A row with the same GTIN, serial, batch and expiry as an earlier one is a repeat; one with another batch or expiry is in
conflict, and so is every row with that serial (CONTRACT, "Where nothing may be lost").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.gs1.characters import show
from importer.gs1.suspect import Suspect
from importer.model import Batch, Reject
from importer.rows.fingerprints import Hashes
from importer.rows.hash_sets import Sieve, among
from importer.rows.tables import conflicting
from importer.staging.spill import SPILLED, Spill
from importer.staging.standings import Ordinals, Standing, Standings

if TYPE_CHECKING:
    import pandas as pd  # where no hash stands twice it is not loaded at all
_FEW = 8
"""Look exactly at a window if less than one row in so many may be wanted."""
_AT_ONCE = 1 << 20
"""Hashes, and about the most rows, that are looked at together."""

_MANY_TIMES = 9
"""Repeats of one serial; a list that was put together of copies has fewer."""
_ROWS_THAT_SHOW = 20

_GATHERED = SPILLED.append(pa.field("ordinal", pa.int64()))
_SERIAL = ["gtin", "serial"]


def gather(spill: Spill, wanted: Hashes, at_once: int = _AT_ONCE) -> Iterator[pd.DataFrame]:
    """The rows whose hash is in `wanted` (sorted), by windows: ordinal, key, serial, group."""
    waiting: list[Any] = []
    count = 0
    for rows in _candidates(spill, wanted, 0):
        hashes = rows["hash"].to_numpy()
        waiting.append(rows.filter(pa.array(among(hashes, wanted))))
        count += len(waiting[-1])
        if count >= at_once:
            yield _frame(waiting)
            waiting, count = [], 0
    if count:
        yield _frame(waiting)


def _frame(rows: list[Any]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.Table.from_batches(rows, _GATHERED).drop_columns(["hash"]).to_pandas()
    return frame


def candidates(spill: Spill, wanted: Hashes, shift: int) -> Any:
    """The rows whose hash, shifted right, is in `wanted` (sorted), and a few others: an Arrow table of SPILLED, with a
    last column `ordinal`.
    """
    return pa.Table.from_batches(list(_candidates(spill, wanted, shift)), _GATHERED)


def _candidates(spill: Spill, wanted: Hashes, shift: int) -> Iterator[Any]:
    """Windows without such a row are not read."""
    sieve, all_hashes = Sieve(wanted), spill.hashes()
    for number, (start, stop) in enumerate(spill.spans()):
        hashes = all_hashes[start:stop] >> np.uint64(shift)
        passed = sieve(hashes)
        places = np.flatnonzero(passed)
        if len(places) * _FEW < len(hashes):  # most of them may have come through by chance
            exactly = among(hashes[places], wanted)
            passed[places[~exactly]] = False
            places = places[exactly]
        if len(places):
            yield spill.window(number).filter(pa.array(passed)).append_column("ordinal", pa.array(places + start))


@dataclass(slots=True)
class Finder:
    """Collects the fates of a source's rows. `batches` by group; `where` names a row, as a part of a message."""

    spill: Spill
    batches: list[Batch]
    standings: npt.NDArray[np.uint8]
    where: Callable[[int], Mapping[str, str]]
    at_once: int = _AT_ONCE
    raised: bool = False
    """Whether any row has another standing than SEND."""
    _repeats: Ordinals = field(default_factory=lambda: np.empty(0, np.int64))
    """The rows that repeat those of `Standings.firsts`."""

    def raise_to(self, ordinals: Ordinals, standing: Standing) -> None:
        self.standings[ordinals] = np.maximum(self.standings[ordinals], standing)
        self.raised = self.raised or len(ordinals) > 0

    def within(self, fates: Standings, wanted: Hashes) -> None:
        """Find repeats and conflicts among the rows of the source. `wanted` are the hashes that stand there twice."""
        repeats = [
            self._judge(rows, heads, fates)
            for start in range(0, len(wanted), self.at_once)
            for rows, heads in self._with_heads(wanted[start : start + self.at_once])
        ]
        if repeats:
            firsts, keys, self._repeats = (np.concatenate(column) for column in zip(*repeats, strict=True))
            order = np.argsort(firsts, kind="stable")
            fates.firsts, fates.repeat_keys, self._repeats = firsts[order], keys[order], self._repeats[order]

    def hold_repeated(self, fates: Standings, rows: int, accept: Collection[str]) -> int:
        """Hold serials back that stand in many rows each, where most of the source's `rows` repeat another: no list of
        packs does. Return how many rows are sent nevertheless, since a person has accepted them.
        """
        firsts, many = np.unique(fates.firsts, return_counts=True)
        firsts, many = firsts[many >= _MANY_TIMES], many[many >= _MANY_TIMES] + 1
        held = np.isin(fates.firsts, firsts)
        if rows < _ROWS_THAT_SHOW or 2 * len(fates.firsts) < rows or not held.any():
            return 0
        if Suspect.REPEATED in accept:
            return int(many.sum())
        ordinals = np.concatenate([firsts, self._repeats[held]])
        counts = np.concatenate([many, np.repeat(many, many - 1)])
        self.raise_to(ordinals, Standing.CONFLICT)
        fates.conflicts.add(ordinals, counts, np.full(len(ordinals), rows), _repeated)
        fates.firsts, fates.repeat_keys = fates.firsts[~held], fates.repeat_keys[~held]
        return 0

    def _with_heads(self, wanted: Hashes) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """The rows with these hashes, some at a time, with the heads of them all."""
        blocks = self._gathered(wanted)
        first = next(blocks)
        heads, many = _heads(first, first), False
        for block in blocks:
            heads, many = _heads(heads, block), True
        pairs = _first_two(heads)
        for block in self._gathered(wanted) if many else [first]:
            yield block, pairs

    def _gathered(self, wanted: Hashes) -> Iterator[pd.DataFrame]:
        gtins = np.array([int(batch.gtin) for batch in self.batches], np.int64)
        for rows in gather(self.spill, wanted, self.at_once):
            rows["gtin"] = gtins[rows["group"].to_numpy()]
            yield rows

    def _judge(self, rows: pd.DataFrame, heads: pd.DataFrame, fates: Standings) -> tuple[Ordinals, Ordinals, Ordinals]:
        """The first row, the key and the ordinal of each of the rows that repeats one."""
        rows = rows.merge(heads, on=_SERIAL, how="left")
        clash = rows["group_second"].notna()
        repeats = rows[~clash & (rows["ordinal"] != rows["ordinal_first"])]
        self.raise_to(repeats["ordinal"].to_numpy(), Standing.REPEAT)
        self._conflicts(rows[clash], fates)
        return repeats["ordinal_first"].to_numpy(), repeats["key"].to_numpy(), repeats["ordinal"].to_numpy()

    def _conflicts(self, rows: pd.DataFrame, fates: Standings) -> None:
        """Reject rows that contradict each other; each names the first one that it contradicts."""
        if rows.empty:
            return
        self.raise_to(rows["ordinal"].to_numpy(), Standing.CONFLICT)
        first = rows["group"] != rows["group_first"]
        group = rows["group_first"].where(first, rows["group_second"]).astype(np.int64)
        key = rows["key_first"].where(first, rows["key_second"]).astype(np.int64)
        fates.conflicts.add(rows["ordinal"].to_numpy(), group.to_numpy(), key.to_numpy(), self._explain)

    def _explain(self, serial: str, group: int, other: int, key: int) -> Reject:
        values = conflicting(serial, self.batches[group], self.batches[other])
        return Reject("conflict_in_source", "", {**values, "where": self.where(key)})


def _repeated(serial: str, _group: int, count: int, rows: int) -> Reject:
    return Reject(Suspect.REPEATED.value, "serial", {"value": show(serial), "count": count, "rows": rows})


def _heads(*rows: pd.DataFrame) -> pd.DataFrame:
    """The first row of each serial in each batch, in the order of the source."""
    import pandas as pd  # noqa: PLC0415  as above

    return pd.concat(rows).sort_values("key", kind="stable").drop_duplicates([*_SERIAL, "group"])


def _first_two(heads: pd.DataFrame) -> pd.DataFrame:
    """By serial its first row (`ordinal_first`, …), and the first one in another batch (`…_second`), or nothing."""
    same = heads.groupby(_SERIAL, sort=False)
    second = same.nth(1).convert_dtypes()  # to those that can be missing
    return same.nth(0).merge(second, on=_SERIAL, how="left", suffixes=("_first", "_second"))


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
    found = [
        {"code": "expiry_in_rows", "expiry": batch.expiry, "n": count}
        for batch, count in zip(batches, rows, strict=True)
    ]
    first = batches[0]
    return Reject(
        "batch_two_expiries",
        "expiry",
        {"batch": first.batch, "gtin": first.gtin, "n": len(batches), "expiries": found},
    )
