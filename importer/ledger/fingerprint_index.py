"""The fingerprint index: which serials a run holds, as sorted pieces of (shortened hash, chunk), about 4 bytes each.

An entry is one 64-bit number: 40 bits of hash, 24 bits of the seq of the planned chunk in which the serial stands.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from importer.ledger.packing import seal, unseal
from importer.rows.fingerprints import SHORT_BITS, Hashes

SEQ_BITS = np.uint64(64 - SHORT_BITS)
MAX_SEQ = (1 << (64 - SHORT_BITS)) - 1
_SEQ_MASK = np.uint64(MAX_SEQ)
_PIECE = 1 << 19
"""Entries in one piece."""
_HEAD = struct.Struct("<IQ")
"""Entries, the first shortened hash."""


def entries(short: Hashes, seqs: Hashes) -> Hashes:
    """Entries for shortened hashes and the seqs of their chunks; not sorted."""
    return (short << SEQ_BITS) | seqs


def split(found: Hashes) -> tuple[Hashes, Hashes]:
    """Shortened hashes and seqs of entries."""
    return found >> SEQ_BITS, found & _SEQ_MASK


def pieces(ordered: Hashes) -> Iterator[tuple[int, int, bytes]]:
    """Cut sorted entries into pieces: the first and last shortened hash, and the blob."""
    for start in range(0, len(ordered), _PIECE):
        piece = ordered[start : start + _PIECE]
        short, _ = split(piece)
        yield int(short[0]), int(short[-1]), encode(piece)


def encode(ordered: Hashes) -> bytes:
    """Pack sorted entries: steps and seqs as planes of bytes, of which the upper are nearly all zeros."""
    short, seqs = split(ordered)
    steps = np.diff(short, prepend=short[:1])
    planes = b"".join(
        np.ascontiguousarray(column.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T).tobytes()
        for column, width in ((steps, 5), (seqs, 3))
    )
    return seal(_HEAD.pack(len(ordered), int(short[0])) + planes)


def decode(blob: bytes) -> Hashes:
    """Raises Damaged."""
    body = unseal(blob)
    count, first = _HEAD.unpack_from(body)
    planes = np.frombuffer(body, np.uint8, offset=_HEAD.size).reshape(8, count)
    steps = _join(planes[:5])
    return entries(np.cumsum(steps, dtype=np.uint64) + np.uint64(first), _join(planes[5:]))


def _join(planes: np.ndarray[Any, np.dtype[np.uint8]]) -> Hashes:
    whole = np.zeros((planes.shape[1], 8), np.uint8)
    for place, plane in enumerate(planes):
        if plane.any():
            whole[:, place] = plane
    return whole.view("<u8").reshape(-1)
