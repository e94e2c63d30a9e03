"""Opens a file only if it is a regular one: a pipe never ends, and a device may do something when it is opened."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from importer.errors import SourceError

_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_OTHERS = ((stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


def opened(path: Path) -> BufferedReader:
    """The file for reading, a symbolic link followed. Raises SourceError, also where it is no regular file; then
    it is not opened.
    """
    try:
        _must_be_regular(path, path.stat().st_mode)
        return open(path, "rb", opener=lambda name, _: _open_regular(path, name))
    except FileNotFoundError:
        raise SourceError("list_missing", path=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError("list_unreadable", path=str(path), reason=reason) from error


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
    if stat.S_ISDIR(mode):
        raise SourceError("list_is_directory", path=str(path))
    if stat.S_ISFIFO(mode):
        raise SourceError("list_is_pipe", path=str(path))
    what = next((what for fits, what in _OTHERS if fits(mode)), "no_file")
    raise SourceError("list_is_other", path=str(path), what=what)
