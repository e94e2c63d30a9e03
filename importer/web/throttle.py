"""Makes guessing passwords slow without locking anybody out: answers wait longer with each failure, and none is refused
for what somebody else did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

_FREE, _FREE_OF_ADDRESS = 5, 20
"""Failures without a wait: of one name from one address, and of one address whatever the name."""
_FIRST, _LONGEST, _LONGEST_OF_ADDRESS = 1.0, 15.0, 4.0
"""Seconds: 5,760 guesses a day at a name from one address; other names at that address wait 4 s at most."""
_FORGET_AFTER = 3600.0
_MOST_KEPT = 10_000
_MOST_WAITING = 3

Key = tuple[str, str]


class TooMany(Exception):  # noqa: N818  it is no fault of ours
    """More attempts for one name wait at one address than a person makes; `seconds`: when to try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Throttle:
    """Counts failures by name and address together, and by address."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._failures: dict[Key, tuple[int, float]] = {}
        self._queues: dict[Key, _Queue] = {}

    @asynccontextmanager
    async def turn(self, name: str, address: str) -> AsyncIterator[None]:
        """Wait for the turn of an attempt: one at a time of a name at an address. Raises TooMany."""
        key = (name, network_of(address))
        queue = self._queues.setdefault(key, _Queue())
        if queue.waiting >= _MOST_WAITING:
            raise TooMany(self.delay(name, address) * queue.waiting)
        queue.waiting += 1
        try:
            async with queue.lock:
                await self._sleep(self.delay(name, address))
                yield
        finally:
            queue.waiting -= 1
            if not queue.waiting:
                self._queues.pop(key, None)

    def delay(self, name: str, address: str) -> float:
        """Seconds that the next attempt waits."""
        network = network_of(address)
        return max(
            self._delay((name, network), _FREE, _LONGEST),
            self._delay(("", network), _FREE_OF_ADDRESS, _LONGEST_OF_ADDRESS),
        )

    def _delay(self, key: Key, free: int, longest: float) -> float:
        failures, last = self._failures.get(key, (0, 0.0))
        if failures < free or self._clock() - last >= _FORGET_AFTER:
            return 0.0
        return min(_FIRST * 2.0 ** min(failures - free, 20), longest)

    def failed(self, name: str, address: str) -> None:
        now = self._clock()
        if len(self._failures) > _MOST_KEPT:
            newest = sorted(self._failures.items(), key=lambda one: one[1][1])[_MOST_KEPT // 2 :]
            self._failures = dict(newest)
        for key in ((name, network_of(address)), ("", network_of(address))):
            failures, last = self._failures.get(key, (0, now))
            self._failures[key] = (failures + 1 if now - last < _FORGET_AFTER else 1, now)

    def succeeded(self, name: str, address: str) -> None:
        self._failures.pop((name, network_of(address)), None)


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, which is one customer's."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
