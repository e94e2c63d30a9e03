"""Frames on a pipe, from the reader to its parent: a type, a length, a payload. Knows nothing of what is in them."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from enum import IntEnum

MOST = 64 << 20
"""Bytes of a payload. A reader that says more isn't listened to."""
_HEAD = struct.Struct("<BI")

Payload = bytes | bytearray | memoryview


class Frame(IntEnum):
    """What a payload is (handover.py)."""

    OPENED = 1
    """The list could be opened, and how it was read so far. Comes once, first."""
    ROWS = 2
    CELLS = 3
    """Rows of cells of a list that is given back as it stands."""
    TICK = 4
    """Nothing to hand over, but the reader gets on: blank rows."""
    END = 5
    """All rows were handed over; how the list was read. Comes last."""
    FAILED = 6
    """The list can't be read. Comes last."""


class BrokenFrameError(Exception):
    """What came is no frame."""


def send(pipe: int, kind: Frame, parts: Sequence[Payload] = ()) -> None:
    """Write a frame whose payload is these parts, one after the other. Blocks while the parent is busy."""
    size = sum(map(len, parts))
    if size > MOST:
        raise BrokenFrameError(f"a frame of {size:,} bytes")
    waiting = [memoryview(part).cast("B") for part in (_HEAD.pack(kind, size), *parts) if len(part)]
    while waiting:
        written = os.writev(pipe, waiting) if hasattr(os, "writev") else os.write(pipe, waiting[0])
        while waiting and written >= len(waiting[0]):
            written -= len(waiting.pop(0))
        if written:
            waiting[0] = waiting[0][written:]


def receive(pipe: int) -> tuple[Frame, memoryview] | None:
    """Wait for a frame; None where the pipe was closed between two. Raises BrokenFrameError."""
    head = _exactly(pipe, _HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise BrokenFrameError("cut off in a head")
    kind, size = _HEAD.unpack(head)
    if size > MOST or kind not in set(Frame):
        raise BrokenFrameError(f"type {kind}, {size:,} bytes")
    payload = _exactly(pipe, size)
    if len(payload) < size:
        raise BrokenFrameError("cut off in a payload")
    return Frame(kind), memoryview(payload)


def _exactly(pipe: int, size: int) -> bytearray:
    """So many bytes, or all there are before the end."""
    data = bytearray(size)
    place, done = memoryview(data), 0
    while done < size:
        if hasattr(os, "readv"):
            read = os.readv(pipe, [place[done:]])
        else:
            block = os.read(pipe, size - done)
            place[done : done + len(block)] = block
            read = len(block)
        if not read:
            place.release()
            del data[done:]
            break
        done += read
    return data
