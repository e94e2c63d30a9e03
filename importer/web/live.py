"""What is known of the run that goes on now: its pace, and what slows it. Written by the flow, read by the pages."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from importer.api.gate import Wait
from importer.ledger.records import Run
from importer.model import Verdict
from importer.sending.attempt import Attempt
from importer.sending.rate import Rate
from importer.web.documents import Phase, Slowness

_RECENT = 60.0
_SLOW_ANSWER = 3.0
_TOO_MANY = 429
_BUSY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class _Attempt:
    at: float
    kind: str
    seconds: float


class Live:
    """A flow.importing.Watcher. Written from the event loop and from threads; every value is replaced whole."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._attempts: deque[_Attempt] = deque(maxlen=20_000)
        self._since = clock()
        self.phase: Phase = "opening"
        self.rows = 0
        self.run = ""
        self.left = 0
        self._done = 0
        self._rate = Rate()
        self._lock = threading.Lock()
        """Of the rate: the import adds to it, a page asks for it."""
        self.retry_after: float | None = None
        self.away_until: float | None = None
        """Until when an API that is away is waited for at most; None: it is there."""

    def reading(self, name: str, size: int) -> None:
        _ = name, size
        self.phase = "reading"

    def read(self, rows: int) -> None:
        self.rows = rows

    def sending(self, run: Run, left: int, done: int) -> None:
        _ = done
        self.run, self.left, self._since, self.phase = run.id, left, self._clock(), "sending"
        self._done, self._rate = 0, Rate()
        self._rate.add(self._since, 0)

    def on_attempt(self, event: Attempt) -> None:
        settled = event.settled.outcomes(len(event.chunk.serials)).total()
        answer = event.answer
        self.left -= settled
        self._done += settled
        with self._lock:
            self._rate.add(self._clock(), self._done)
        self.retry_after = answer.retry_after
        if answer.verdict not in {Verdict.DOUBT, Verdict.NOT_TAKEN}:
            self.away_until = None
        self._attempts.append(_Attempt(self._clock(), _kind(event), answer.seconds))

    def waiting(self, wait: Wait) -> None:
        if wait.cause == "retry_after":
            self.retry_after = wait.seconds
        elif wait.cause == "api_away":
            self.away_until = self._clock() + wait.seconds

    def reporting(self, run: Run) -> None:
        self.run, self.phase = run.id, "reporting"

    def _recent(self) -> list[_Attempt]:
        start = self._clock() - _RECENT
        return [one for one in tuple(self._attempts) if one.at >= start]

    def per_second(self) -> float:
        """Serials per second over the last minute."""
        with self._lock:
            return self._rate.per_second(self._clock())

    def seconds_left(self) -> float | None:
        with self._lock:
            return self._rate.left(self.left, self._clock())

    def slowed_by(self) -> list[Slowness]:
        """What costs time, over the last minute: a code of the catalogue and its figures."""
        recent = self._recent()
        counts = Counter(one.kind for one in recent if one.kind != "answered")
        found = [Slowness(kind, count=count) for kind, count in counts.items()]
        if self.away_until:
            found.append(Slowness("api_away", seconds=max(0.0, self.away_until - self._clock())))
        if self.retry_after:
            found.append(Slowness("retry_after", seconds=self.retry_after))
        seconds = max(min(self._clock() - self._since, _RECENT), 1.0)
        if self._per_second and len(recent) / seconds >= _BUSY_SHARE * self._per_second:
            found.append(Slowness("rate_limit", limit=self._per_second))
        if recent and sum(one.seconds for one in recent) / len(recent) > _SLOW_ANSWER:
            found.append(Slowness("slow_answers", seconds=sum(one.seconds for one in recent) / len(recent)))
        return found


def _kind(event: Attempt) -> str:
    answer = event.answer
    if answer.http_status == _TOO_MANY:
        return "throttled"
    if answer.verdict is Verdict.DOUBT:
        return "no_answer"
    if answer.verdict is Verdict.NOT_TAKEN:
        return "not_reached"
    return "token" if answer.verdict is Verdict.TOKEN else "answered"
