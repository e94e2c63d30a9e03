"""Log events go to stderr: for people on a terminal, as JSON lines elsewhere, and never with a secret in them.

The start of a process calls it, once. What is logged, and when, is decided elsewhere.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from importer.redaction import Redactor

Level = Literal["debug", "info", "warning", "error"]


def configure(level: Level, secrets: Iterable[str] = (), stream: TextIO | None = None) -> Redactor:
    """Send events of this level and above to `stream`, stderr by default; of other libraries, warnings and above.

    May run twice: the last one holds. The redactor, which is given back so that it can be told more, works on the
    finished line: nothing gets past it, be it key, value or traceback. A full disk costs lines and stops nothing.
    """
    stream = stream or sys.stderr
    redactor = Redactor(secrets)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *_renderers(redactor, for_people=stream.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Dispensable(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Foreign()], force=True)
    logging.captureWarnings(capture=True)
    return redactor


def _renderers(redactor: Redactor, *, for_people: bool) -> list[Processor]:
    render: Callable[..., str | bytes]
    if for_people:
        # The plain traceback: others wrap lines, which would cut a secret in two, and show local variables.
        render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [_redacted(render, redactor)]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [structlog.processors.format_exc_info, _redacted(render, redactor)]


def _redacted(render: Callable[..., str | bytes], redactor: Redactor) -> Processor:
    def process(logger: WrappedLogger, name: str, event: EventDict) -> str:
        line = render(logger, name, event)
        return redactor.line(line if isinstance(line, str) else line.decode())

    return process


class _Dispensable(io.TextIOBase):
    """Leaves out what can't be written: the log only tells what the ledger knows."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Foreign(logging.Handler):
    """Hands what other libraries log with the standard library to the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        logger: Any = structlog.get_logger()
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
