"""Libraries of the system, or of Python itself, that no package manager of ours updates: what is known to be wrong in
the versions at hand.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pyexpat import EXPAT_VERSION, version_info

from importer.ledger.sqlite_version import VERSION, may_lose_commits
from importer.model import Message

_EXPAT_MENDED = (2, 7, 2)
"""2.4.0 bounds what entities grow to (CVE-2013-0340), 2.6.0 the time for large tokens (CVE-2023-52425), 2.7.0 recursion
(CVE-2024-8176), 2.7.2 memory (CVE-2025-59375): libexpat's file of changes.
"""


def versions() -> Message:
    return Message("doctor_libraries", "", {"python": platform.python_version(), "sqlite": VERSION, "expat": _expat()})


def known_faults(expat: tuple[int, ...] = version_info, *, sqlite: bool = may_lose_commits()) -> Iterator[Message]:
    """What is known to be wrong in them; a distribution may have mended it without a new number."""
    if sqlite:
        yield Message("doctor_sqlite_fault", "", {"version": VERSION})
    if expat < _EXPAT_MENDED:
        yield Message("doctor_expat_fault", "", {"version": _expat()})


def _expat() -> str:
    return EXPAT_VERSION.removeprefix("expat_")
