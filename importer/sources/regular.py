"""Opens a file only if it is a regular one: a pipe never ends, and a device may do something when it is opened."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from importer.errors import SourceError

_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_NAME_A_FILE = "name one file that holds a list"
_OTHERS = (
    (stat.S_ISDIR, "a directory", "name a file in it, or use `importer watch`"),
    (stat.S_ISFIFO, "a pipe", "save what comes by it to a file, and name that"),
    (stat.S_ISSOCK, "a socket", _NAME_A_FILE),
    (stat.S_ISCHR, "a device", _NAME_A_FILE),
    (stat.S_ISBLK, "a device", _NAME_A_FILE),
)


def opened(path: Path) -> BufferedReader:
    """The file for reading, a symbolic link followed. Raises SourceError, also where it is no regular file; then
    it is not opened.
    """
    try:
        _must_be_regular(path, path.stat().st_mode)
        return open(path, "rb", opener=lambda name, _: _open_regular(path, name))
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file: check the name and the directory.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path} can't be read: {reason}.") from error


def _open_regular(path: Path, name: str) -> int:
    """A pipe that has taken the file's place since it was looked at is opened without waiting for a writer."""
    file = os.open(name, _READ_ONLY)
    try:
        _must_be_regular(path, os.fstat(file).st_mode)
    except BaseException:
        os.close(file)
        raise
    return file


def _must_be_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    what, tip = next(((what, tip) for fits, what, tip in _OTHERS if fits(mode)), ("no regular file", _NAME_A_FILE))
    raise SourceError(f"{path} is {what}: {tip}.")
