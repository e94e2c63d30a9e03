"""The access log: who asked for what, when and from where, a JSON line each, in files that are rotated; and what could
not be understood at all, a line each in the log.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from importer.config.settings import Web
from importer.web.connections import Connections
from importer.web.durable import private
from importer.web.guard import came_from
from importer.web.site import PERSON

_LONGEST = 500
_COMPLAIN_EVERY = 60.0


class _PrivateFiles(RotatingFileHandler):
    """For this user alone. A full disk costs lines and stops nothing."""

    def __init__(self, path: Path, bytes_of_one: int, files: int) -> None:
        super().__init__(path, maxBytes=bytes_of_one, backupCount=files - 1, encoding="utf-8", delay=True)
        self._complained = float("-inf")

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding="utf-8", errors="replace", opener=private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        _ = record
        if time.monotonic() >= self._complained + _COMPLAIN_EVERY:
            self._complained = time.monotonic()
            structlog.get_logger().error("access_log_unwritable", path=self.baseFilename)


class Journal:
    """Is told of every request when its answer has been sent."""

    def __init__(self, path: Path, wanted: Web, connections: Connections) -> None:
        self._files = _PrivateFiles(path, int(wanted.access_log_megabytes * 1_000_000), wanted.access_log_files)
        self._wanted = wanted
        self._connections = connections

    def answered(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> None:
        self._connections.ended(request.protocol)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": request.get(PERSON, ""),
            "from": came_from(request, self._wanted),
            "method": request.method,
            "path": request.path_qs[:_LONGEST],
            "status": response.status,
            "bytes": response.body_length,
            "seconds": round(seconds, 3),
        }
        self._files.handle(logging.makeLogRecord({"msg": json.dumps(line)}))

    def close(self) -> None:
        self._files.close()


class Hook(AbstractAccessLogger):
    """aiohttp's way of telling the journal, which stands in the place of its logger."""

    @property
    def enabled(self) -> bool:
        return True

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        journal: Any = self.logger
        journal.answered(request, response, time)


class BadRequests(logging.Handler):
    """What is no HTTP is one line; what is our fault keeps its traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            said = " ".join(f"{type(error).__name__}: {error.message}".split())[:_LONGEST]
            structlog.get_logger().warning("bad_request", error=said)
        elif record.levelno >= logging.WARNING:
            structlog.get_logger().error(record.getMessage(), exc_info=record.exc_info)


def server_logger() -> logging.Logger:
    """For aiohttp's server."""
    logger = logging.getLogger("importer.web")
    logger.propagate = False
    logger.handlers = [BadRequests()]
    return logger
