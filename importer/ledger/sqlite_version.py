"""The SQLite that this Python brings along, and whether it is known to damage a ledger."""

from __future__ import annotations

import sqlite3

VERSION = sqlite3.sqlite_version
_MENDED = (3, 51, 3)
_MENDED_IN_BRANCH = {(3, 44): 6, (3, 50): 7}


def may_lose_commits(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether it has the WAL-reset bug: a commit in the moment between two checkpoints of other connections can be
    lost, or the file damaged. In 3.7.0 to 3.51.2, but for 3.44.6 and 3.50.7 (sqlite.org/wal.html#walresetbug). A ledger
    has one writing connection and checkpoints there, so it takes another program to meet it.
    """
    mended_here = _MENDED_IN_BRANCH.get((version[0], version[1]))
    return version < _MENDED and (mended_here is None or version[2] < mended_here)
