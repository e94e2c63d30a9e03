"""One attempt, recorded: a durable mark before it, its answer and what follows from that after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from importer.ledger.ports import Ledger
from importer.model import Answer, Chunk, Commissioner, Settlement
from importer.reconcile import ExistsMeans, settle


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt came to, for the log and the progress bar."""

    chunk: Chunk
    attempt: int
    answer: Answer
    settled: Settlement
    parts: int


class Recorded:
    """A `Commissioner` around a single attempt. Its answer holds what follows, and what its chunk was cut into.

    Killed in between, the mark stays: the chunk is in doubt when the ledger is opened again.
    """

    def __init__(
        self,
        inner: Commissioner,
        ledger: Ledger,
        run: int,
        exists_means: ExistsMeans,
        on_attempt: Callable[[Attempt], None],
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._run = run
        self._exists_means = exists_means
        self._on_attempt = on_attempt

    async def commission(self, chunk: Chunk) -> Answer:
        n = await self._ledger.mark(self._run, chunk)
        answer = await self._inner.commission(chunk)
        settled = settle(chunk, answer, self._exists_means)
        parts = await self._ledger.record(self._run, chunk, n, answer, settled)
        self._on_attempt(Attempt(chunk, n, answer, settled, len(parts)))
        return replace(answer, settled=settled, parts=tuple(parts))
