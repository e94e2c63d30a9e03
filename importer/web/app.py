"""The page as an application of aiohttp: routes, what every request passes, what begins and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from aiohttp import web

from importer.errors import ImporterError
from importer.ledger.opening import viewed
from importer.ledger.ports import Place
from importer.ledger.records import Run
from importer.model import RunState
from importer.sources.template import write_template
from importer.web import api, guard, pages_correcting, pages_login, pages_mapping, pages_runs, pages_uploads
from importer.web.site import SITE, Site
from importer.web.uploads import Upload, Uploads

_FORM = 8 << 20
"""Bytes that a form may have: a table of some thousand corrected rows."""
_STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "grid.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_TEMPLATES = {
    "list.csv": "text/csv",
    "list.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

routes = web.RouteTableDef()


@routes.get("/static/{name}")
async def static(request: web.Request) -> web.Response:
    kind = _STATIC.get(request.match_info["name"])
    if kind is None:
        raise web.HTTPNotFound(text="not_found")
    body = _static(request.match_info["name"])
    return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": "max-age=300"})


@cache
def _static(name: str) -> bytes:
    return (files("importer.web") / "static" / name).read_bytes()


@routes.get("/templates/{name}")
async def template(request: web.Request) -> web.Response:
    """An empty list to fill in."""
    name = request.match_info["name"]
    if name not in _TEMPLATES:
        raise web.HTTPNotFound(text="not_found")
    body = await request.app[SITE].read(_template, name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=_TEMPLATES[name], headers=headers)


def _template(name: str) -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory) / name
        write_template(path)
        return path.read_bytes()


def make_app(site: Site) -> web.Application:
    app = web.Application(
        client_max_size=_FORM, middlewares=[guard.answers, guard.address, guard.person, guard.permitted, guard.forgery]
    )
    app[SITE] = site
    for table in (
        routes,
        pages_login.routes,
        pages_uploads.routes,
        pages_correcting.routes,
        pages_mapping.routes,
        pages_runs.routes,
        api.door.routes,
    ):
        app.router.add_routes(table)
    app.cleanup_ctx.append(_working)
    app.on_shutdown.append(_close)
    return app


async def _working(app: web.Application) -> AsyncIterator[None]:
    site = app[SITE]
    await tidy(site)
    tasks = [asyncio.create_task(site.worker.run()), asyncio.create_task(keep_tidy(site))]
    yield
    site.worker.end()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    site.close()


async def _close(app: web.Application) -> None:
    """End what would keep connections open; tell the run to stop."""
    site = app[SITE]
    site.closing.set()
    site.previews.end()
    site.worker.end()


# Uploads that nobody needs any more are removed: when the server starts, and once an hour.
_EVERY = 3600.0


async def keep_tidy(site: Site) -> None:
    """Until the server ends."""
    while not site.closing.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(site.closing.wait(), _EVERY)
            return
        await tidy(site)


async def tidy(site: Site) -> None:
    """Remove what is older than web.keep_uploads_days, and what was discarded web.discard_hours ago. Nothing that fails
    here keeps the page from being served.
    """
    before = datetime.now(UTC) - timedelta(hours=site.settings.web.discard_hours)
    for upload in site.uploads.discarded():
        if datetime.fromisoformat(upload.discarded_at) <= before:
            _remove(site, upload)
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
        _remove(site, upload)


def _remove(site: Site, upload: Upload) -> None:
    site.previews.forget(upload.id)
    site.uploads.remove(upload.id)
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


def _runs(ledger: Place) -> dict[str, Run]:
    with viewed(ledger) as view:
        return {run.id: run for run in view.runs()} if view else {}
