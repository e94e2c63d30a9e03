"""The JSON door: every page's data and every action, as types; `openapi` describes it by them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import cache
from typing import Any

from aiohttp import web

from importer.flow.resolving import Lookup, UnknownRow, keys_of
from importer.ledger.records import Run as LedgerRun
from importer.version import VERSION
from importer.web import actions, correcting, data
from importer.web.data import run_data
from importer.web.documents import Confirmed, Done, Grid, Health, Overview, Run, Runs, Session, Traces, Upload, Uploaded
from importer.web.guard import actor_of, dress, who
from importer.web.inputs import (
    Accepted,
    Confirmation,
    Edit,
    Edits,
    Fix,
    LookedUp,
    OfProduct,
    Pasted,
    Patience,
    ReadingOptions,
    Sends,
    Undo,
    Wanted,
    WantedRows,
)
from importer.web.openapi import Door, document
from importer.web.pages_runs import download
from importer.web.receiving import Receiving
from importer.web.rendering import answer, in_language, language
from importer.web.site import PERSON, ROLE, SITE, Site

door = Door()
_PATIENCE = 10.0


@door.get("/api/health", open_to_all=True)
async def health(request: web.Request) -> Health:
    """Whether the server is alive, and whether it can import."""
    return await _health(request.app[SITE])


@door.get("/api/health/ready", media="application/json", open_to_all=True)
async def ready(request: web.Request) -> web.Response:
    """The same document, with status 503 while it can't import."""
    found = await _health(request.app[SITE])
    return answer(request, found, 200 if found.ready else 503)


async def _health(site: Site) -> Health:
    missing = await site.read(site.not_ready)
    return Health(ok=True, ready=not missing, not_ready=missing, version=VERSION)


@door.get("/metrics", media="text/plain")
async def metrics(request: web.Request) -> web.Response:
    """Metrics of the server's imports, for Prometheus."""
    from importer.telemetry.exposing import told  # noqa: PLC0415  only for who asks

    body, kind = await request.app[SITE].read(told, request.app[SITE].settings)
    return web.Response(body=body, headers={"Content-Type": kind})


@door.get("/api/openapi.json", open_to_all=True)
async def openapi(request: web.Request) -> dict[str, Any]:
    """This document."""
    _ = request
    return _described()


@cache
def _described() -> dict[str, Any]:
    return document(door.operations)


@door.get("/api/session")
async def session(request: web.Request) -> Session:
    """Who asks, and the token for changes."""
    site = request.app[SITE]
    return Session(
        user=request[PERSON], role=request[ROLE].name.lower(), csrf=site.csrf.token(request), target=site.target
    )


@door.get("/api/overview")
async def overview(request: web.Request) -> Overview:
    """What waits for a person, what goes on, what was last."""
    return await data.overview(request.app[SITE])


@door.post("/api/uploads", status=201, files=True)
async def upload(request: web.Request) -> Uploaded:
    """Upload lists."""
    found = await Receiving(request.app[SITE], request).files()
    if not found:
        raise web.HTTPBadRequest(text="no_file")
    return Uploaded([data.upload_line(one) for one in found])


@door.get("/api/uploads/{upload}")
async def one_upload(request: web.Request, query: Patience) -> Upload:
    """A list before it is confirmed."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return await data.upload_data(site, found, 0.0 if query.wait is None else _PATIENCE)


@door.post("/api/uploads/{upload}/options")
async def options(request: web.Request, body: ReadingOptions) -> Upload:
    """Read it in another way; takes corrections back."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    await actions.read_differently(site, found, body, actor_of(request))
    return await data.upload_data(site, found, _PATIENCE)


@door.post("/api/uploads/{upload}/edits")
async def edits(request: web.Request, body: dict[str, Edit]) -> Upload:
    """Correct rows, by their key; an empty correction takes an older one back."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    await actions.correct(site, found, body, actor_of(request))
    return await data.upload_data(site, found, _PATIENCE)


@door.get("/api/uploads/{upload}/rows")
async def grid_rows(request: web.Request, query: WantedRows) -> Grid:
    """Rows to correct, with all that is wrong in each."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return await correcting.grid_data(site, found, query, 0.0 if query.wait is None else _PATIENCE)


@door.post("/api/uploads/{upload}/cells")
async def cells(request: web.Request, body: Edits) -> Grid:
    """Correct cells; the answer has their rows, checked by themselves at least."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return await correcting.correct_cells(site, found, body, actor_of(request))


@door.post("/api/uploads/{upload}/paste")
async def paste(request: web.Request, body: Pasted) -> Grid:
    """Paste a block of cells into rows that follow each other."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return await correcting.paste(site, found, body, actor_of(request))


@door.post("/api/uploads/{upload}/fix")
async def fix(request: web.Request, body: Fix) -> Grid:
    """Do to all rows of a problem at once what is offered."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    await correcting.fix(site, found, body, actor_of(request))
    return await correcting.grid_data(site, found, WantedRows(kind=body.code), _PATIENCE)


@door.post("/api/uploads/{upload}/undo")
async def undo(request: web.Request, body: Undo) -> Grid:
    """Take changes back, whichever came after them."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    if body.numbers is None:
        await actions.undo_all(site, found, actor_of(request))
    else:
        await actions.undo(site, found, body.numbers, actor_of(request))
    return await correcting.grid_data(site, found, WantedRows(), 0.0)


