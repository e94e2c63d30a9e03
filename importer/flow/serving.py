"""What a worker does: it sends the runs that wait for a channel, by turns, while it is the one that may.

Any number of workers may be at it: the ledger gives the right to send to one of them. When that one is gone, another
gets it, puts in doubt what may have been on the wire, and goes on; what is in doubt waits until its request's own time
is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import structlog

from importer.api.handing import HandedOn, Right
from importer.concurrency import HasRight, Stopping, always, in_thread, until
from importer.errors import Exit, ImporterError, LedgerBusy
from importer.flow.holding import claimed
from importer.flow.importing import TURN_OVER, Import, Parts
from importer.ledger.ports import Channel, Held, Ledger, Place
from importer.model import Message

_LOOKS = 1.0
"""Seconds between two looks at who waits, and between two tries to get the right to send."""
_TAKEN_OVER = "ledger_taken_over"


@dataclass(frozen=True, slots=True)
class Serving:
    """How a channel is served."""

    channel: Channel
    place: Place
    parts: Callable[[Ledger, Stopping, Right], Parts]
    """What a turn is put together from (wiring.py)."""
    turn_seconds: float
    """How long a run is sent where others wait."""
    retry_seconds: float
    """After which a run is tried again that found the API away."""
    request_seconds: float
    """How long a request may take."""
    stopping: Stopping
    is_open: HasRight = always
    """Whether it may send at this hour ([schedule])."""

    async def serve(self) -> None:
        """Until nothing waits, or it is told to stop. Raises LedgerBusy while the ledger can't be reached."""
        while not self.stopping() and await self.waiting():
            with ExitStack() as stack:
                ledger = await in_thread(self.place.open)
                stack.callback(ledger.close)
                held = await self._right(ledger)
                if held:
                    await Tenure(self, ledger, held).go()

    async def waiting(self) -> bool:
        return self.is_open() and await in_thread(self.channel.waiting) > 0

    async def _right(self, ledger: Ledger) -> Held | None:
        """The right to send; None: it was told to stop, or nothing waits any more."""
        while not self.stopping() and await self.waiting():
            if held := await in_thread(self.channel.take, ledger):
                return held
            await self.sleep(_LOOKS)
        return None

    async def sleep(self, seconds: float) -> None:
        await until(self.stopping.heard)(seconds)


class Tenure:
    """From the moment at which this process may send to the one at which it may not, or has nothing to send."""

    def __init__(self, serving: Serving, ledger: Ledger, held: Held) -> None:
        self._serving = serving
        self._channel = serving.channel
        self._ledger = ledger
        self._held = held
        self._over = Stopping()
        self._handed_on = HandedOn(held.state, held.age)
        self._log = structlog.get_logger()

    async def go(self) -> None:
        self._log.info("sends_for_channel", in_doubt=self._held.lost)
        stack = ExitStack()
        stack.enter_context(self._held.kept(self._handed_on.told, self._lost))
        try:
            while not self._serving.stopping() and not self._over() and self._serving.is_open():
                turn = await in_thread(self._channel.next_run)
                if turn:
                    await self._turn(*turn)
                elif not await in_thread(self._channel.waiting):
                    break
                else:
                    await self._serving.sleep(_LOOKS)
        except LedgerBusy as error:
            if error.message.code != _TAKEN_OVER:
                raise
            self._lost()
        finally:
            await in_thread(stack.close)

    def _lost(self) -> None:
        self._log.warning("channel_taken_over")
        self._over.stop(Message(TURN_OVER), Exit.TRY_AGAIN)

    async def _turn(self, num: int, urgent: bool) -> None:
        """Send a run until it is done, or others have their turn."""
        stopping = Stopping()
        right = Right(self._held.holds, self._held.now, self._handed_on)
        parts = self._serving.parts(self._ledger, stopping, right)
        watching = asyncio.create_task(self._ends(stopping, urgent=urgent))
        try:
            with self._ledger.view() as view:
                run = view.run_by_num(num)
            async with claimed(self._held, parts, num, self._serving.request_seconds) as parts:
                await Import(parts).turn(run)
        except LedgerBusy as error:
            if error.message.code in {_TAKEN_OVER, "ledger_unreachable"}:
                raise
            await in_thread(self._served, num, True, _LOOKS)
        except ImporterError as error:
            self._log.error("run_given_up", run=run.id, reason=str(error))
            await in_thread(self._served, num, False, 0.0)
        else:
            await self._note(num, stopping)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _note(self, num: int, stopping: Stopping) -> None:
        over = stopping.why is not None and stopping.why.code == TURN_OVER
        away = stopping.exit_code == Exit.TRY_AGAIN and not over
        await in_thread(self._served, num, over or away, self._serving.retry_seconds if away else 0.0)

    def _served(self, num: int, waits: bool, later: float) -> None:
        self._channel.served(num, waits=waits, later=later)

    async def _ends(self, stopping: Stopping, *, urgent: bool) -> None:
        """End the turn when the process is told to stop, the right is lost, or others have waited for long enough."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._serving.turn_seconds
        while not await self._must_end(is_over=loop.time() >= ends, urgent=urgent):
            await self._serving.sleep(_LOOKS)
        stopping.stop(Message(TURN_OVER), Exit.STOPPED)

    async def _must_end(self, *, is_over: bool, urgent: bool) -> bool:
        if self._serving.stopping() or self._over() or not self._serving.is_open():
            return True
        with suppress(LedgerBusy):  # it is away: nothing goes out until it is back
            if is_over and await in_thread(self._channel.waiting) > 1:
                return True
            found = await in_thread(self._channel.next_run)
            return found is not None and found[1] and not urgent
        return False
