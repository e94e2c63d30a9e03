"""The JSON door: every page's data and every action. openapi.json describes it, and a test holds the two together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from typing import Any

from aiohttp import web

from importer.version import VERSION
from importer.web import actions, data
from importer.web.data import run_data
from importer.web.guard import dress
from importer.web.pages_runs import download, wanted_of
from importer.web.receiving import Receiving
from importer.web.rendering import answer
from importer.web.site import PERSON, SITE, Site

routes = web.RouteTableDef()
_PATIENCE = 10.0


async def _body(request: web.Request) -> Mapping[str, Any]:
    """A JSON object. Its content type is asked for: a foreign page could not send it unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="bad_request")
    try:
        value = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="bad_request") from None
    if not isinstance(value, Mapping):
        raise web.HTTPBadRequest(text="bad_request")
    return value


@routes.get("/api/health")
async def health(request: web.Request) -> web.Response:
    _ = request
    return web.json_response({"ok": True, "version": VERSION})


@routes.get("/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    _ = request
    text = (files("importer.web") / "openapi.json").read_text("utf-8")
    return web.Response(text=text, content_type="application/json")


@routes.get("/api/session")
async def session(request: web.Request) -> web.Response:
    site = request.app[SITE]
    return web.json_response({"user": request[PERSON], "csrf": site.csrf.token(request), "target": site.target})


@routes.get("/api/overview")
async def overview(request: web.Request) -> web.Response:
    return answer(request, await data.overview(request.app[SITE]))


@routes.post("/api/uploads")
async def upload(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = await Receiving(site, request, request[PERSON]).files()
    if not found:
        raise web.HTTPBadRequest(text="no_file")
    return web.json_response({"uploads": [data.upload_line(one) for one in found]}, status=201)


@routes.get("/api/uploads/{upload}")
async def one_upload(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return answer(request, await data.upload_data(site, found, _PATIENCE if "wait" in request.query else 0.0))


@routes.post("/api/uploads/{upload}/options")
async def options(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    actions.read_differently(site, found, await _body(request))
    return answer(request, await data.upload_data(site, found, _PATIENCE))


@routes.post("/api/uploads/{upload}/edits")
async def edits(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    actions.correct(site, found, await _body(request))
    return answer(request, await data.upload_data(site, found, _PATIENCE))


@routes.post("/api/uploads/{upload}/confirm")
async def confirm(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    body = await _body(request)
    run = await actions.confirm(site, found, request[PERSON], str(body.get("seen", "")), str(body.get("comment", "")))
    return web.json_response({"run": run}, status=202)


@routes.post("/api/uploads/{upload}/discard")
async def discard(request: web.Request) -> web.Response:
    site = request.app[SITE]
    actions.discard(site, actions.upload_of(site, request.match_info["upload"]))
    return web.json_response({})


@routes.get("/api/runs")
async def runs(request: web.Request) -> web.Response:
    return web.json_response(await data.runs_data(request.app[SITE], wanted_of(request)))


@routes.get("/api/runs/{run}")
async def one_run(request: web.Request) -> web.Response:
    found = await data.run_data(request.app[SITE], request.match_info["run"])
    if found is None:
        raise web.HTTPNotFound(text="not_found")
    return answer(request, found)


@routes.get("/api/runs/{run}/events")
async def events(request: web.Request) -> web.StreamResponse:
    return await run_events(request)


@routes.post("/api/runs/{run}/{what:pause|go-on|stop|retry}")
async def act(request: web.Request) -> web.Response:
    await actions.act(request.app[SITE], request.match_info["run"], request.match_info["what"], request[PERSON])
    return web.json_response({}, status=202)


@routes.get("/api/runs/{run}/files/{name}")
async def file(request: web.Request) -> web.StreamResponse:
    return await download(request)


@routes.get("/api/serials/{serial}")
async def serial(request: web.Request) -> web.Response:
    found = await data.serial_data(
        request.app[SITE], request.match_info["serial"].strip(), request.query.get("gtin", "").strip()
    )
    return answer(request, found)


# Server-sent events: how a run goes, as often as it changes and once a second at most.
_EVERY = 1.0
_SIGN_OF_LIFE = 15.0
_MOST_LISTENERS = 200


async def run_events(request: web.Request) -> web.StreamResponse:
    """`event: run` with the data of /api/runs/{run}; `event: end` when nothing more will happen by itself."""
    site = request.app[SITE]
    run_id = request.match_info["run"]
    if await run_data(site, run_id) is None:
        raise web.HTTPNotFound(text="not_found")
    if site.listeners >= _MOST_LISTENERS:
        raise web.HTTPServiceUnavailable(text="internal")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    dress(request, response)
    await response.prepare(request)
    site.listeners += 1
    try:
        with suppress(ConnectionError):
            await _tell(site, run_id, response)
    finally:
        site.listeners -= 1
    return response


async def _tell(site: Site, run_id: str, response: web.StreamResponse) -> None:
    last, silent = "", 0.0
    while not site.closing.is_set():
        data = await run_data(site, run_id)
        text = json.dumps(data, ensure_ascii=False)
        if text != last:
            await response.write(f"event: run\ndata: {text}\n\n".encode("utf-8", "replace"))
            last, silent = text, 0.0
        elif silent >= _SIGN_OF_LIFE:
            await response.write(b": still here\n\n")
            silent = 0.0
        if data is None or not data["queued"]:
            await response.write(b"event: end\ndata: {}\n\n")
            return
        silent += _EVERY
        with suppress(TimeoutError):
            await asyncio.wait_for(site.closing.wait(), _EVERY)
