"""What a reader is told to do: one line of a file's path, options and limits. It holds no secret."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from importer.readers.limits import Allowance

_SIZE = struct.Struct("<I")


class Task(StrEnum):
    ROWS = "rows"
    """Read the list."""
    ORIGINAL = "original"
    """Give it back as it stands in its file, titles and sheets without a list included."""
    HEAD = "head"
    """Give the first rows of every sheet, whether there is a list in it or not."""
    PROTECTION = "protection"
    """Try what a reader must not do, and tell what the system let pass."""


@dataclass(frozen=True, slots=True)
class Job:
    task: Task
    path: bytes
    """Absolute; as bytes, since a file's name need not be text."""
    options: dict[str, Any]
    """The fields of `SourceOptions`, but for corrections, which stay with the parent."""
    allowed: Allowance

    @property
    def file(self) -> Path:
        return Path(os.fsdecode(self.path))


def written(job: Job) -> bytes:
    """The job, behind its length."""
    text = msgspec.msgpack.encode(job)
    return _SIZE.pack(len(text)) + text


def read(pipe: int) -> Job:
    """Wait for a job. Raises EOFError where the parent has gone."""
    (size,) = _SIZE.unpack(_exactly(pipe, _SIZE.size))
    return msgspec.msgpack.decode(_exactly(pipe, size), type=Job)


def _exactly(pipe: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = os.read(pipe, size - len(data))
        if not block:
            raise EOFError
        data += block
    return data
