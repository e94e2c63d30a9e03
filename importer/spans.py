"""Spans of work for a tracing system: a run, its steps, a chunk, a request. Nothing happens until `use` names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

Start = Callable[[str, Mapping[str, Any]], AbstractContextManager[object]]


def _nothing(_name: str, _values: Mapping[str, Any]) -> AbstractContextManager[object]:
    return nullcontext()


_start: Start = _nothing


def use(start: Start) -> None:
    """Let spans be started so, from here on, in all of the process."""
    global _start  # noqa: PLW0603  a process has one tracing system
    _start = start


def span(name: str, **values: str | int) -> AbstractContextManager[object]:
    """A span around a block, inside the one that is open in this context. Never give it a secret or a serial."""
    return _start(name, values)
