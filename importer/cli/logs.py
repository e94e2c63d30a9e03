"""Log events go to stderr: for people on a terminal, as JSON lines elsewhere, and never with a secret in them.

The start of a process calls it, once. What is logged, and when, is decided elsewhere.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from importer.cli.screen import visible
from importer.errors import ConfigError
from importer.redaction import Redactor

Level = Literal["debug", "info", "warning", "error"]


def configure(
    level: Level,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    file: Kept | None = None,
    *,
    lines: bool = False,
) -> Redactor:
    """Send events of this level and above to `stream`, stderr by default, and as JSON lines to a `file`, if any; of
    other libraries, warnings and above. `lines`: as JSON on a terminal, too.

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
            *([_copied(file, redactor)] if file else []),
            *_renderers(redactor, for_people=stream.isatty() and not lines),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Dispensable(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Foreign()], force=True)
    logging.captureWarnings(capture=True)
    return redactor


@dataclass(frozen=True, slots=True)
class Kept:
    """A log file that is kept, with so many older ones of so many bytes. One process writes one file."""

    path: Path
    bytes: int
    files: int


class _Rotating(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Leave out what can't be written, as `_Dispensable` does."""


def _copied(file: Kept, redactor: Redactor) -> Processor:
    """Write each event to the file as it passes. Raises ConfigError where the file can't be written at the start."""
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        handler = _Rotating(file.path, maxBytes=file.bytes, backupCount=file.files, encoding="utf-8")
    except OSError as error:
        raise ConfigError("log_file_unwritable", path=str(file.path), reason=error.strerror or str(error)) from error
    render = structlog.processors.JSONRenderer(ensure_ascii=False)

    def process(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        plain = structlog.processors.format_exc_info(logger, name, dict(event))
        line = render(logger, name, plain)
        text = redactor.line(line if isinstance(line, str) else line.decode())
        handler.handle(logging.LogRecord("importer", logging.INFO, "", 0, text, None, None))
        return event

    return process


def _renderers(redactor: Redactor, *, for_people: bool) -> list[Processor]:
    render: Callable[..., str | bytes]
    if for_people:
        # The plain traceback: others wrap lines, which would cut a secret in two, and show local variables.
        render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [_seen, _redacted(render, redactor)]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [structlog.processors.format_exc_info, _redacted(render, redactor)]


def _seen(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """No control character of a file's name, or of an answer, reaches the terminal."""
    return {key: visible(value) if isinstance(value, str) else value for key, value in event.items()}


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
