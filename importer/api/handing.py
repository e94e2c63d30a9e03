"""What is known of the API goes from one gate to the next that uses the same quota, of this process or of another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from importer.api.gate import Gate
from importer.concurrency import Clock, HasRight


class HandedOn:
    """Of one owner of a channel: begun with what the owner before told, told to the next. From any thread."""

    def __init__(self, told: Mapping[str, Any], age: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._told, self._at = told, clock() - age
        self._gate: Gate | None = None

    @contextmanager
    def through(self, gate: Gate) -> Iterator[None]:
        """While this lasts, the gate knows all of it, and learns."""
        gate.take_up(self._told, self._clock() - self._at)
        self._gate = gate
        try:
            yield
        finally:
            self._told, self._at, self._gate = gate.told(), self._clock(), None

    def told(self) -> Mapping[str, Any]:
        gate = self._gate
        return gate.told() if gate else self._told


@dataclass(frozen=True, slots=True)
class Right:
    """A process's right to send for a channel."""

    may_begin: HasRight
    """Asked right before each request."""
    on_hold: Callable[[], object]
    """Called when the API has told how long to wait."""
    handed_on: HandedOn
