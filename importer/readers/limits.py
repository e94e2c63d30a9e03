"""What one reader may use, by kind and size of its file. The numbers are measured; a configuration can change them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

_MB = 1 << 20
_OPEN_FILES = 32
_WHOLE = (
    *(b"PK\x03\x04", b"PK\x05\x06", bytes.fromhex("d0cf11e0a1b11ae1"), b"\x1f\x8b", b"<", b"{", b"[", b"ID;"),
    *(b"MIME-", b"From:", b"Content-"),
)
"""How files begin that are read whole: workbooks, and texts that hold tables, also packed."""
_BEFORE = b"\xef\xbb\xbf\xff\xfe\0 \r\n\t"
MAGIC = 64
"""How many bytes of a file tell what it is."""


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """Section `[readers]` of the configuration. A MB is 2²⁰ bytes.

    Measured (Python 3.11, x86_64): CSV needs 0.006 s a MB, .xlsx 0.4, packed EPCIS 1.8 to 2.6; a workbook of 12 columns
    and 1 M rows 1.17 GB. So these are met by what is damaged or means harm.
    """

    memory_megabytes: int = 300
    """Of private memory, for CSV of any size and for the smallest workbook."""
    memory_per_megabyte: int = 60
    """More for each MB of a workbook, or of a document that holds tables: they are read whole."""
    most_memory_megabytes: int = 2048
    cpu_seconds: float = 20.0
    cpu_seconds_per_megabyte: float = 10.0
    progress_seconds: float = 30.0
    """How long a reader may neither hand over nor read anything."""


class _Process:
    """What goes for all readers of this process: set once, as it starts, as for logging."""

    limits = ReaderLimits()


def use(limits: ReaderLimits) -> None:
    """Hold every reader that is started from now on to these limits."""
    _Process.limits = limits


def in_force() -> ReaderLimits:
    return _Process.limits


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of one file."""

    memory: int
    """Bytes."""
    cpu: int
    """Whole seconds: the kernel counts no others."""
    progress: float

    @property
    def megabytes(self) -> int:
        return self.memory // _MB


def allowance(limits: ReaderLimits, head: bytes, size: int) -> Allowance:
    """`head` is how the file begins (`MAGIC` bytes), `size` is in bytes."""
    megabytes = limits.memory_megabytes
    if head.lstrip(_BEFORE).startswith(_WHOLE):
        grown = megabytes + limits.memory_per_megabyte * size // _MB
        megabytes = min(grown, max(limits.most_memory_megabytes, megabytes))
    cpu = limits.cpu_seconds + limits.cpu_seconds_per_megabyte * size / _MB
    return Allowance(megabytes * _MB, max(int(cpu), 1), limits.progress_seconds)


def can_limit_memory() -> bool:
    """Whether the system holds a process to a limit of memory: macOS and Windows don't."""
    return sys.platform.startswith("linux")


def can_limit_cpu() -> bool:
    return os.name == "posix"


def impose(allowed: Allowance) -> None:
    """Hold this process to its limits, for good. What the system doesn't know isn't held (`can_limit_memory`)."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    wanted = {
        # Private memory. The address space (RLIMIT_AS) also counts reserved pages and the stacks of threads.
        resource.RLIMIT_DATA: (allowed.memory, allowed.memory),
        resource.RLIMIT_CPU: (allowed.cpu, allowed.cpu + 1),  # SIGXCPU, then SIGKILL where that is ignored
        resource.RLIMIT_FSIZE: (0, 0),
        # 1, not 0: at 0 the kernel still hands a core, with the list in it, to a program that collects cores.
        resource.RLIMIT_CORE: (1, 1),
        resource.RLIMIT_NOFILE: (_OPEN_FILES, _OPEN_FILES),
    }
    for kind, (soft, hard) in wanted.items():
        highest = resource.getrlimit(kind)[1]
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)  # noqa: PLW2901
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, hard))
