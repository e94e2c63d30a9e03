"""What all pages share: the parts, put together once. All that lasts is on the disk, in the ledger or beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from filelock import FileLock, Timeout

from importer import wiring
from importer.config.settings import Settings
from importer.errors import ConfigError, LedgerBusy
from importer.ledger.ledger import Ledger
from importer.redaction import Redactor
from importer.web.access import Csrf, Sessions, Throttle, Users
from importer.web.durable import secret
from importer.web.jobs import Jobs
from importer.web.previews import Previews
from importer.web.uploads import Uploads
from importer.web.worker import Worker

T = TypeVar("T")
_READERS = 4


class Site:
    """Raises LedgerBusy where another server uses the same directory, ConfigError where it can't be used."""

    def __init__(self, settings: Settings, target: str, redactor: Redactor, again: str = "") -> None:
        self.settings = settings
        self.target = target
        self.ledger = settings.ledger.path
        self.directory = settings.ledger.path.absolute().parent / "uploads"
        own = self.directory / ".server"
        try:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FileLock(own / "lock", mode=0o600, thread_local=False, fallback_to_soft=False)
            self._lock.acquire(blocking=False)
            self.csrf = Csrf(secret(own / "key.json"))
            self.sessions = Sessions(own / "sessions.json", settings.web.session_hours)
            self.uploads = Uploads(self.directory, wiring.new_run_id)
            self.jobs = Jobs(own / "jobs")
        except Timeout:
            raise LedgerBusy("page_busy", path=str(self.directory)) from None
        except OSError as error:
            raise ConfigError(
                "page_directory", path=str(self.directory), reason=error.strerror or str(error)
            ) from error
        _make_ledger(self.ledger)
        self.users = Users(settings.web.users_file or self.ledger.absolute().parent / "users.json")
        self.owner = wiring.user()
        """Who started the server: without users, whoever sits at this machine."""
        self.throttle = Throttle({"name": 5, "address": 20})
        self.previews = Previews(settings, target, self.uploads)
        self.worker = Worker(settings, target, self.jobs, self.uploads, redactor, again)
        self.closing = asyncio.Event()
        self.arriving = 0
        self.listeners = 0
        self.hashing = asyncio.Semaphore(1)
        """A password takes 64 MB to check."""
        self._readers = ThreadPoolExecutor(_READERS, "reader")

    async def read(self, work: Callable[..., T], *values: Any) -> T:
        """Look something up in a thread: the ledger, a report."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *values)

    def close(self) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._lock.release()


def _make_ledger(path: Path) -> None:
    """So that nobody reads one that is only half made."""
    if not path.exists():
        with suppress(LedgerBusy):
            Ledger(path).close()


SITE = web.AppKey("site", Site)
PERSON = "person"
"""Key of a request: who it is that asks."""