@door.post("/api/uploads/{upload}/accept")
async def accept(request: web.Request, body: Accepted) -> Upload:
    """Say that suspect values are right, by the codes of why they are held back."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    await actions.accept(site, found, body, actor_of(request))
    return await data.upload_data(site, found, _PATIENCE)


@door.post("/api/uploads/{upload}/confirm", status=202)
async def confirm(request: web.Request, body: Confirmation) -> Confirmed:
    """Import what was seen."""
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return Confirmed(await actions.confirm(site, found, actor_of(request), body))


@door.post("/api/uploads/{upload}/discard")
async def discard(request: web.Request) -> Done:
    """Throw the list away; `restore` takes that back for a while."""
    site = request.app[SITE]
    await actions.discard(site, actions.upload_of(site, request.match_info["upload"]), actor_of(request))
    return Done()


@door.post("/api/uploads/{upload}/restore")
async def restore(request: web.Request) -> Upload:
    """Take a discarded list back."""
    site = request.app[SITE]
    found = actions.discarded_of(site, request.match_info["upload"])
    await actions.restore(site, found, actor_of(request))
    return await data.upload_data(site, found, 0.0)


@door.get("/api/runs")
async def runs(request: web.Request, query: Wanted) -> Runs:
    """Runs, the youngest first."""
    return await data.runs_data(request.app[SITE], query)


@door.get("/api/runs/{run}")
async def one_run(request: web.Request) -> Run:
    """A run, also while it waits or goes on."""
    found = await data.run_data(request.app[SITE], request.match_info["run"])
    if found is None:
        raise web.HTTPNotFound(text="not_found")
    return found


@door.get("/api/runs/{run}/events", media="text/event-stream")
async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `run` with the run whenever it changes, `end` when nothing more happens by itself."""
    return await run_events(request)


@door.post("/api/runs/{run}/{what:pause|go-on|stop|retry}", status=202)
async def act(request: web.Request, query: Sends) -> Done:
    """pause, go-on, stop or retry."""
    what = request.match_info["what"]
    await actions.act(request.app[SITE], request.match_info["run"], what, actor_of(request), query)
    return Done()


@door.post("/api/runs/{run}/resolve")
async def resolve(request: web.Request, body: LookedUp) -> Done:
    """Say what was looked up for rows whose fate is unknown."""
    site, run_id = request.app[SITE], request.match_info["run"]

    def chosen(rows: list[UnknownRow], run: LedgerRun) -> Lookup:
        there, absent = keys_of(rows, body.assigned, run), keys_of(rows, body.not_assigned, run)
        return Lookup(there, absent, body.comment.strip()[: actions.LONGEST_COMMENT])

    await actions.resolve(site, run_id, actor_of(request), chosen, language(request))
    return Done()


@door.get("/api/runs/{run}/files/{name}", media="application/octet-stream")
async def file(request: web.Request) -> web.StreamResponse:
    """A file of the report."""
    return await download(request)


@door.get("/api/serials/{serial}")
async def serial(request: web.Request, query: OfProduct) -> Traces:
    """What became of a serial, in all runs."""
    return await data.serial_data(request.app[SITE], request.match_info["serial"].strip(), query.gtin)


# Server-sent events: how a run goes, as often as it changes and once a second at most.
_EVERY = 1.0
_SIGN_OF_LIFE = 15.0
_STUCK = 30.0
"""Seconds that a reader may leave what was written to it unread."""


async def run_events(request: web.Request) -> web.StreamResponse:
    """`event: run` with the data of /api/runs/{run}; `event: end` when nothing more will happen by itself."""
    site, by = request.app[SITE], request[PERSON]
    run_id = request.match_info["run"]
    if await run_data(site, run_id) is None:
        raise web.HTTPNotFound(text="not_found")
    if site.listeners[by] >= site.settings.web.max_listeners_per_person:
        raise web.HTTPTooManyRequests(text="too_many_listeners")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    site.listeners[by] += 1
    try:
        dress(request, response)
        await response.prepare(request)
        with suppress(ConnectionError, TimeoutError):
            await _tell(request, run_id, response)
    finally:
        site.listeners[by] -= 1
    return response


async def _tell(request: web.Request, run_id: str, response: web.StreamResponse) -> None:
    """Until the run rests, the server ends, or the session of the person who listens has ended."""
    site: Site = request.app[SITE]
    last, silent = "", 0.0
    while not site.closing.is_set() and who(request) == request[PERSON]:
        found = await run_data(site, run_id)
        text = json.dumps(in_language(request, found))
        if text != last:
            await _write(response, f"event: run\ndata: {text}\n\n")
            last, silent = text, 0.0
        elif silent >= _SIGN_OF_LIFE:
            await _write(response, ": still here\n\n")
            silent = 0.0
        if found is None or not found.queued:
            await _write(response, "event: end\ndata: {}\n\n")
            return
        silent += _EVERY
        with suppress(TimeoutError):
            await asyncio.wait_for(site.closing.wait(), _EVERY)


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_STUCK):
        await response.write(text.encode())
