"""Which chunk goes out next. Knows the ledger's pending chunks, and which products the API has proven to know.

Of a product that no answer has proven yet only one chunk is on its way at a time: a product that is not registered
costs one refused chunk, however many workers there are, and a run that was killed ends with the same outcomes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from importer.ledger.view import Kept, View
from importer.model import Answer, Batch, Verdict

_PAGE = 256


class Feed:
    """Hands out the chunks that were pending when it was made, and those put back with `add`. One event loop."""

    def __init__(self, view: View, run: int, batches: dict[int, Batch], last_seq: int) -> None:
        self._view = view
        self._run = run
        self._batches = batches
        self._after = 0
        self._last = last_seq
        self._ready: deque[Kept] = deque()
        self._waiting: dict[str, deque[Kept]] = {}
        self._proven: set[str] = set()
        self._probed: set[str] = set()
        self._stopped: set[str] = set()
        self._out = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def next(self) -> Kept | None:
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

    async def done(self, kept: Kept, answer: Answer | None, parts: Iterable[Kept] = ()) -> None:
        """A chunk that was handed out has come to this (None: to nothing); `parts` replace it."""
        async with self._changed:
            self._out -= 1
            self._ready.extend(parts)
            self._learn(self._gtin(kept), answer)
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
            self._waiting.pop(gtin, None)
        elif answer and (answer.verdict is Verdict.SETTLED or answer.exists):
            self._proven.add(gtin)
            self._ready.extend(self._waiting.pop(gtin, ()))
        elif waiting := self._waiting.get(gtin):
            self._ready.append(waiting.popleft())

    def _pick(self) -> Kept | None:
        while (kept := self._candidate()) is not None:
            gtin = self._gtin(kept)
            if gtin in self._stopped:
                continue
            if gtin in self._proven:
                return kept
            if gtin not in self._probed:
                self._probed.add(gtin)
                return kept
            self._waiting.setdefault(gtin, deque()).append(kept)
        return None

    def _candidate(self) -> Kept | None:
        if not self._ready and self._after < self._last:
            page = self._view.to_send(self._run, self._after, _PAGE)
            self._after = page[-1].seq if page else self._last
            self._ready.extend(kept for kept in page if kept.seq <= self._last)
        return self._ready.popleft() if self._ready else None

    def _gtin(self, kept: Kept) -> str:
        return self._batches[kept.batch].gtin
