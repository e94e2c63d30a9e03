"""Does what is queued, one run at a time, under the ledger's lock, which it holds only while it has something to do."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import structlog

from importer import wiring
from importer.concurrency import Stopped, Stopping, in_thread
from importer.config.settings import Settings
from importer.errors import ConfigError, Exit, ImporterError, LedgerBusy, LedgerError
from importer.events import Actor, EventKind
from importer.flow.importing import Finished, Import
from importer.ledger.ports import Ledger
from importer.ledger.records import Run
from importer.model import Message, RunState, same_target
from importer.redaction import Redactor
from importer.web.jobs import Job, Jobs
from importer.web.live import Live
from importer.web.uploads import Upload, Uploads

_AGAIN_AFTER = 2.0
"""Seconds until the ledger's lock is tried again."""
_MOST_FAULT = 500


class Worker:
    def __init__(
        self, settings: Settings, target: str, jobs: Jobs, uploads: Uploads, redactor: Redactor, again: str = ""
    ) -> None:
        self._settings = settings
        self._target = target
        self._jobs = jobs
        self._uploads = uploads
        self._redactor = redactor
        self.again = again
        self._log = structlog.get_logger()
        self._ending = False
        self._keeps = False
        """Whether what was stopped has not lost its place: paused, or the server ends."""
        self._stopping: Stopping | None = None
        self.holding = asyncio.Lock()
        """Of the ledger, among those of this process that write: an import, a lookup."""
        self.now: Job | None = None
        self.live: Live | None = None
        self.alive = False
        """Whether it works on what is queued."""
        self.waits_for: Message | None = None
        """Who holds the ledger, where that is not this process."""

    async def run(self) -> None:
        """Work until `end`."""
        self.alive = True
        try:
            await self._work_on()
        finally:
            self.alive = False

    async def _work_on(self) -> None:
        while not self._ending:
            self._jobs.changed.clear()
            job = self._jobs.next()
            if job is None:
                await self._jobs.changed.wait()
            elif not await self._work(job):
                try:
                    await asyncio.wait_for(self._jobs.changed.wait(), _AGAIN_AFTER)
                except TimeoutError:
                    continue

    def end(self) -> None:
        """Stop cleanly: what is queued or running goes on after a restart."""
        self._ending = True
        if self._stopping:
            self._keeps = True
            self._stopping.stop(Message("server_stopped"), Exit.TERMINATED)
        self._jobs.changed.set()

    def halt(self, job: Job, why: Message, *, keeps: bool) -> None:
        """Stop the run that goes on, if it is this one; whether it keeps its place in the queue."""
        if self.now is job and self._stopping and not self._ending:
            self._keeps = keeps
            self._stopping.stop(why, Exit.STOPPED)

    async def _work(self, job: Job) -> bool:
        """Do a job; False where the ledger is not free."""
        async with self.holding:
            return await self._work_alone(job)

    async def _work_alone(self, job: Job) -> bool:
        try:
            ledger = await asyncio.to_thread(wiring.ledger_of(self._settings).open)
        except LedgerBusy as error:
            self.waits_for = error.message
            return False
        except ImporterError as error:
            self._hold(job, error)
            return True
        self.waits_for = None
        stopping = self._stopping = Stopping()
        self.now, self.live = job, Live(self._settings.limits.requests_per_second)
        self._keeps = self._ending or job.paused
        if self._keeps or job not in self._jobs.all:
            stopping.stop(Message("stopped_while_queued"), Exit.STOPPED)
        try:
            await self._do(job, ledger, stopping, self.live)
        except LedgerBusy as error:  # one of several hosts sends into the target now
            self.waits_for = error.message
            return False
        finally:
            self.now = self.live = self._stopping = None
            await asyncio.to_thread(ledger.close)
        return True

    async def _do(self, job: Job, ledger: Ledger, stopping: Stopping, live: Live) -> None:
        upload = self._uploads.get(job.upload) if job.upload else None
        try:
            stopping.check()
            run = _known(ledger, job.run)
            actor = Actor(job.by, door="page", host=socket.gethostname())
            parts = wiring.parts(
                self._settings, ledger, stopping, live, self._redactor, self._target, again=self.again, actor=actor
            )
            imports = Import(replace(parts, new_run_id=lambda: job.run))
            finished = await in_thread(asyncio.run, self._go(job, ledger, imports, run, upload))
        except LedgerBusy:
            raise
        except ImporterError as error:
            self._failed(job, upload, ledger, error)
        except Exception as error:  # noqa: BLE001  whatever it is, the server goes on; what was recorded is kept
            self._log.exception("job", run=job.run)
            self._failed(
                job, upload, ledger, ImporterError("fault", what=f"{type(error).__name__}: {error}"[:_MOST_FAULT])
            )
        else:
            self._log.info("job", run=finished.run.id, by=job.by, exit_code=finished.facts.exit_code)
            self._over(job, upload, finished.run)

    async def _go(self, job: Job, ledger: Ledger, imports: Import, run: Run | None, upload: Upload | None) -> Finished:
        """In an event loop of its own, in a thread: no page keeps an import waiting, and no import a page."""
        if run is None:
            if upload is None:
                raise ConfigError("run_gone", run=job.run)
            options = self.options(upload)
            return await imports.run(self._uploads.path(upload), options, wiring.identity_of(options))
        if not same_target(run.target, self._target):
            told = {"run": run.id, "sent_to": run.target, "sends_to": self._target}
            raise ConfigError("run_of_other_target", case="server", **told)
        kind = EventKind.RETRY if job.kind == "retry" else EventKind.RESUME
        if job.kind == "retry":
            await ledger.renew(run.num)
            job.kind = "resume"
            self._jobs.keep(job)
        return await imports.submit(run, kind)

    def options(self, upload: Upload) -> Any:
        return wiring.source_options(self._settings, {**upload.options, "edits": upload.edits or None})

    def _over(self, job: Job, upload: Upload | None, run: Run) -> None:
        if upload:
            upload.run, upload.imported, upload.fault = run.id, True, {}
            self._uploads.save(upload)
        if run.state == RunState.FINISHED or not self._keeps:
            self._jobs.done(job)

    def _failed(self, job: Job, upload: Upload | None, ledger: Ledger, error: ImporterError) -> None:
        """What stopped early stands in the ledger; what never began waits again for somebody to confirm it."""
        if isinstance(error, Stopped) and self._keeps:
            return
        self._log.warning("job_failed", run=job.run, error=str(error))
        run = _known(ledger, job.run)
        if upload and run:
            self._over(job, upload, run)
            return
        if upload:
            upload.fault = {} if isinstance(error, Stopped) else error.message.part()
            self._uploads.save(upload)
        elif isinstance(error, ConfigError | LedgerError):
            self._hold(job, error)
            return
        self._jobs.done(job)

    def _hold(self, job: Job, error: ImporterError) -> None:
        job.paused, job.fault = True, error.message.part()
        self._jobs.save(job)


def _known(ledger: Ledger, run_id: str) -> Run | None:
    view = ledger.view()
    try:
        return view.run(run_id)
    except ConfigError:
        return None
    finally:
        view.close()
