"""Landlock (Linux 5.13 and later): from here on this process reads what it names here and writes nothing.

By ctypes, since Python has no binding; the numbers are those of linux/landlock.h, the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS = (0, 13, 14, 15, 15, 16)
"""How many rights to files the kernel knows, by the version of its interface; later ones know the last number."""
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_EVERY_TCP = 0b11
_EVERY_SCOPE = 0b11
"""Abstract sockets, and signals to processes outside."""
_NO_NEW_PRIVILEGES = 38


def version() -> int:
    """The version of the interface that the kernel offers; 0: none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(_call(_CREATE_RULESET, None, 0, _VERSION), 0)


def give_up_privileges() -> bool:
    """Promise never to gain privileges (a program with the setuid bit); Landlock and seccomp ask for it."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0)


def read_only(files: Iterable[Path], directories: Iterable[Path]) -> int:
    """Let this thread, and what it starts, read these files and what is below these directories, and nothing else: no
    other file, no writing, no TCP, no signal to other processes, as far as the kernel knows how. Can't be undone.

    Returns the version of the interface that now holds; 0: none.
    """
    offered = version()
    if not offered:
        return 0
    attributes = struct.pack("<Q", (1 << _RIGHTS[min(offered, len(_RIGHTS) - 1)]) - 1)
    if offered >= _NETWORK_SINCE:
        attributes += struct.pack("<Q", _EVERY_TCP)
    if offered >= _SCOPES_SINCE:
        attributes += struct.pack("<Q", _EVERY_SCOPE)
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return 0
    try:
        for path in files:
            _allow(rules, path, _READ_FILE)
        for path in directories:
            _allow(rules, path, _READ_FILE | _READ_DIR)
        return offered if _call(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    """A path that isn't there needs no rule."""
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("<Qi", rights, place), 0)
        finally:
            os.close(place)


def _call(number: int, *given: int | bytes | None) -> int:
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in given]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words))
