"""Moves files of an inbox so that nothing is ever overwritten or lost, whatever the file systems below it can do."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_NO_RENAME = frozenset({errno.EXDEV, errno.EBUSY})
"""The directories are on two devices, or a share or mount refuses to rename."""
PART = ".part"


class TakenElsewhere(Exception):  # noqa: N818  it is no error
    """Another process has taken the file, or is about to."""


def take(source: Path, draft: Path, target: Path, lock: Path) -> None:
    """Move a file that other processes want, too: one of them gets it. Raises TakenElsewhere for the others, OSError
    where it can't be moved.

    Where renaming is refused, the file is copied to `draft` first, while `lock` is held; the one that removes it from
    its place has it.
    """
    try:
        source.rename(target)
    except FileNotFoundError as error:
        raise TakenElsewhere from error
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
    else:
        return
    try:
        with FileLock(lock, timeout=0, fallback_to_soft=False):
            _copied_whole(source, draft)
            source.unlink()
            draft.replace(target)
    except (Timeout, FileNotFoundError) as error:
        draft.unlink(missing_ok=True)
        raise TakenElsewhere from error
    except (OSError, TakenElsewhere):
        draft.unlink(missing_ok=True)
        raise


def into(file: Path, directory: Path, name: str = "") -> Path:
    """Move a file into a directory under its name or this one, or the first that is free: `list-2.csv`. May be done
    again after a kill at any moment: a copy that is there already is not made twice.
    """
    directory.mkdir(exist_ok=True)
    for place in _names(directory, name or file.name):
        if _linked(file, place):
            file.unlink()
            return place
    raise AssertionError("names never end")


def pour(source: Path, target: Path) -> None:
    """Move a directory to where it belongs; into the one of its name, where there is one."""
    target.parent.mkdir(exist_ok=True)
    if not target.exists():
        with suppress(OSError):
            source.rename(target)
            return
    for file in sorted(source.iterdir()):
        into(file, target)
    source.rmdir()


def _names(directory: Path, name: str) -> Iterator[Path]:
    path = directory / name
    yield path
    for number in range(2, 1 << 30):
        yield directory / f"{path.stem}-{number}{path.suffix}"


def _linked(file: Path, place: Path) -> bool:
    """Let the file have a second name; False where another file has it."""
    try:
        os.link(file, place, follow_symlinks=False)
    except FileExistsError:
        return _is_it(file, place)
    except OSError:  # another device, or a file system without links
        return _copied_beside(file, place)
    return True


def _copied_beside(file: Path, place: Path) -> bool:
    part = place.with_name(f".{place.name}{PART}")
    _copied(file, part)
    try:
        _named(part, place)
    except FileExistsError:
        return _is_it(file, place)
    finally:
        part.unlink(missing_ok=True)
    return True


def _named(part: Path, place: Path) -> None:
    """Give a copy its name. Raises FileExistsError where another file has it."""
    try:
        os.link(part, place)
    except FileExistsError:
        raise
    except OSError:
        # Without links the name is reserved by an empty file, which only this process replaces.
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        part.replace(place)


def _is_it(file: Path, place: Path) -> bool:
    """Whether the other name is of the same file, or of the copy that was made of it before a kill."""
    if not place.is_file():
        return False
    return place.samefile(file) or (_facts(file) == _facts(place) and filecmp.cmp(file, place, shallow=False))


def _facts(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _copied_whole(source: Path, draft: Path) -> None:
    """Raises TakenElsewhere where its sender has not finished."""
    before = _facts(source)
    _copied(source, draft)
    if _facts(source) != before:
        raise TakenElsewhere


def _copied(source: Path, target: Path) -> None:
    """A durable copy, with the times of the original."""
    with source.open("rb") as original, target.open("wb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())
    with suppress(OSError):
        shutil.copystat(source, target)
