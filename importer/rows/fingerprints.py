"""A 64-bit hash of (GTIN, serial) over whole columns, by which equal ones find each other. Pure.

The hash is kept in ledgers: it may never change. Two different serials may share one, so the finder of a match looks
at the serials themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from importer.rows.layout import block

Hashes = npt.NDArray[np.uint64]

_WIDTH = 24
"""Bytes of a serial, filled up with zeros: at most 20 are used (GS1 General Specifications, AI (21))."""
SHORT_BITS = 40
"""How much of a hash the ledger keeps (see ledger/index)."""
_SHIFT = np.uint64(64 - SHORT_BITS)


def fingerprints(serials: Any, gtins: Hashes) -> Hashes:
    """Hash a string column of legal serials, each with the number of its GTIN."""
    words = words_of(serials)
    state = _stir(gtins + np.uint64(0x9E3779B97F4A7C15))
    for column in range(3):
        state = _stir(state ^ words[:, column])
    return state


def words_of(serials: Any) -> npt.NDArray[np.uint64]:
    """Legal serials as three numbers each, by which they can be told apart."""
    same = block(serials)
    if same is None:
        import pyarrow.compute as pc  # noqa: PLC0415  slow to load, and listing runs doesn't need it

        same = block(pc.ascii_rpad(serials, _WIDTH, "\0"))
    if same is None:
        return np.empty((0, 3), np.uint64)
    padded = np.zeros((len(same), _WIDTH), np.uint8)
    padded[:, : same.shape[1]] = same
    return padded.view("<u8")


def _stir(state: Hashes) -> Hashes:
    """Mix the bits of each number; the finalizer of SplitMix64."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def shorten(hashes: Hashes) -> Hashes:
    """The upper 40 bits, as numbers below 2**40; their order is the order of the hashes."""
    return hashes >> _SHIFT
