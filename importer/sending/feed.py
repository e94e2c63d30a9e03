"""Which chunk goes out next. Knows the ledger's pending chunks, and which products the API has proven to know.

Of a product that no answer has proven yet only one chunk is on its way at a time: a product that is not registered
costs one refused chunk, however many workers there are. It is always the first one of it in the order of planning, and
of that the first part: so a run that was killed ends with the same outcomes.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable

from importer.ledger.view import StoredChunk, View
from importer.model import Answer, Batch, ChunkState, Doubt, Verdict

_PAGE = 256
_MOST_WAITING = 16 * _PAGE
"""Chunks kept in memory while their products are to be proven."""


class Feed:
    """Hands out the chunks that were pending when it was made, and those put back with `add`. One event loop."""

    def __init__(self, view: View, run: int, batches: dict[int, Batch], last_seq: int) -> None:
        self._view = view
        self._run = run
        self._batches = batches
        self._after = (0, 0)
        self._last = last_seq
        self._read_all = False
        self._ready: deque[StoredChunk] = deque()
        self._waiting: dict[str, list[tuple[int, int, StoredChunk]]] = {}
        """By product, a heap in the order of planning."""
        self._proven: set[str] = set()
        self._probed: set[str] = set()
        self._stopped: set[str] = set()
        self._out = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def next(self) -> StoredChunk | None:
        """The next chunk; waits while one may still come; None when there is none any more."""
        async with self._changed:
            while not self._closed:
                if (kept := self._pick()) is not None:
                    self._out += 1
                    return kept
                if not self._out:
                    return None
                await self._changed.wait()
            return None

    async def done(self, kept: StoredChunk, answer: Answer | None, parts: Iterable[StoredChunk] = ()) -> None:
        """A chunk that was handed out has come to this (None: to nothing); `parts` replace it."""
        async with self._changed:
            self._out -= 1
            gtin = self._gtin(kept)
            self._learn(gtin, answer)
            for part in parts:
                self._wait(gtin, part)
            self._call(gtin)
            self._changed.notify_all()

    async def close(self) -> None:
        """Hand out nothing any more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _learn(self, gtin: str, answer: Answer | None) -> None:
        self._probed.discard(gtin)
        if answer and answer.verdict is Verdict.PRODUCT:
            self._stopped.add(gtin)
        elif answer and (answer.verdict is Verdict.SETTLED or answer.exists):
            self._proven.add(gtin)

    def _wait(self, gtin: str, kept: StoredChunk) -> None:
        heapq.heappush(self._waiting.setdefault(gtin, []), (kept.root, kept.seq, kept))

    def _call(self, gtin: str) -> None:
        """Who has waited for this product comes next: all of them when it is known, else the first one."""
        waiting = self._waiting.get(gtin, [])
        known = gtin in self._proven or gtin in self._stopped
        called = [heapq.heappop(waiting)[-1] for _ in range(len(waiting) if known else min(1, len(waiting)))]
        self._ready.extendleft(reversed(called))

    def _pick(self) -> StoredChunk | None:
        while (kept := self._candidate()) is not None:
            gtin = self._gtin(kept)
            if gtin in self._stopped and self._is_spared(kept):
                continue
            if gtin in self._proven or gtin in self._stopped:
                return kept
            if gtin not in self._probed:
                self._probed.add(gtin)
                return kept
            self._wait(gtin, kept)
        return None

    def _is_spared(self, kept: StoredChunk) -> bool:
        """Whether the ledger has settled it together with its product."""
        return kept.doubt != Doubt.THIS_RUN or self._view.stored(kept.id).state == ChunkState.SETTLED

    def _candidate(self) -> StoredChunk | None:
        while not self._ready and not self._read_all and self._waiters() < _MOST_WAITING:
            page = self._view.to_send(self._run, self._after, _PAGE)
            self._read_all = not page
            self._after = (page[-1].root, page[-1].seq) if page else self._after
            self._ready.extend(kept for kept in page if kept.seq <= self._last)
        return self._ready.popleft() if self._ready else None

    def _waiters(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _gtin(self, kept: StoredChunk) -> str:
        return self._batches[kept.batch].gtin
