"""Log events go to stderr: for people on a terminal, as JSON lines elsewhere, and never with a secret in them.

Called once, by whoever starts a process. What is logged, and when, is decided elsewhere.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]

REDACTED = "[redacted]"

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)+|eyJ[A-Za-z0-9_-]{18,}")
"""A JSON Web Token, or a part of one: its payload holds the API key. No serial is as long as a bare part."""
_JWT_BEGINS = "eyJ"


class Redactor:
    """Takes secrets out of text: those it was told, in the spellings that JSON and `repr` give them, and all that
    looks like a JWT. More can be told at any time (`add`), such as a token that was just fetched.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: set[str] = set()
        self._pattern = _JWT
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        for secret in filter(None, secrets):
            as_repr = repr(secret)[1:-1]
            self._spellings |= {secret, as_repr, json.dumps(secret)[1:-1], json.dumps(as_repr)[1:-1]}
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, longest_first), _JWT.pattern]))

    def __call__(self, text: str) -> str:
        # To look for fixed texts first is thirty times as fast, and nearly no line holds one.
        if _JWT_BEGINS in text or any(spelling in text for spelling in self._spellings):
            return self._pattern.sub(REDACTED, text)
        return text


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
        return redactor(line if isinstance(line, str) else line.decode())

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
