"""Keeps what native code prints to itself: a reader that panics writes several lines past Python to standard error."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STDERR = 2
_ONE_AT_A_TIME = threading.RLock()
_PANIC = re.compile(rb"^\n?thread '.*panicked at", re.MULTILINE)


@contextmanager
def no_panic_messages() -> Iterator[None]:
    """Within, file descriptor 2 leads into a file. What is no panic in there is written in the end after all: it was
    another thread's.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as kept:
        try:
            sys.stderr.flush()
            real = os.dup(_STDERR)
        except (OSError, ValueError, AttributeError):  # there is no standard error
            yield
            return
        try:
            os.dup2(kept.fileno(), _STDERR)
            yield
        finally:
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os.dup2(real, _STDERR)
            kept.seek(0)
            with suppress(OSError):
                os.write(real, _without_panics(kept.read()))
            os.close(real)


def _without_panics(text: bytes) -> bytes:
    """What comes behind a panic's first line is its reason and, where that is wished for, a long trace."""
    panic = _PANIC.search(text)
    return text[: panic.start()] if panic else text
