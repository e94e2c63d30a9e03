"""What is counted and measured, by the names that dashboards and alerts know (data/). No serial, no secret."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from importer.ledger.ports import Place
from importer.ledger.records import Run
from importer.model import Outcome, Verdict, is_sandbox
from importer.results.totals import count
from importer.version import VERSION

_MINUTE = 60.0
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: a request takes some tenths, and is given up after api.timeout_seconds."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second time series per counter that no alert asks for


class Metrics:
    """Those of this process, in a registry of their own. From any thread."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        info = Gauge("importer_info", "The importer that runs.", ["version"], registry=registry)
        info.labels(VERSION).set(1)
        self.runs = Counter(
            "importer_runs", "Sessions of runs that ended.", ["action", "exit_code", "sandbox"], registry=registry
        )
        self.rows = Counter("importer_rows", "Rows that came to an outcome.", ["outcome", "sandbox"], registry=registry)
        self.rows_read = Counter("importer_rows_read", "Rows that were read from lists.", registry=registry)
        self.requests = Counter(
            "importer_requests", "Requests for chunks, by what came back.", ["result"], registry=registry
        )
        self.latency = Histogram(
            "importer_request_seconds", "Time to a request's answer.", buckets=_BUCKETS, registry=registry
        )
        self.in_flight = Gauge("importer_requests_in_flight", "Requests on their way.", registry=registry)
        self.quota = Gauge(
            "importer_quota_used_ratio",
            "Requests of the last minute in relation to limits.requests_per_second.",
            registry=registry,
        )
        self.api_up = Gauge("importer_api_up", "Whether the API answers (1) or is away (0).", registry=registry)
        self.last_success = Gauge(
            "importer_last_success_timestamp_seconds", "When a run last ended with 0.", ["sandbox"], registry=registry
        )
        self.last_end = Gauge(
            "importer_last_run_timestamp_seconds", "When a run last ended.", ["sandbox"], registry=registry
        )
        self.unknown = Gauge(
            "importer_unknown_rows",
            "Rows of which nothing tells what became.",
            registry=registry,
        )
        self.inbox_files = Gauge("importer_inbox_files", "Files that wait in the inbox.", registry=registry)
        self.inbox_oldest = Gauge(
            "importer_inbox_oldest_file_seconds", "Age of the oldest file that waits in the inbox.", registry=registry
        )
        self._sent: deque[float] = deque()
        for verdict in Verdict:
            self.requests.labels(verdict.value)
        for outcome in Outcome:
            self.rows.labels(outcome.value, "false")
        self.api_up.set(1)  # until it is seen to be away

    def sent(self, rate: float) -> None:
        """A request leaves; `rate` is how many may in a second, 0: as many as can."""
        now = time.monotonic()
        self._sent.append(now)
        while self._sent and self._sent[0] < now - _MINUTE:
            self._sent.popleft()
        self.quota.set(len(self._sent) / (rate * _MINUTE) if rate else 0)

    def answered(self, verdict: Verdict, seconds: float) -> None:
        self.requests.labels(verdict.value).inc()
        if verdict is not Verdict.NOT_TAKEN:
            self.latency.observe(seconds)
        if verdict not in {Verdict.NOT_TAKEN, Verdict.DOUBT}:
            self.api_up.set(1)

    def ended(self, run: Run, exit_code: int, gained: Mapping[Outcome, int]) -> None:
        """A session of a run ended; `gained` counts the rows that came to an outcome in it."""
        sandbox = str(is_sandbox(run.target)).lower()
        self.runs.labels(run.action.value, str(exit_code), sandbox).inc()
        for outcome, rows in gained.items():
            self.rows.labels(outcome.value, sandbox).inc(max(0, rows))
        self.last_end.labels(sandbox).set_to_current_time()
        if exit_code == 0:
            self.last_success.labels(sandbox).set_to_current_time()

    def inbox(self, waiting: int, oldest_seconds: float) -> None:
        """How many files wait in an inbox, and how long the oldest has been there; 0 and 0 for none."""
        self.inbox_files.set(waiting)
        self.inbox_oldest.set(oldest_seconds)

    def look_at(self, ledger: Place) -> None:
        """Take from the ledger what only it knows. Runs that ended with 0 or 3 have no unknown rows: none is counted.

        Raises ImporterError where it can't be read.
        """
        if not ledger.exists():
            return
        with ledger.view() as view:
            open_runs = [run for run in view.runs() if run.exit_code not in (0, 3) and not is_sandbox(run.target)]
            self.unknown.set(sum(count(view, run).outcomes[Outcome.UNKNOWN] for run in open_runs))


@cache
def metrics() -> Metrics:
    """Those of this process."""
    return Metrics()
