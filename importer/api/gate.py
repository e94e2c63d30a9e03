"""The gate that every request passes, token requests too: the one owner of pace, quota and the API's health.

A request sets out when its turn is near, before it is recorded and connected; it leaves, right before its first byte,
when it has taken its slot of the quota. Between the two a commit or a connection may take long: then its slot has not
been wasted, and none was taken twice.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from importer.api.health import Health
from importer.api.pace import Pace
from importer.api.trouble import gone, too_long
from importer.api.turnstile import OwnTurnstile, Turnstile
from importer.concurrency import Clock, HasRight, HasStopped, Sleep, always, never
from importer.model import Answer, Chunk, Commissioner, Verdict

_LEAD = 0.2
"""Seconds before its slot at which a request sets out: a commit and a connection take less, nearly always. So many
requests wait at the wire that none of the quota is lost, and none so long that its kept connection dies."""
_SOON = 1e-4
_LONGEST_AT_WIRE = 1.0
_LONGEST_NAP = 3600.0
_WORTH_SAYING = 3.0
_NO_RIGHT_SECONDS = 0.05
_PRESSING = frozenset({429, 503})
_EASING = frozenset({Verdict.SETTLED, Verdict.REFUSED, Verdict.PRODUCT, Verdict.TOO_LARGE})

STOPPED = Answer(Verdict.NOT_TAKEN, error="stopped", message={"code": "request_stopped"})
"""What stands for the answer to a request that a stop has prevented."""

Cause = Literal["api_away", "retry_after", "slow_pace", "pause"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Why nothing leaves for a while: `until` in seconds since 1970; `last` is what came back, where something did."""

    cause: Cause
    seconds: float
    until: float
    last: Answer | None = None


Say = Callable[[Wait], object]


