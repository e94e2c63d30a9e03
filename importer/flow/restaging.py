"""Stages a run's source again, as the run itself was staged, and holds every row against the ledger: serial, GTIN,
batch, expiry, and for what it was rejected. What earlier runs have is left out: they may have changed since.

Rows are summed up by hashes in buckets of the source, in any order; only a bucket whose sums differ is looked at again
row by row. So a list of any length costs one more staging and a few bytes a batch.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.concurrency import Stopping
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Batch, Message
from importer.results.outcomes import windows
from importer.results.totals import sheet_names
from importer.rows.fingerprints import Hashes, fingerprints
from importer.rows.layout import column
from importer.rows.tables import Source, place_of
from importer.staging.planning import Planned
from importer.staging.stage import Staging, stage

_BUCKET_BITS = 16
"""Rows in a bucket, at most 65,536: what a second look holds in memory."""
_SINCE_STAGING = ("conflict_with_run", "taken_back", "not_assigned_by_run")
"""The codes of rows that only an earlier run makes wrong."""
_NAMES = ("serial", "gtin", "batch", "expiry", "code")

_Row = tuple[str, str, str, str, str]
"""Serial, GTIN, batch, expiry; the code for which it is rejected, or nothing."""
_Sums = dict[tuple[int, Batch | None], int]
"""By bucket and batch; rejected rows, whose batch may be anything, are under None."""


def differences(view: View, run: Run, reopen: Callable[[], Source], staging: Staging) -> Iterator[Message]:
    """Every row of the source that the ledger has otherwise, or not at all; and what only the ledger has.

    `staging` has the settings and the day with which the run was staged. Raises what `stage` raises.
    """
    ours, theirs = _sums_of_source(reopen(), staging), _sums_of_ledger(view, run)
    wrong = {key[0] for key in ours.keys() | theirs.keys() if ours.get(key, 0) != theirs.get(key, 0)}
    for bucket in sorted(wrong):
        yield from _in_bucket(bucket, view, run, reopen(), staging)


def _in_bucket(bucket: int, view: View, run: Run, source: Source, staging: Staging) -> Iterator[Message]:
    ours = _rows_of_source(bucket, source, staging)
    theirs = _rows_of_ledger(bucket, view, run)
    names = sheet_names(run)
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        where = place_of(key, names)
        if mine is None or other is None:
            case = "not_in_source" if mine is None else "not_in_ledger"
            yield Message("verify_row", "", {"case": case, "where": where})
        elif mine != other and (other[-1] not in _SINCE_STAGING or (not mine[-1] and mine[:4] != other[:4])):
            name, right, found = next(each for each in zip(_NAMES, mine, other, strict=True) if each[1] != each[2])
            yield Message("verify_row", "", {"where": where, "name": name, "found": found, "expected": right})


@dataclass(slots=True)
class _Sink:
    """Takes what staging makes of a source. `by_group`: sums of hashes by bucket and the batch's number in it."""

    by_group: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    rejected: _Sums = field(default_factory=lambda: defaultdict(int))
    bucket: int = -1
    """The one whose rows are kept."""
    kept: list[tuple[int, str, int]] = field(default_factory=list)
    """Key, serial and batch number of good rows."""
    rows: dict[int, _Row] = field(default_factory=dict)

    def chunk(self, planned: Planned) -> None:
        serials = column(planned.text, len(planned.keys))
        if len(planned.repeat_keys):
            self._good(planned.group, planned.repeat_keys, serials.take(pa.array(planned.repeat_of)))
        self._good(planned.group, planned.keys, serials)

    def _good(self, group: int, keys: npt.NDArray[np.int64], serials: Any) -> None:
        for bucket, total in _by_bucket(keys, serials):
            self.by_group[bucket, group] += total
        if self.bucket >= 0:
            places = np.flatnonzero(keys >> _BUCKET_BITS == self.bucket)
            chosen = serials.take(pa.array(places)).to_pylist()
            self.kept += zip(keys[places].tolist(), chosen, [group] * len(places), strict=True)

    def rejects(self, rows: Any) -> None:
        for key, row in _each_row(rows):
            self.rejected[key >> _BUCKET_BITS, None] += _hash_of(key, row)
            if key >> _BUCKET_BITS == self.bucket:
                self.rows[key] = row


