"""Bytes that are kept: compressed, and with a checksum, so that damage is noticed before anybody acts on it. Pure."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import Any

import pyarrow as pa

_HEAD = struct.Struct("<II")
"""CRC-32 of all that follows it, bytes when unpacked."""


class Damaged(ValueError):  # noqa: N818  it says what the bytes are
    """These bytes are not what was once kept."""


@cache
def _codec() -> Any:
    return pa.Codec("zstd", 1)


def seal(body: bytes) -> bytes:
    packed = bytes(_codec().compress(body, asbytes=True))
    size = len(body).to_bytes(4, "little")
    return zlib.crc32(packed, zlib.crc32(size)).to_bytes(4, "little") + size + packed


def unseal(blob: bytes) -> bytes:
    """What was sealed. Raises Damaged."""
    if len(blob) < _HEAD.size:
        raise Damaged(f"{len(blob)} bytes, too few")
    checksum, size = _HEAD.unpack_from(blob)
    found = zlib.crc32(memoryview(blob)[4:])
    if found != checksum:
        raise Damaged(f"its checksum is {found:08x}, {checksum:08x} was expected")
    return bytes(_codec().decompress(memoryview(blob)[_HEAD.size :], decompressed_size=size, asbytes=True))
