"""Where metrics can be had: from a port of this process, and in a file for the node exporter."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import structlog
from filelock import Timeout
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest, start_http_server

from importer.config.settings import Settings
from importer.errors import ImporterError
from importer.flow.importing import Watcher
from importer.ledger.opening import place_of
from importer.ledger.records import Run
from importer.model import Commissioner, Outcome
from importer.telemetry.measuring import Measured, Request
from importer.telemetry.metrics import metrics
from importer.telemetry.textfile import Textfile
from importer.telemetry.traces import start_tracing


class Measuring:
    """Measures the imports of a process. Made once for each; all count in the same metrics."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings.metrics.traces:
            start_tracing()

    def watching(self, inner: Watcher) -> Watcher:
        return Measured(inner, metrics())

    def request(self, client: Commissioner) -> Commissioner:
        return Request(client, metrics(), self._settings.limits.requests_per_second)

    def ended(self, run: Run, exit_code: int, gained: Mapping[Outcome, int]) -> None:
        """A session of a run ended: count it, and tell the file. What can't be told costs a warning alone."""
        metrics().ended(run, exit_code, gained)
        tell(self._settings)


@contextmanager
def exposed(settings: Settings) -> Iterator[None]:
    """While this lasts, `/metrics` answers on `metrics.port`, if that is set; a port that is taken costs a warning."""
    if not settings.metrics.port:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics.port, settings.metrics.host, metrics().registry)
    except OSError as error:
        structlog.get_logger().warning("metrics_not_exposed", port=settings.metrics.port, reason=error.strerror)
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@cache
def _textfile(path: Path) -> Textfile:
    return Textfile(path)


def told(settings: Settings) -> tuple[bytes, str]:
    """The metrics as Prometheus reads them, and their content type."""
    _look_at(settings)
    return generate_latest(metrics().registry), CONTENT_TYPE_LATEST


def _look_at(settings: Settings) -> None:
    try:
        metrics().look_at(place_of(settings.ledger.path, settings.ledger.url))
    except ImporterError as error:
        structlog.get_logger().warning("metrics_without_ledger", reason=str(error))


def pass_ended(settings: Settings, inboxes: Iterable[Path]) -> None:
    """A pass over inboxes ended: note what still waits in them, and tell the file."""
    ages = [age for inbox in inboxes for age in _ages(inbox)]
    metrics().inbox(len(ages), max(ages, default=0.0))
    tell(settings)


def _ages(inbox: Path) -> Iterator[float]:
    """Seconds for which each file has been there, unchanged; a clock that was set back makes none younger than new."""
    now = time.time()
    with suppress(OSError):
        for file in inbox.iterdir():
            if file.is_file() and not file.name.startswith("."):
                yield max(0.0, now - file.stat().st_mtime)


def tell(settings: Settings) -> None:
    """Bring the file up to date, if one is wanted."""
    _look_at(settings)
    if settings.metrics.textfile:
        try:
            _textfile(settings.metrics.textfile).write(metrics().registry)
        except (OSError, Timeout) as error:
            where = str(settings.metrics.textfile)
            structlog.get_logger().warning("metrics_not_written", path=where, reason=str(error))
