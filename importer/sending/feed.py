"""Which chunk goes out next. Knows the ledger's pending chunks, and which products the API has proven to know.

Until an answer proves that a product is registered, at most one of its chunks is in flight: a product that is not
registered costs one refused chunk, however many workers there are. It is always the first one of it in the order of
planning: so a run that was killed ends with the same outcomes.

A chunk that got no answer, while no other was tried, is put aside: only another one can show whether it is the chunk
or the API.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

from importer.ledger.ports import View
from importer.ledger.records import StoredChunk
from importer.model import Answer, Batch, ChunkState, Doubt, Verdict

_PAGE = 256
_MOST_WAITING = 16 * _PAGE
"""Chunks kept in memory while their products are to be proven."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is still to be sent of a planned chunk: itself, or the parts that it was cut into before."""

    parts: tuple[StoredChunk, ...]
    alone: bool = False
    """Nothing else can be tried: without an answer to it, the API counts as away."""
    others_answered: bool = False
    """It was put aside, and others have been answered since: without an answer now, it is to blame itself."""

    @property
    def root(self) -> int:
        return self.parts[0].root

    @property
    def batch(self) -> int:
        return self.parts[0].batch

    @property
    def serials(self) -> int:
        return sum(part.serials for part in self.parts)


def _now() -> float:
    return asyncio.get_running_loop().time()


class Feed:
    """Hands out the chunks that were pending when it was made. One event loop."""

    def __init__(
        self, view: View, run: int, batches: dict[int, Batch], last_seq: int, doubt_until: float = -math.inf
    ) -> None:
        """`doubt_until`: the moment of the loop's clock before which no chunk in doubt goes out: its request may still
        be under way, from another process.
        """
        self._view = view
        self._run = run
        self._batches = batches
        self._after = (0, 0)
        self._last = last_seq
        self._read_all = False
        self._ready: deque[Planned] = deque()
        self._waiting: dict[str, list[tuple[int, int, Planned]]] = {}
        """By product, a heap in the order of planning."""
        self._aside: list[Planned] = []
        self._doubt_until = doubt_until
        self._later: list[Planned] = []
        """In doubt, and not to be sent before that moment."""
        self._proven: set[str] = set()
        self._probed: set[str] = set()
        self._stopped: set[str] = set()
        self._out = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def next(self) -> Planned | None:
        """The next chunk; waits while one may still come; None when there is none any more."""
        async with self._changed:
            while not self._closed:
                if (planned := self._pick()) is not None:
                    self._out += 1
                    return planned
                if not self._out and not self._later:
                    return None
                await self._change()
            return None

    async def _change(self) -> None:
        """Wait until something has changed, or chunks in doubt may go."""
        left = self._doubt_until - _now() if self._later else None
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._changed.wait()
        if self._later and _now() >= self._doubt_until:
            self._ready.extendleft(reversed(self._later))
            self._later.clear()
            self._changed.notify_all()

    async def learn(self, planned: Planned, answer: Answer) -> None:
        """What an answer for a part of it says of its product, and that the API is there."""
        if answer.verdict in {Verdict.DOUBT, Verdict.NOT_TAKEN}:
            return
        gtin = self._gtin(planned)
        if gtin in self._proven and answer.verdict is not Verdict.PRODUCT and not self._aside:
            return  # nothing new, as nearly always
        async with self._changed:
            if answer.verdict is Verdict.PRODUCT:
                self._stopped.add(gtin)
            elif answer.verdict is Verdict.SETTLED or answer.exists:
                self._proven.add(gtin)
            self._ready.extendleft(Planned(one.parts, others_answered=True) for one in reversed(self._aside))
            self._aside.clear()
            self._call(gtin)
            self._changed.notify_all()

    async def done(self, planned: Planned, aside: Planned | None = None) -> None:
        """A chunk that was handed out is settled whole, or as far as this session goes, but for what is put aside."""
        async with self._changed:
            self._out -= 1
            gtin = self._gtin(planned)
            self._probed.discard(gtin)
            if aside:
                self._aside.append(aside)
            self._call(gtin)
            self._changed.notify_all()

    async def close(self) -> None:
        """Hand out nothing any more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def is_skipped(self, chunk: StoredChunk) -> bool:
        """Whether the ledger has settled a pending chunk together with its product, which the API doesn't know."""
        if self._batches[chunk.batch].gtin not in self._stopped:
            return False
        return chunk.doubt != Doubt.THIS_RUN or self._view.stored(chunk.id).state == ChunkState.SETTLED

    def _call(self, gtin: str) -> None:
        """The chunks that wait for this product come next: all of them when it is known, else the first one."""
        waiting = self._waiting.get(gtin, [])
        known = gtin in self._proven or gtin in self._stopped
        if not known and gtin in self._probed:
            return
        called = [heapq.heappop(waiting)[-1] for _ in range(len(waiting) if known else min(1, len(waiting)))]
        self._ready.extendleft(reversed(called))

    def _pick(self) -> Planned | None:
        while (planned := self._candidate()) is not None:
            gtin = self._gtin(planned)
            if all(self.is_skipped(part) for part in planned.parts):
                continue
            if gtin in self._proven or gtin in self._stopped:
                return planned
            if gtin not in self._probed:
                self._probed.add(gtin)
                return planned
            heapq.heappush(self._waiting.setdefault(gtin, []), (planned.root, planned.parts[0].seq, planned))
        return self._last_resort()

    def _last_resort(self) -> Planned | None:
        """One that was put aside, where there is nothing else."""
        if self._out or not self._aside:
            return None
        planned = self._aside.pop(0)
        self._probed.add(self._gtin(planned))
        return Planned(planned.parts, alone=True)

    def _candidate(self) -> Planned | None:
        while not self._ready and not self._read_all and sum(map(len, self._waiting.values())) < _MOST_WAITING:
            page = self._view.to_send(self._run, self._after, _PAGE)
            self._read_all = not page
            self._after = (page[-1].root, page[-1].seq) if page else self._after
            pending = [chunk for chunk in page if chunk.seq <= self._last]
            for _, parts in groupby(pending, lambda chunk: chunk.root):
                planned = Planned(tuple(parts))
                (self._later if self._must_wait(planned) else self._ready).append(planned)
        return self._ready.popleft() if self._ready else None

    def _must_wait(self, planned: Planned) -> bool:
        in_doubt = any(part.doubt == Doubt.THIS_RUN for part in planned.parts)
        return in_doubt and _now() < self._doubt_until

    def _gtin(self, planned: Planned) -> str:
        return self._batches[planned.batch].gtin
