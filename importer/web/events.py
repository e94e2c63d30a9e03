"""Server-sent events: how a run goes, as often as it changes and once a second at most."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from aiohttp import web

from importer.web.data import run_data
from importer.web.guard import dress
from importer.web.site import SITE, Site

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
