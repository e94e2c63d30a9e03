"""Makes lists of any size, always the same for the same options: row i of the world has its serial and its batch.

Serials are 20 random-looking characters, as the vendor's own sample has them, and unique by construction.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Order = Literal["sorted", "shuffled"]
Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.uint64]

_BLOCK = 1 << 18
_HEADER = b"SerialNumber,GTIN,Batch,ExpirationDate\n"
_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)
_BATCHES_PER_PRODUCT = 20
_LENGTH, _UNIQUE = 20, 13


def _stir(state: Any) -> Any:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _serials(numbers: Numbers) -> Bytes:
    """The first _UNIQUE characters hold a permutation of the number, so that no two are alike."""
    first = _stir(numbers + np.uint64(0x9E3779B97F4A7C15))
    second = _stir(first + np.uint64(0xD1B54A32D192ED03))
    out = np.empty((len(numbers), _LENGTH), np.uint8)
    for place in range(_LENGTH):
        source, shift = (first, 5 * place) if place < _UNIQUE else (second, 5 * (place - _UNIQUE))
        out[:, place] = _ALPHABET[(source >> np.uint64(shift)) & np.uint64(31)]
    return out


def _tail(batch: int) -> bytes:
    """What follows the serial in a row of this batch."""
    product = batch // _BATCHES_PER_PRODUCT
    body = f"0{4012345 + product // 100000:07d}{product % 100000:05d}"
    check = -sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(body)) % 10
    expiry = f"{32 + batch % 4}{1 + batch % 12:02d}{1 + batch % 28:02d}"
    return f",{body}{check},LOT{batch:07d},{expiry}\n".encode()


def blocks(first: int, rows: int, per_batch: int, order: Order, batches: int) -> Iterator[bytes]:
    """The rows `first` to `first + rows` of the world as CSV lines.

    sorted: a batch after `per_batch` rows. shuffled: each row is in one of `batches` batches, at random.
    """
    for start in range(first, first + rows, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, first + rows), dtype=np.uint64)
        if order == "sorted":
            of = numbers // np.uint64(per_batch)
        else:
            of = _stir(numbers * np.uint64(0xA24BAED4963EE407)) % np.uint64(batches)
        distinct, places = np.unique(of, return_inverse=True)
        tails = np.frombuffer(b"".join(_tail(int(batch)) for batch in distinct), np.uint8).reshape(len(distinct), -1)
        yield np.concatenate([_serials(numbers), tails[places]], axis=1).tobytes()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("--rows", type=int, required=True)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--per-batch", type=int, default=25_000)
    options.add_argument("--order", choices=("sorted", "shuffled"), default="sorted")
    options.add_argument("--batches", type=int, default=200)
    chosen = options.parse_args()
    with chosen.file.open("wb") as file:
        file.write(_HEADER)
        for block in blocks(chosen.first, chosen.rows, chosen.per_batch, chosen.order, chosen.batches):
            file.write(block)
