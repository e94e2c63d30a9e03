"""What a source file is, before it is read: its fingerprint, and whether it stays as it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import aiofiles

from importer.errors import SourceError

_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class FileFacts:
    """`stamp` tells whether the file was touched: size and time of the last change."""

    sha256: str
    bytes: int
    stamp: tuple[int, int]


async def file_facts(path: Path) -> FileFacts:
    """Read the whole file once. Raises SourceError where it can't be read."""
    digest = hashlib.sha256()
    try:
        stamp = stamp_of(path)
        async with aiofiles.open(path, "rb") as file:
            while block := await file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: there is no such file: check the name") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path} is a directory: name a file in it, or use `importer watch`") from error
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}") from error
    return FileFacts(digest.hexdigest(), stamp[0], stamp)


def stamp_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def must_be_unchanged(path: Path, facts: FileFacts) -> None:
    """Raise SourceError if the file was touched since its facts were taken."""
    try:
        same = stamp_of(path) == facts.stamp
    except OSError:
        same = False
    if not same:
        raise SourceError(f"{path} was changed while it was read: wait until it is complete, then try again")