def _staged(source: Source, staging: Staging, bucket: int = -1) -> tuple[_Sink, Sequence[Batch]]:
    sink = _Sink(bucket=bucket)
    staged = stage(source, staging, sink, None, stopping=Stopping(), progress=lambda _: None)
    return sink, staged.batches


def _sums_of_source(source: Source, staging: Staging) -> _Sums:
    sink, batches = _staged(source, staging)
    sums: _Sums = dict(sink.rejected)
    for (bucket, group), total in sink.by_group.items():
        sums[bucket, batches[group]] = sums.get((bucket, batches[group]), 0) + total
    return {key: total & _ALL_BITS for key, total in sums.items()}


def _rows_of_source(bucket: int, source: Source, staging: Staging) -> dict[int, _Row]:
    sink, batches = _staged(source, staging, bucket)
    for key, serial, group in sink.kept:
        batch = batches[group]
        sink.rows[key] = (serial, batch.gtin, batch.batch, batch.expiry, "")
    return sink.rows


def _sums_of_ledger(view: View, run: Run) -> _Sums:
    sums: defaultdict[tuple[int, Batch | None], int] = defaultdict(int)
    for window in windows(view, run, sheet_names(run)):
        good = _is_good(window)
        rejected = window.filter(pa.array(~good))
        for key, row in _each_row(rejected):
            sums[key >> _BUCKET_BITS, None] += _hash_of(key, row)
        for batch, rows in _by_batch(window.filter(pa.array(good))):
            for bucket, total in _by_bucket(rows["key"].to_numpy(), rows["serial"]):
                sums[bucket, batch] += total
    return {key: total & _ALL_BITS for key, total in sums.items()}


def _rows_of_ledger(bucket: int, view: View, run: Run) -> dict[int, _Row]:
    found: dict[int, _Row] = {}
    for window in windows(view, run, sheet_names(run)):
        inside = window["key"].to_numpy() >> _BUCKET_BITS == bucket
        if inside.any():
            rows = window.filter(pa.array(inside))
            for (key, row), outcome in zip(_each_row(rows), rows["outcome"].to_pylist(), strict=True):
                found[key] = row if outcome == "rejected" else (*row[:4], "")
    return found


def _is_good(window: Any) -> npt.NDArray[np.bool_]:
    """Rows that were right in themselves."""
    rejected, since = (
        pc.is_in(window[name].dictionary_decode(), pa.array(values)).to_numpy(zero_copy_only=False)
        for name, values in (("outcome", ["rejected"]), ("code", _SINCE_STAGING))
    )
    return np.asarray(~rejected | since)


def _by_batch(window: Any) -> Iterator[tuple[Batch, Any]]:
    names = ("gtin", "batch", "expiry")
    codes = np.stack([window[name].indices.to_numpy() for name in names], axis=1)
    if not len(codes):
        return
    distinct, which = np.unique(codes, axis=0, return_inverse=True)
    for place, combination in enumerate(distinct.tolist()):
        values = (window[name].dictionary[code].as_py() for name, code in zip(names, combination, strict=True))
        yield Batch(*values), window.filter(pa.array(which.reshape(-1) == place))


def _each_row(rows: Any) -> Iterator[tuple[int, _Row]]:
    columns = [rows[name].to_pylist() for name in ("key", *_NAMES)]
    return ((key, (*values,)) for key, *values in zip(*columns, strict=True))


_ALL_BITS = (1 << 64) - 1


def _by_bucket(keys: npt.NDArray[np.int64], serials: Any) -> list[tuple[int, int]]:
    """Buckets, each with the sum of the hashes of its rows."""
    if not len(keys):
        return []
    hashes: Hashes = fingerprints(serials, keys.astype(np.uint64))
    buckets = keys >> _BUCKET_BITS
    distinct, which = np.unique(buckets, return_inverse=True)
    totals = np.zeros(len(distinct), np.uint64)
    np.add.at(totals, which, hashes)
    return list(zip(distinct.tolist(), totals.tolist(), strict=True))


def _hash_of(key: int, row: _Row) -> int:
    digest = hashlib.blake2b(repr((key, row)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)
