"""What is seen of an import while it goes on: a bar on a terminal, structured lines elsewhere. All on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from importer.api.gate import Wait
from importer.api.trouble import in_utc
from importer.cli.screen import visible
from importer.ledger.records import Run
from importer.sending.attempt import Attempt
from importer.sending.rate import Rate
from importer.words.language import Language, terminal

_EVERY = 60.0
"""Seconds between two lines about the progress in a log."""


class Bar:
    """A progress bar with rate and time left."""

    def __init__(self, estimate: Callable[[Run, Language], str]) -> None:
        self._estimate = estimate
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._done = self._left = 0
        self._rate = Rate()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _begin(self, what: str, total: int | None) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total, numbers="")

    def _show(self, completed: int | None, numbers: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=completed, numbers=numbers)

    def reading(self, name: str, size: int) -> None:
        _ = size
        self._begin(visible(terminal().told("reading", name=name)), None)

    def read(self, rows: int) -> None:
        self._show(None, terminal().counted("row", rows))

    def sending(self, run: Run, left: int, done: int) -> None:
        _ = done
        self._begin(visible(terminal().told("sending", name=run.source_name)), left)
        said = self._estimate(run, terminal())
        if said:
            self._console.print(visible(said), markup=False)
        self._done, self._left = 0, left
        self._rate = Rate()
        self._rate.add(time.monotonic(), 0)

    def on_attempt(self, event: Attempt) -> None:
        self._done += event.settled.outcomes(len(event.chunk.serials)).total()
        now = time.monotonic()
        self._rate.add(now, self._done)
        left = self._rate.left(self._left - self._done, now)
        language = terminal()
        of, pace = language.counted("serial", self._left), round(self._rate.per_second(now))
        key = "pace_left" if left else "pace"
        self._show(self._done, language.told(key, done=self._done, all=of, pace=pace, seconds=left))

    def waiting(self, wait: Wait) -> None:
        values = {
            "until": in_utc(wait.until),
            "seconds": wait.seconds,
            "reason": terminal().part(wait.last.message) if wait.last else "",
        }
        self._console.print(visible(terminal().label("waiting", wait.cause, **values).strip()), markup=False)

    def reporting(self, run: Run) -> None:
        self._begin(terminal().told("reporting", run=run.id), None)


class Lines:
    """One structured line per chunk and a line about the progress every minute."""

    def __init__(self, estimate: Callable[[Run, Language], str]) -> None:
        self._estimate = estimate
        self._log = structlog.get_logger().bind()
        self._done = self._left = 0
        self._rate = Rate()
        self._told = 0.0
        self._run = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def reading(self, name: str, size: int) -> None:
        self._log.info("reading", source=name, bytes=size)

    def read(self, rows: int) -> None:
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self._log.info("read", rows=rows)

    def sending(self, run: Run, left: int, done: int) -> None:
        self._run, self._done, self._left = run.id, 0, left
        self._rate = Rate()
        self._told = time.monotonic()
        self._rate.add(self._told, 0)
        self._log.info("sending", run=run.id, source=run.source_name, serials=left, done=done)
        said = self._estimate(run, terminal())
        if said:
            self._log.info("estimate", run=run.id, message=said)

    def on_attempt(self, event: Attempt) -> None:
        chunk, answer, now = event.chunk, event.answer, time.monotonic()
        self._done += event.settled.outcomes(len(chunk.serials)).total()
        self._rate.add(now, self._done)
        self._log.info(
            "chunk",
            run=self._run,
            chunk=chunk.seq,
            gtin=chunk.batch.gtin,
            batch=chunk.batch.batch,
            serials=len(chunk.serials),
            attempt=event.attempt,
            verdict=answer.verdict.value,
            assigned=len(answer.assigned),
            status=answer.http_status,
            error=answer.error or None,
            message=terminal().part(answer.message) or None,
            ms=round(answer.seconds * 1000),
        )
        if now - self._told > _EVERY:
            self._told = now
            left = self._rate.left(self._left - self._done, now)
            self._log.info(
                "progress",
                run=self._run,
                done=self._done,
                of=self._left,
                per_second=round(self._rate.per_second(now)),
                seconds_left=round(left) if left else None,
            )

    def waiting(self, wait: Wait) -> None:
        until = in_utc(wait.until)
        last = terminal().part(wait.last.message) if wait.last else None
        self._log.warning(
            "waiting", run=self._run, cause=wait.cause, seconds=round(wait.seconds), until=until, last=last
        )

    def reporting(self, run: Run) -> None:
        self._log.info("reporting", run=run.id)


def _nothing(_run: Run, _language: Language) -> str:
    return ""


def watcher(estimate: Callable[[Run, Language], str] = _nothing) -> Bar | Lines:
    """`estimate` says of a run that is about to be sent whether it will fit into its time; empty: nothing to say."""
    return Bar(estimate) if sys.stderr.isatty() else Lines(estimate)
