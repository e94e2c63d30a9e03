"""Measures an import from outside: around what watches it, and around each request."""

from __future__ import annotations

from importer.api.gate import Wait
from importer.flow.importing import Watcher
from importer.ledger.records import Run
from importer.model import Answer, Chunk, Commissioner
from importer.sending.attempt import Attempt
from importer.spans import span
from importer.telemetry.metrics import Metrics


class Measured:
    """A `Watcher` around another one."""

    def __init__(self, inner: Watcher, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics
        self._rows = 0

    def reading(self, name: str, size: int) -> None:
        self._rows = 0
        self._inner.reading(name, size)

    def read(self, rows: int) -> None:
        self._metrics.rows_read.inc(max(0, rows - self._rows))
        self._rows = rows
        self._inner.read(rows)

    def sending(self, run: Run, left: int, done: int) -> None:
        self._inner.sending(run, left, done)

    def on_attempt(self, event: Attempt) -> None:
        self._metrics.answered(event.answer.verdict, event.answer.seconds)
        self._inner.on_attempt(event)

    def waiting(self, wait: Wait) -> None:
        if wait.cause == "api_away":
            self._metrics.api_up.set(0)
        self._inner.waiting(wait)

    def reporting(self, run: Run) -> None:
        self._inner.reporting(run)


class Request:
    """A `Commissioner` around the client: each call is one request."""

    def __init__(self, inner: Commissioner, metrics: Metrics, rate: float) -> None:
        self._inner = inner
        self._metrics = metrics
        self._rate = rate

    async def commission(self, chunk: Chunk) -> Answer:
        with span("request", chunk=chunk.seq, serials=len(chunk.serials)):
            self._metrics.sent(self._rate)
            with self._metrics.in_flight.track_inprogress():
                return await self._inner.commission(chunk)
