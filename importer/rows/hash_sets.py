"""Tells at a glance which numbers can't be among many others. Pure."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from importer.errors import ImporterError
from importer.rows.fingerprints import Hashes

_BITS = 24
_LOW = np.uint64((1 << _BITS) - 1)


class Sieve:
    """Lets all `wanted` numbers through, and of half a million wanted ones one in thirty others. 2 MB.

    A bit each, for the processor's cache; NumPy looks up signed numbers twice as fast as unsigned ones.
    """

    def __init__(self, wanted: Hashes) -> None:
        table = np.zeros(1 << _BITS, np.bool_)
        table[_places(wanted)] = True
        self._table = np.packbits(table, bitorder="little")

    def __call__(self, numbers: Hashes) -> npt.NDArray[np.bool_]:
        places = _places(numbers)
        passed = self._table.take(places >> 3) >> (places & 7).astype(np.uint8)
        return (passed & np.uint8(1)).view(np.bool_)


def among(numbers: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    """Which of the numbers are in `ordered` (sorted, not empty), exactly."""
    equal: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, numbers), len(ordered) - 1)] == numbers
    return equal


def _places(numbers: Hashes) -> npt.NDArray[np.int64]:
    return (numbers & _LOW).view(np.int64)


@contextmanager
def room_in(directory: Path) -> Iterator[None]:
    """Turn what the disk refuses into words."""
    try:
        yield
    except OSError as error:
        raise ImporterError("rows_not_kept", path=str(directory), reason=error.strerror or str(error)) from error


class Numbers:
    """64-bit numbers in a file, read a slice at a time: mapped, all of them would count as memory of the process."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file = file
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice) -> Hashes:
        start, stop, _ = part.indices(self._count)
        return np.frombuffer(os.pread(self._file.fileno(), (stop - start) * 8, start * 8), np.uint64)


_PART = 1 << 20
"""Numbers in a part, at most."""
_RUN = 1 << 19
"""Numbers sorted at once."""


# DuckDB would do this, too: it groups 20 million hashes in 3.5 CPU seconds, in 335 MB (limit: 250). What follows takes
# 2.5 CPU seconds and 200 MB, and the exact look at the rows behind equal hashes would stay as it is.
def sorted_parts(numbers: Hashes | Numbers, room: Path) -> Iterator[Hashes]:
    """All of `numbers` in ascending order, in parts that fit into memory; they are expected to be spread evenly.

    Of a number that stands there so often that its part would not fit, only two are kept. More than a part are sorted
    in runs that go to a file in the directory `room`; a part is what all runs have of it.
    """
    bits = max(0, (len(numbers) - 1).bit_length() - (_PART - 1).bit_length())
    if not bits:
        yield np.sort(numbers[:])
        return
    bounds = np.arange(1, 1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
    ends = []
    with room_in(room), tempfile.TemporaryFile(dir=room, prefix=".importer-sorted-") as file:
        for start in range(0, len(numbers), _RUN):
            run = np.sort(numbers[start : start + _RUN])
            file.write(run.data)
            ends.append([start, *(start + np.searchsorted(run, bounds)).tolist(), start + len(run)])
        file.flush()
        runs = Numbers(file, len(numbers))
        for part in range(1 << bits):
            yield _together(runs[end[part] : end[part + 1]] for end in ends)


def _together(pieces: Iterable[Hashes]) -> Hashes:
    gathered: list[Hashes] = []
    count, most = 0, 2 * _PART
    for piece in pieces:
        gathered.append(piece)
        count += len(piece)
        if count > most:
            gathered = [_two_of_each(np.sort(np.concatenate(gathered)))]
            count, most = len(gathered[0]), max(most, 2 * len(gathered[0]))
    whole = np.concatenate(gathered)
    gathered.clear()
    whole.sort()
    return whole


def _two_of_each(ordered: Hashes) -> Hashes:
    more = np.zeros(len(ordered), np.bool_)
    more[2:] = ordered[2:] == ordered[:-2]
    return ordered[~more]


def twice(numbers: Hashes | Numbers, room: Path) -> Hashes:
    """The numbers that stand there more than once, in ascending order, each once."""
    found = [np.empty(0, np.uint64)]
    for _ in noting_twice(sorted_parts(numbers, room), found):
        pass
    return np.concatenate(found)


def noting_twice(parts: Iterable[Hashes], found: list[Hashes]) -> Iterator[Hashes]:
    """Sorted parts as they come; the numbers that stand in one more than once go into `found`, each once."""
    for part in parts:
        found.append(np.unique(part[1:][part[1:] == part[:-1]]))
        yield part
