"""procrastinate hands the work of a channel to one of the workers. It decides nothing: who sends, the lease decides.

A job says "serve this channel until nothing is left". Two of them at once do no harm, the second waits for the lease;
one that is lost with its worker is replaced by the others' reapers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import procrastinate
import psycopg
import psycopg_pool
import structlog
from procrastinate import exceptions
from psycopg.conninfo import make_conninfo

from importer.concurrency import Stopping, in_thread, until
from importer.errors import LedgerBusy, LedgerError
from importer.ledger.postgres.connecting import connect, execute, explain

_SCHEMA = "importer_jobs"
_TASK = "serve"
_POLL = 1.0
_HEARTBEAT = 1.0
_STALE = 8.0
"""Seconds without a heartbeat after which a worker counts as gone."""
_REAP = 2.0
_POOL_SECONDS = 300.0
"""A server that is being restarted is waited for: the worker would end when its pool gives up."""
_AGAIN = 1.0
_FAULTS = (psycopg.Error, psycopg_pool.PoolTimeout, exceptions.ProcrastinateException)


class _Serving:
    """One call of `serve` at a time, whatever becomes of the job that has begun it."""

    def __init__(self, serve: Callable[[], Awaitable[None]]) -> None:
        self._serve = serve
        self._task: asyncio.Task[None] | None = None

    async def job(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._served())
        await asyncio.shield(self._task)

    async def _served(self) -> None:
        try:
            await self._serve()
        except LedgerError as error:
            structlog.get_logger().warning("channel_left", reason=str(error))

    async def ended(self) -> None:
        if self._task:
            await asyncio.wait({self._task})


class ProcrastinateJobs:
    def __init__(self, url: str, channel: str) -> None:
        self._url, self._channel = url, channel
        self._queue = hashlib.sha256(channel.encode()).hexdigest()[:16]
        """Its names are limited, and stand in NOTIFY."""

    async def hand_over(self) -> None:
        """Raises LedgerBusy while the server is away."""
        try:
            async with self._app() as app:
                await self._defer(app)
        except _FAULTS as error:
            raise LedgerBusy("ledger_unreachable", path=self._url, reason=" ".join(str(error).split())) from error

    async def work(self, serve: Callable[[], Awaitable[None]], stopping: Stopping) -> None:
        """Where procrastinate loses its connection, it cancels its jobs: what serves goes on, and is found again."""
        log, asleep = structlog.get_logger(), until(stopping.heard)
        serving = _Serving(serve)
        try:
            while not stopping():
                try:
                    async with self._app() as app:
                        await self._work(app, serving, stopping)
                except (*_FAULTS, LedgerBusy) as error:
                    log.warning("worker_waits_for_ledger", reason=" ".join(str(error).split())[:300])
                    await asleep(_AGAIN)
        finally:
            await serving.ended()

    async def _work(self, app: procrastinate.App, serving: _Serving, stopping: Stopping) -> None:
        """Until it is told to stop; the job that runs then ends by itself, and beats its heart until it has."""
        app.task(name=_TASK, queue=self._queue)(serving.job)
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[self._queue],
                concurrency=1,
                install_signal_handlers=False,
                fetch_job_polling_interval=_POLL,
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_STALE,
                delete_jobs="always",
            )
        )
        reaper = asyncio.create_task(self._reap(app))
        told = asyncio.create_task(stopping.heard())
        try:
            await asyncio.wait({worker, reaper, told}, return_when=asyncio.FIRST_COMPLETED)
            if stopping():
                await serving.ended()
        finally:
            for task in (told, reaper, worker):
                task.cancel()
            ended = await asyncio.gather(worker, reaper, told, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault

    async def _reap(self, app: procrastinate.App) -> None:
        """Take the jobs of workers that are gone out of the way, and see to it that there is one where runs wait."""
        while True:
            for stalled in await app.job_manager.get_stalled_jobs(queue=self._queue, seconds_since_heartbeat=_STALE):
                await app.job_manager.finish_job(stalled, procrastinate.jobs.Status.FAILED, delete_job=True)
            if await in_thread(self._waits):
                await self._defer(app)
            await asyncio.sleep(_REAP)

    def _waits(self) -> bool:
        """Whether a run waits for the channel."""
        try:
            with connect(self._url) as db:
                return execute(db, "count_queued", channel=self._channel).fetchone() != {"n": 0}
        except psycopg.Error as error:
            raise explain(error, self._url) from error

    async def _defer(self, app: procrastinate.App) -> None:
        with suppress(exceptions.AlreadyEnqueued):
            await app.configure_task(_TASK, queue=self._queue, queueing_lock=self._queue).defer_async()

    @asynccontextmanager
    async def _app(self) -> AsyncIterator[procrastinate.App]:
        await in_thread(self._prepare)
        connector = procrastinate.PsycopgConnector(
            conninfo=make_conninfo(self._url, options=f"-c search_path={_SCHEMA}", connect_timeout="10"),
            timeout=_POOL_SECONDS,
            min_size=1,
            max_size=4,
        )
        app = procrastinate.App(connector=connector)
        async with app.open_async():
            yield app

    def _prepare(self) -> None:
        """Make procrastinate's own tables, unless they are there."""
        with connect(self._url) as db:
            try:
                with db.transaction():
                    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('importer_jobs', 0))")
                    found = db.execute("SELECT to_regclass('importer_jobs.procrastinate_jobs') AS it").fetchone()
                    if found and found["it"] is None:
                        db.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}".encode())
                        db.execute(f"SET LOCAL search_path = {_SCHEMA}".encode())
                        db.execute(procrastinate.schema.SchemaManager.get_schema().encode())
            except psycopg.Error as error:
                raise explain(error, self._url) from error
