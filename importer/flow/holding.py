"""The right to send, where several machines share a ledger: one process has it for a channel, one channel a product."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace

from importer.api.handing import HandedOn, Right
from importer.concurrency import in_thread, until
from importer.errors import Exit, LedgerBusy, LedgerError
from importer.flow.importing import Connect, MaySend, Parts
from importer.ledger.ports import Channel, Held
from importer.ledger.records import Run
from importer.model import Message

_LOOKS = 0.25
_SLOW_CLOCK = 1.02
"""A request's time limit was measured by another machine's clock."""


def by_itself(channel: Channel, connect: Callable[[Right], Connect], request_seconds: float) -> MaySend:
    """For a process that sends a run without workers: it has the channel while it sends. Raises LedgerBusy where
    another process has it, or another channel sends something of the same products.
    """

    @asynccontextmanager
    async def may_send(parts: Parts, run: Run) -> AsyncIterator[Parts]:
        held = await _taken(channel, parts)
        handed_on = HandedOn(held.state, held.age)
        stack = ExitStack()
        stack.enter_context(
            held.kept(handed_on.told, lambda: parts.stopping.stop(Message("channel_taken_over"), Exit.TRY_AGAIN))
        )
        try:
            async with claimed(held, parts, run.num, request_seconds) as its:
                yield replace(its, connect=connect(Right(held.holds, held.now, handed_on)))
        finally:
            await in_thread(stack.close)

    return may_send


async def _taken(channel: Channel, parts: Parts) -> Held:
    """The right to send for the channel. One that was killed is waited for until its right is over; one that renews it
    is alive. Raises LedgerBusy, and Stopped where this process is told to stop meanwhile.
    """
    first = None
    while (held := await in_thread(channel.take, parts.ledger)) is None:
        owner = dict(await in_thread(channel.owner))
        until_then = owner.pop("until")
        first = first or until_then
        if until_then != first:
            raise LedgerBusy("channel_busy", **owner)
        parts.stopping.check()
        await until(parts.stopping.heard)(_LOOKS)
    return held


@asynccontextmanager
async def claimed(held: Held, parts: Parts, run: int, request_seconds: float) -> AsyncIterator[Parts]:
    """While this lasts, the products of a run are this channel's alone. Gives what the run is sent with: what an
    earlier owner may have on the wire waits until the time of its request is over. Raises LedgerBusy.
    """
    lost = await in_thread(held.claim, run)
    if lost is None:
        raise LedgerBusy("products_claimed")
    since = time.monotonic() if lost else held.taken_at if held.lost else -math.inf
    doubt_until = since + request_seconds * _SLOW_CLOCK
    try:
        yield replace(parts, submitting=replace(parts.submitting, doubt_until=doubt_until))
    finally:
        with suppress(LedgerError):  # claims of a lease that is over count for nothing
            await in_thread(held.unclaim)
