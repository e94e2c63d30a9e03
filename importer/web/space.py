"""Room on the disk for uploads, promised before it is used, to all of them together. What the ledger needs is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RESERVE = 256 << 20
"""Bytes of the disk that no upload may take: ledger and reports need them."""
_STEP = 16 << 20
"""What is promised at a time to an upload that does not say how long it is."""


class DiskFull(Exception):  # noqa: N818  it is no fault of ours
    """The disk has no room for it, beside all that is on its way."""


class ShareUsed(Exception):  # noqa: N818  it is no fault of ours
    """Its person has taken his share."""


@dataclass(slots=True, eq=False)
class Promise:
    """Room for one upload: `size` bytes in all, of which `used` are on the disk already."""

    person: str
    size: int = 0
    used: int = 0


class Space:
    """`share`: bytes that one person may take, in waiting lists and in those on their way."""

    def __init__(self, directory: Path, share: int, free: Callable[[Path], int] | None = None) -> None:
        self._directory = directory
        self._share = share
        self._free = free or (lambda path: shutil.disk_usage(path).free)
        self._promises: set[Promise] = set()

    @contextmanager
    def promise(self, person: str, size: int, waiting: int) -> Iterator[Promise]:
        """Room for an upload while it arrives; `waiting`: bytes of its person's lists. Raises DiskFull, ShareUsed."""
        promise = Promise(person)
        self._promises.add(promise)
        try:
            self._grow(promise, size, waiting)
            yield promise
        finally:
            self._promises.remove(promise)

    def use(self, promise: Promise, size: int, waiting: int) -> None:
        """Before bytes are written. Raises DiskFull, ShareUsed if they are more than were promised, and too many."""
        missing = promise.used + size - promise.size
        if missing > 0:
            self._grow(promise, max(missing, _STEP), waiting)
        promise.used += size

    def _grow(self, promise: Promise, size: int, waiting: int) -> None:
        arriving = sum(one.size for one in self._promises if one.person == promise.person)
        if waiting + arriving + size > self._share:
            raise ShareUsed
        coming = sum(one.size - one.used for one in self._promises)
        if self._free(self._directory) - coming - size < RESERVE:
            raise DiskFull
        promise.size += size
