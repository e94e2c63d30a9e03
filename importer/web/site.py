"""What all pages share: the parts, put together once. All that lasts is on the disk, in the ledger or beside it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

import structlog
from aiohttp import web
from filelock import FileLock, Timeout

from importer import wiring
from importer.config.settings import Settings
from importer.errors import ConfigError, ImporterError, LedgerBusy, LedgerError
from importer.events import Actor, Event, EventKind, this_process
from importer.ledger.opening import viewed
from importer.ledger.ports import Place
from importer.redaction import Redactor
from importer.web.access import Csrf, Sessions, users_of
from importer.web.durable import make_private, secret
from importer.web.jobs import Jobs
from importer.web.previews import Previews
from importer.web.space import Space
from importer.web.suppliers import Suppliers
from importer.web.throttle import Throttle
from importer.web.uploads import Uploads
from importer.web.worker import Worker

T = TypeVar("T")
_AT_ANY_TIME = frozenset({EventKind.LOG_IN, EventKind.LOG_OUT, EventKind.PAUSE, EventKind.STOP})
_READERS = 4
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Site:
    """Raises LedgerBusy where another server uses the same directory, ConfigError where it can't be used."""

    def __init__(self, settings: Settings, target: str, redactor: Redactor, again: str = "") -> None:
        self.settings = settings
        self.target = target
        self.ledger = wiring.ledger_of(settings)
        self.directory = settings.ledger.directory / "uploads"
        self.own = own = self.directory / ".server"
        prefix = "__Host-" if settings.web.is_https else ""
        self.session_cookie = f"{prefix}importer_session"
        """With the prefix a browser takes it from this host alone, by https alone."""
        try:
            make_private(own)
            self._lock = FileLock(own / "lock", mode=0o600, thread_local=False, fallback_to_soft=False)
            self._lock.acquire(blocking=False)
            self.csrf = Csrf(secret(own / "key.json"), f"{prefix}importer_csrf")
            self.sessions = Sessions(
                own / "sessions.json", settings.web.session_hours, settings.web.session_idle_minutes
            )
            self.uploads = Uploads(self.directory, wiring.new_run_id)
            self.jobs = Jobs(own / "jobs")
            self.suppliers = Suppliers(own / "suppliers.json")
        except Timeout:
            raise LedgerBusy("page_busy", path=str(self.directory)) from None
        except OSError as error:
            raise ConfigError(
                "page_directory", path=str(self.directory), reason=error.strerror or str(error)
            ) from error
        _make_ledger(self.ledger)
        self.users = users_of(settings)
        self.owner = this_process().user
        """Who started the server: without users, whoever sits at this machine."""
        self.throttle = Throttle()
        self.names = {*LOOPBACK, *(host.lower() for host in settings.web.hosts)}
        """Under which the page is reached."""
        if not is_loopback(settings.web.host):
            self.names.add(settings.web.host.lower())
            Thread(target=self._look_up_names, daemon=True).start()
        self.complained = float("-inf")
        """When it was last said that the users can't be read."""
        self.previews = Previews(settings, target, self.uploads)
        self.worker = Worker(settings, target, self.jobs, self.uploads, redactor, again)
        self.closing = asyncio.Event()
        self.arriving: Counter[str] = Counter()
        """Lists on their way, by person."""
        self.listeners: Counter[str] = Counter()
        """Streams of events, by person."""
        self.space = Space(self.directory, settings.web.max_megabytes_per_person << 20)
        self.began: Callable[[web.RequestHandler], None] = lambda _: None
        """Is told of every request."""
        self.hashing = asyncio.Semaphore(1)
        """A password takes 64 MB to check."""
        self._readers = ThreadPoolExecutor(_READERS, "reader")

    def not_ready(self) -> list[str]:
        """What keeps the server from importing. In a thread."""
        found = []
        try:
            with viewed(self.ledger) as view:
                if view:
                    view.runs()
        except ImporterError:
            found.append("ledger")
        for name, place in (("report_dir", self.settings.report.dir), ("uploads", self.directory)):
            there = next(path for path in (place, *place.absolute().parents) if path.exists())
            if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
                found.append(name)
        if not self.worker.alive:
            found.append("worker")
        return found

    def _look_up_names(self) -> None:
        """Takes 10 seconds or more if no name server answers: once, and never while a request waits."""
        self.names.add(socket.gethostname().lower())
        self.names.add(socket.getfqdn().lower())

    async def read(self, work: Callable[..., T], *values: Any) -> T:
        """Look something up in a thread: the ledger, a report."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *values)

    async def record(
        self,
        actor: Actor,
        kind: EventKind,
        *,
        run: str = "",
        upload: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        """Note in the ledger that a person changes something, before that is done. Raises LedgerError where it can't be
        noted, except for what must be possible at any time: leaving, and stopping a run.
        """
        event = Event(kind, actor, run, upload, before or {}, after or {}, comment)
        try:
            await asyncio.to_thread(self.ledger.leave_event, event)
        except LedgerError as error:
            if kind not in _AT_ANY_TIME:
                raise
            structlog.get_logger().error("event_lost", kind=kind, user=actor.user, error=str(error))

    def close(self) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._lock.release()


def is_loopback(host: str) -> bool:
    return host.lower() in LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit())


def _make_ledger(place: Place) -> None:
    """So that nobody reads one that is only half made."""
    if not place.exists():
        with suppress(LedgerBusy):
            place.open().close()


SITE = web.AppKey("site", Site)
ROLE = "role"
"""Key of a request: a roles.Role."""
PERSON = "person"
"""Key of a request: who it is that asks."""
