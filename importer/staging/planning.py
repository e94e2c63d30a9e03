"""Cuts good rows into chunks of one pharma batch each. Pure: windows of rows in, planned chunks and rejects out.

Chunks come out in the order in which they fill up, so that a sorted list is sent in its order; rows within a chunk keep
the order of the source. Rows wait for the rest of their chunk; when too many rows or chunks wait (a list shuffled over
very many batches) all go out in chunks that are not full: more requests, bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from importer.rows.fingerprints import Hashes
from importer.rows.layout import lines
from importer.staging.standings import Ordinals, Standing, Standings

_MOST_WAITING = 4_000_000
"""Rows."""
_MOST_OPEN = 1 << 17
"""Chunks that wait for more rows, of about 700 bytes each beside their rows: together 90 MB, however many batches there
are.
"""
_STANDINGS = len(Standing)
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Planned:
    """A chunk: serials as text with a line feed after each, their keys and hashes, and the rows that repeat one."""

    group: int
    standing: Standing
    text: bytes
    keys: Ordinals
    hashes: Hashes
    repeat_of: npt.NDArray[np.int32]
    repeat_keys: Ordinals


@dataclass(slots=True)
class _Open:
    """A chunk that waits for more rows."""

    texts: list[bytes] = field(default_factory=list)
    keys: list[Ordinals] = field(default_factory=list)
    hashes: list[Hashes] = field(default_factory=list)
    repeat_of: list[Ordinals] | tuple[()] = ()
    repeat_keys: list[Ordinals] | tuple[()] = ()
    """Lists only if a row of it is repeated: most chunks have none."""
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A window's rows, those of one label together. `firsts`: places of rows that have repeats, rising."""

    labels: npt.NDArray[np.int64]
    text: bytes
    ends: npt.NDArray[np.int32]
    keys: Ordinals
    hashes: Hashes
    firsts: Ordinals
    repeat_keys: Ordinals


class Planner:
    """`plan` and `reject` are called as chunks fill up and rows turn out to be rejected.

    `held` finds the places in a window of rows that are held back. `reject` gets a window's rows (spill.SPILLED) and
    the places in it of the rejected ones.
    """

    def __init__(
        self,
        chunk_size: int,
        fates: Standings,
        plan: Callable[[Planned], None],
        reject: Callable[[int, Any, npt.NDArray[np.intp]], None],
        *,
        held: Callable[[Any], npt.NDArray[np.intp]] | None = None,
        most_waiting: int = _MOST_WAITING,
        most_open: int = _MOST_OPEN,
    ) -> None:
        self._held = held
        self._size = chunk_size
        self._fates = fates
        self._bad_groups = np.array(sorted(fates.groups), np.int32)
        self._plan = plan
        self._reject = reject
        self._open: dict[int, _Open] = {}
        self._waiting = 0
        self._most_waiting = most_waiting
        self._most_open = most_open

    def add(self, ordinal: int, window: Any) -> None:
        """Plan the rows of a window of the spill that begins at `ordinal`."""
        groups = window["group"].to_numpy()
        standings = self._fates.window(ordinal, len(window))
        rejected = standings == Standing.CONFLICT
        if len(self._bad_groups):
            rejected |= np.isin(groups, self._bad_groups)
        if self._held:
            rejected[self._held(window)] = True  # also what only repeats another one that is held back
        if rejected.any():
            self._reject(ordinal, window, np.flatnonzero(rejected))
        places = np.flatnonzero(~rejected & (standings != Standing.REPEAT))
        labels = groups.astype(np.int64) * _STANDINGS + standings
        self._distribute(self._sort(ordinal, window, labels, places))
        if self._waiting > self._most_waiting or len(self._open) > self._most_open:
            self.close()

    def close(self) -> None:
        """Let out what waits."""
        for label, chunk in self._open.items():
            self._emit(label, chunk)
        self._open.clear()

    def _sort(self, ordinal: int, window: Any, labels: npt.NDArray[np.int64], places: npt.NDArray[np.intp]) -> _Sorted:
        kept = labels[places]
        if len(kept) and (kept[1:] < kept[:-1]).any():
            small = kept.max() < 1 << 16  # NumPy sorts two-byte numbers by radix, ten times as fast
            places = places[np.argsort(kept.astype(np.uint16) if small else kept, kind="stable")]
        if len(places) < len(labels) or (len(kept) and (places[1:] < places[:-1]).any()):
            window = window.take(places)
        text, ends = lines(window["serial"])
        firsts, repeat_keys = self._fates.repeats(ordinal, len(labels))
        if len(firsts):
            position = np.full(len(labels), -1, np.int64)
            position[places] = np.arange(len(places))
            firsts = position[firsts]
            order = np.argsort(firsts, kind="stable")
            order = order[firsts[order] >= 0]
            firsts, repeat_keys = firsts[order], repeat_keys[order]
        keys, hashes = window["key"].to_numpy(), window["hash"].to_numpy()
        return _Sorted(labels[places], text, ends, keys, hashes, firsts, repeat_keys)

    def _distribute(self, rows: _Sorted) -> None:
        if not len(rows.labels):
            return
        starts = np.flatnonzero(np.diff(rows.labels, prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(rows.labels)], strict=True):
            self._append(int(rows.labels[start]), rows, start, end)

    def _append(self, label: int, rows: _Sorted, start: int, end: int) -> None:
        chunk = self._open.pop(label, None) or _Open()
        while start < end:
            stop = min(end, start + self._size - chunk.count)
            self._extend(chunk, rows, start, stop)
            if chunk.count == self._size:
                self._emit(label, chunk)
                chunk = _Open()
            start = stop
        if chunk.count:
            self._open[label] = chunk

    def _extend(self, chunk: _Open, rows: _Sorted, start: int, stop: int) -> None:
        if len(rows.firsts):
            low, high = np.searchsorted(rows.firsts, [start, stop])
            if high > low:
                chunk.repeat_of = [*chunk.repeat_of, rows.firsts[low:high] + (chunk.count - start)]
                chunk.repeat_keys = [*chunk.repeat_keys, rows.repeat_keys[low:high].copy()]
        chunk.texts.append(rows.text[rows.ends[start] : rows.ends[stop]])
        chunk.keys.append(rows.keys[start:stop].copy())
        chunk.hashes.append(rows.hashes[start:stop].copy())
        chunk.count += stop - start
        self._waiting += stop - start

    def _emit(self, label: int, chunk: _Open) -> None:
        self._waiting -= chunk.count
        group, standing = divmod(label, _STANDINGS)
        self._plan(
            Planned(
                group,
                Standing(standing),
                b"".join(chunk.texts),
                np.concatenate(chunk.keys),
                np.concatenate(chunk.hashes),
                np.concatenate([*chunk.repeat_of, _NONE]).astype(np.int32),
                np.concatenate([*chunk.repeat_keys, _NONE]),
            )
        )
