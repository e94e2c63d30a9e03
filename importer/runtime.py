"""What Python, NumPy and Arrow must be told around loading them. Never touches the way of the data."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

_POOL = "ARROW_DEFAULT_MEMORY_POOL"
_ARENAS = "MALLOC_ARENA_MAX"
_M_ARENA_MAX = -8
"""mallopt(3)."""
_SWITCH = "NPY_DISABLE_CPU_FEATURES"
_CPUINFO = Path("/proc/cpuinfo")
_ONE_PROCESSOR = 8192
"""Bytes."""


def loading() -> None:
    """Collect no garbage until `loaded`: modules hold some 300,000 objects, and none of them is garbage."""
    gc.disable()


def loaded() -> None:
    """Collect garbage from here on, but never look again at what is there by now: it stays to the end."""
    if "pyarrow" in sys.modules:
        _keep_pandas_out(sys.modules["pyarrow"])
    gc.freeze()
    gc.enable()


def _keep_pandas_out(arrow: Any) -> None:
    """Let Arrow make its first array while pandas can't be found: then it looks for it, once, only to tell its objects
    from others, and waits a third of a second. Whoever wants a frame later gets it as ever.
    """
    blind = _Blind()
    sys.meta_path.insert(0, blind)
    try:
        arrow.array(())
    finally:
        sys.meta_path.remove(blind)


class _Blind:
    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ImportError(fullname)


def give_memory_back(environ: MutableMapping[str, str]) -> None:
    """Let Arrow take its memory from the system's allocator: the pool that it brings along keeps 50 to 90 MB of what
    staging has used, to the end. What a user has set stays.
    """
    environ.setdefault(_POOL, "system")


def share_one_heap(environ: Mapping[str, str]) -> None:
    """Let all threads take their memory from one heap: glibc gives each its own, and each keeps what it has freed,
    30 MB of 270 together. What a user has set stays; other C libraries have one heap anyway.
    """
    if _ARENAS not in environ:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def sort_well(environ: MutableMapping[str, str], cpuinfo: Path = _CPUINFO) -> None:
    """Keep NumPy from AVX-512 on AMD's Zen 4, which sorts numbers five times as fast without it.

    Zen 4 runs the instruction that packs a vector into memory as microcode (numpy/x86-simd-sort, issue 6). NumPy reads
    the switch when it is imported; what a user has set stays.
    """
    with suppress(OSError), cpuinfo.open("rb") as file:
        if _is_zen_4(file.read(_ONE_PROCESSOR).decode("ascii", "replace")):
            environ.setdefault(_SWITCH, "X86_V4")


def _is_zen_4(text: str) -> bool:
    first = text.partition("\n\n")[0]
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    ours = (fields.get("vendor_id"), fields.get("cpu family")) == ("AuthenticAMD", "25")
    return ours and "avx512f" in fields.get("flags", "").split()
