"""How the rows of a chunk become one compact blob, and rows again. Pure; knows nothing of where blobs are kept."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.rows.layout import Indices, column
from importer.serial_text import SerialText

Keys = npt.NDArray[np.int64]

_VERSION = 1
_HEAD = struct.Struct("<BIII")
"""Version, serials, repeats, bytes of text."""
_NONE = np.empty(0, np.int64)
_DELTAS: tuple[type[np.signedinteger[Any]], ...] = (np.int8, np.int16, np.int32, np.int64)

_BOUNDS = [(int(np.iinfo(kind).min), int(np.iinfo(kind).max)) for kind in _DELTAS]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a chunk.

    `serials[i]` stands in the source's row `keys[i]`. Row `repeat_keys[j]` repeats `serials[repeat_of[j]]`: a row with
    the outcome `duplicate`, which shares the fate of the first.
    """

    serials: list[str]
    keys: Keys
    repeat_of: Indices
    repeat_keys: Keys

    def select(self, indices: npt.NDArray[np.intp]) -> Rows:
        """The rows at `indices` (ascending), with their repeats."""
        place = np.full(len(self.serials), -1, np.int32)
        place[indices] = np.arange(len(indices), dtype=np.int32)
        kept = place[self.repeat_of]
        return Rows(
            [self.serials[i] for i in indices.tolist()],
            self.keys[indices],
            kept[kept >= 0],
            self.repeat_keys[kept >= 0],
        )


def _pack_numbers(numbers: npt.NDArray[np.integer[Any]]) -> bytes:
    """Numbers that mostly rise by little: the first, then the steps in the narrowest width that holds them all."""
    if not len(numbers):
        return b""
    steps = np.diff(numbers.astype(np.int64, copy=False))
    low, high = (int(steps.min()), int(steps.max())) if len(steps) else (0, 0)
    kind = next(i for i, (least, most) in enumerate(_BOUNDS) if least <= low and high <= most)
    return struct.pack("<qB", int(numbers[0]), kind) + steps.astype(_DELTAS[kind]).tobytes()


def _unpack_numbers(data: memoryview, count: int) -> tuple[Keys, int]:
    """The numbers, and how many bytes of `data` they took."""
    if not count:
        return _NONE, 0
    numbers = np.empty(count, np.int64)
    first, kind = struct.unpack_from("<qB", data)
    width = np.dtype(_DELTAS[kind])
    steps = np.frombuffer(data, width, count - 1, 9)
    numbers[0] = first
    np.cumsum(steps, out=numbers[1:], dtype=np.int64)
    numbers[1:] += first
    return numbers, 9 + (count - 1) * width.itemsize


def pack(text: bytes, keys: Keys, repeat_of: Indices, repeat_keys: Keys) -> bytes:
    """Pack rows whose serials stand in `text`, each followed by a line feed (which no legal serial holds)."""
    head = _HEAD.pack(_VERSION, len(keys), len(repeat_keys), len(text))
    return seal(b"".join((head, text, _pack_numbers(keys), _pack_numbers(repeat_of), _pack_numbers(repeat_keys))))


def pack_rows(rows: Rows) -> bytes:
    return pack(SerialText.of(rows.serials).text, rows.keys, rows.repeat_of, rows.repeat_keys)


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of some chunks as `Rows` has them, the serials as an Arrow column; how many each chunk has."""

    serials: Any
    keys: Keys
    repeat_of: Indices
    repeat_keys: Keys
    counts: Sequence[int]


def _open(blob: bytes) -> tuple[bytes, int, memoryview, int]:
    """The text of the serials, their count, the numbers that follow them, and how many repeats there are.

    Raises Damaged.
    """
    body = unseal(blob)
    version, count, repeats, text = _HEAD.unpack_from(body)
    if version != _VERSION:
        raise Damaged(f"it is packed in version {version}, this importer knows {_VERSION}")
    numbers = _HEAD.size + text
    found = body.count(b"\n", _HEAD.size, numbers)
    if found != count:
        raise Damaged(f"it holds {found} serials, {count} were expected")
    return body[_HEAD.size : numbers], count, memoryview(body)[numbers:], repeats


def _numbers(numbers: memoryview, count: int, repeats: int) -> tuple[Keys, Indices, Keys]:
    keys, used = _unpack_numbers(numbers, count)
    repeat_of, more = _unpack_numbers(numbers[used:], repeats)
    repeat_keys, _ = _unpack_numbers(numbers[used + more :], repeats)
    return keys, repeat_of.astype(np.int32), repeat_keys


def unpack_serials(blob: bytes) -> SerialText:
    """Raises Damaged."""
    text, count, _, _ = _open(blob)
    return SerialText(text, count)


def unpack(blob: bytes) -> Rows:
    """Raises Damaged."""
    text, count, numbers, repeats = _open(blob)
    return Rows(list(SerialText(text, count)), *_numbers(numbers, count, repeats))


def unpack_columns(*blobs: bytes) -> Columns:
    """The rows of some chunks as those of one, in their order. Raises Damaged."""
    opened = [_open(blob) for blob in blobs]
    counts = [count for _, count, _, _ in opened]
    numbers = [_numbers(packed, count, repeats) for _, count, packed, repeats in opened]
    keys, repeat_of, repeat_keys = (np.concatenate(parts) for parts in zip(*numbers, strict=True))
    if len(repeat_of):
        starts = np.cumsum([0, *counts[:-1]]).astype(np.int32)
        repeat_of += np.repeat(starts, [len(of) for _, of, _ in numbers])
    serials = column(b"".join(text for text, *_ in opened), sum(counts))
    return Columns(serials, keys, repeat_of, repeat_keys, counts)


# Bytes that are kept: compressed, and with a checksum, so that damage is noticed before anything acts on them. Pure.
_SEAL = struct.Struct("<II")
"""CRC-32 of all that follows it, bytes when unpacked."""


class Damaged(ValueError):  # noqa: N818  it says what the bytes are
    """These bytes are not what was once kept. `table` and `run` say whose they are, if that is known."""

    def __init__(self, text: str, table: str = "", run: str = "") -> None:
        super().__init__(text)
        self.table, self.run = table, run


@cache
def _codec() -> Any:
    return pa.Codec("zstd", 1)


def seal(body: bytes) -> bytes:
    packed = bytes(_codec().compress(body, asbytes=True))
    size = len(body).to_bytes(4, "little")
    return zlib.crc32(packed, zlib.crc32(size)).to_bytes(4, "little") + size + packed


def unseal(blob: bytes) -> bytes:
    """What was sealed. Raises Damaged."""
    if len(blob) < _SEAL.size:
        raise Damaged(f"{len(blob)} bytes, too few")
    checksum, size = _SEAL.unpack_from(blob)
    found = zlib.crc32(memoryview(blob)[4:])
    if found != checksum:
        raise Damaged(f"its checksum is {found:08x}, {checksum:08x} was expected")
    return bytes(_codec().decompress(memoryview(blob)[_SEAL.size :], decompressed_size=size, asbytes=True))