class Gate:
    """One for all requests of a session, in one event loop. An asker is a chunk's id or `health.TOKEN`."""

    def __init__(
        self,
        pace: Pace,
        health: Health,
        *,
        patience: float,
        turnstile: Turnstile | None = None,
        yields: bool = False,
        say: Say = str,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        stopping: HasStopped = never,
        may_begin: HasRight = always,
        on_hold: Callable[[], object] = dict,
    ) -> None:
        """`may_begin` is asked right before the first byte of each request: whether this process may send at all. While
        it may not, requests wait. `on_hold` is called when the API has told how long to wait.

        `yields`: come a little later than the slot, so that those who don't come first. It costs no rate.

        `say` is told each wait of more than three seconds, once.
        """
        self._pace = pace
        self._health = health
        self._patience = patience
        self._turnstile = turnstile or OwnTurnstile(clock())
        self._yields = yields
        self._say = say
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._stopping = stopping
        self._may_begin = may_begin
        self._on_hold = on_hold
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._left_at: dict[object, float] = {}
        self._under_way: set[object] = set()
        self._said: set[tuple[Cause, int]] = set()
        self._held_by: Answer | None = None

    @property
    def away(self) -> bool:
        return self._health.away

    @property
    def known(self) -> bool:
        """Whether the API has answered, in this session or before."""
        return self._health.known

    @property
    def outages(self) -> int:
        return self._health.outages

    async def set_out(self, asker: object) -> bool:
        """Wait until the asker's request may be recorded and connected; False where the run was stopped before.

        To be followed by `learn` or `forget`. Raises Unavailable when patience with the API is over, or would be before
        it takes a request again.
        """
        while not self._stopping():
            if not self._may_begin():
                await self._sleep(_NO_RIGHT_SECONDS)
                continue
            await self._until_well(asker)
            async with self._turn:
                if await self._until_near(asker):
                    self._under_way.add(asker)
                    self._health.began(asker)
                    return True
        return False

    async def _until_well(self, asker: object) -> None:
        while not self._stopping():
            now = self._clock()
            trouble = self._health.trouble()
            if trouble and self._health.gone(now):
                raise gone(trouble, now)
            wait = self._health.may_go(asker, now)
            if not wait:
                return
            self._say_away(wait, now)
            await self._until_changed(wait)

    async def _until_near(self, asker: object) -> bool:
        """Whether the turn has come; False where the run was stopped or the API has gone away meanwhile."""
        while not self._stopping() and not self._health.may_go(asker, self._clock()):
            now = self._clock()
            due, interval = self._turnstile.due(now), self._pace.interval
            self._must_be_patient(due, interval, now)
            wait = due + len(self._under_way) * interval - now - _LEAD
            if wait < _SOON:
                return True
            self._say_slow(due - interval - now)
            await self._sleep(wait)
        return False

    def _must_be_patient(self, due: float, interval: float, now: float) -> None:
        """Whether the API takes requests again, as it has said, before patience is over."""
        trouble = self._health.trouble()
        if due - interval > (trouble.until if trouble else now + self._patience):
            raise too_long(due + self._now() - now, self._held_by)

    async def leave(self, asker: object) -> bool:
        """Take a slot of the quota, right before the first byte; False: the request must not leave now."""
        came = self._clock()
        while not self._stopping() and not self._health.may_go(asker, self._clock()):
            now = self._clock()
            again = self._turnstile.take(now, self._pace.interval, self._pace.tolerance)
            if again is None:
                if not self._may_begin():
                    return False
                self._left_at[asker] = now
                self._pace.left(now)
                self._under_way.discard(asker)
                return True
            if again - came > _LONGEST_AT_WIRE:
                break
            await self._sleep(again - now + (self._pace.tolerance / 2 if self._yields else 0.0))
        return False

    def learn(self, asker: object, answer: Answer) -> None:
        """What became of the request that had set out."""
        now, left_at = self._clock(), self._left_at.pop(asker, None)
        self._under_way.discard(asker)
        if left_at is not None:
            self._adapt(answer, left_at, now)
        self._health.ended(asker, answer, now)
        self._changed.set()
        self._changed = asyncio.Event()

    def forget(self, asker: object) -> None:
        """The asker asks no more, or was interrupted."""
        self._left_at.pop(asker, None)
        self._under_way.discard(asker)
        self._health.forget(asker)
        self._changed.set()
        self._changed = asyncio.Event()

    def is_alone(self, asker: object) -> bool:
        """Whether nothing but this asker was tried of late, as often as may be."""
        return self._health.is_alone(asker)

    def presume_away(self) -> None:
        """Nothing else can be tried to find out whether the API is there."""
        self._health.presume_away(self._clock())

    async def pause(self, seconds: float, answer: Answer) -> None:
        """Wait before the next attempt; a stop cuts it short."""
        self._tell("pause", seconds, answer, int(self._now() + seconds))
        await self._sleep(seconds)

    def _adapt(self, answer: Answer, left_at: float, now: float) -> None:
        if answer.verdict in _EASING:
            self._pace.ease()
        if answer.verdict not in {Verdict.NOT_TAKEN, Verdict.DOUBT}:
            return
        presses = answer.http_status in _PRESSING or answer.error == "rate_limited"
        if presses and not self._health.away:
            self._pace.press(left_at, now)
        if answer.retry_after is not None:
            self._held_by = answer
            self._turnstile.hold(now, now + answer.retry_after)
            self._on_hold()

    def told(self) -> dict[str, Any]:
        """What a process that goes on in this one's place must know of the API. From any thread."""
        now = self._clock()
        hold = max(0.0, self._turnstile.due(now) - now)
        return {"hold": hold, "pace": self._pace.told(), "health": self._health.told(now)}

    def take_up(self, told: Mapping[str, Any], age: float) -> None:
        """Go on in the place of a process that told this `age` seconds ago. Its last request may have left just now:
        the first one of this process keeps its distance.
        """
        now = self._clock()
        self._pace.take_up(told.get("pace", {}))
        self._health.take_up(told.get("health", {}), now - age)
        self._turnstile.hold(now, now + max(self._pace.interval, float(told.get("hold", 0.0)) - age))

    async def _until_changed(self, seconds: float) -> None:
        """Until something has changed, the time is over, or the run is stopped."""
        change = asyncio.ensure_future(self._changed.wait())
        nap = asyncio.ensure_future(self._sleep(min(seconds, _LONGEST_NAP)))
        try:
            await asyncio.wait({change, nap}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            nap.cancel()
            await asyncio.gather(change, nap, return_exceptions=True)

    def _say_away(self, wait: float, now: float) -> None:
        trouble = self._health.trouble()
        if trouble and now + (0.0 if math.isinf(wait) else wait) - trouble.since > _WORTH_SAYING:
            self._tell("api_away", trouble.until - now, trouble.last, self._health.outages)

    def _say_slow(self, hold: float) -> None:
        if hold > _WORTH_SAYING:
            self._tell("retry_after", hold, self._held_by, int(self._now() + hold))
        else:
            self._tell("slow_pace", self._pace.interval, None, int(self._pace.interval))

    def _tell(self, cause: Cause, seconds: float, last: Answer | None, key: int) -> None:
        """Once for all who wait for the same; `key` tells one wait from another."""
        if seconds > _WORTH_SAYING and self._said.isdisjoint({(cause, key), (cause, key - 1)}):
            self._said.add((cause, key))
            self._say(Wait(cause, seconds, self._now() + seconds, last))


class Paced:
    """A `Commissioner` that takes each attempt of the inner one through the gate, and tells that what became of it."""

    def __init__(self, inner: Commissioner, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    async def commission(self, chunk: Chunk) -> Answer:
        if not await self._gate.set_out(chunk.id):
            return STOPPED
        answer = await self._inner.commission(chunk)
        self._gate.learn(chunk.id, answer)
        return answer
