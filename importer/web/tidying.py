"""Uploads that nobody needs any more are removed: when the server starts, and once an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from importer.errors import ImporterError
from importer.ledger.view import Run
from importer.model import RunState
from importer.web.looking import viewed
from importer.web.site import Site
from importer.web.uploads import Upload, Uploads

_EVERY = 3600.0


async def keep_tidy(site: Site) -> None:
    """Until the server ends."""
    while not site.closing.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(site.closing.wait(), _EVERY)
            return
        await tidy(site)


async def tidy(site: Site) -> None:
    """Remove what is older than web.keep_uploads_days. Nothing that fails here keeps the page from being served."""
    days = site.settings.web.keep_uploads_days
    if not days:
        return
    try:
        runs = await site.read(_runs, site.ledger)
    except ImporterError as error:
        structlog.get_logger().warning("uploads_not_tidied", error=str(error))
        return
    queued = {job.upload for job in site.jobs.all}
    for upload in outdated(site.uploads, queued, runs, datetime.now(UTC) - timedelta(days=days)):
        site.previews.forget(upload.id)
        site.uploads.discard(upload.id)
        structlog.get_logger().info("upload_removed", source=upload.name, run=upload.run if upload.imported else None)


def outdated(uploads: Uploads, queued: Collection[str], runs: Mapping[str, Run], before: datetime) -> list[Upload]:
    """Those whose run has finished before, and those that nobody has confirmed or changed since.

    What can still go on keeps its list: what is queued, and a run that stopped early.
    """
    return [one for one in uploads.all() if one.id not in queued and _rests_since(one, uploads, runs) < before]


def _rests_since(upload: Upload, uploads: Uploads, runs: Mapping[str, Run]) -> datetime:
    run = runs.get(upload.run) if upload.imported else None
    if run is None:
        return uploads.changed_at(upload)
    if run.state is not RunState.FINISHED or not run.ended_at:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromisoformat(run.ended_at)


def _runs(ledger: Path) -> dict[str, Run]:
    with viewed(ledger) as view:
        return {run.id: run for run in view.runs()} if view else {}
