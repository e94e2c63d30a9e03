"""Logging in and out."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from aiohttp import web

from importer.errors import ConfigError
from importer.events import EventKind
from importer.web.guard import actor_of, came_from, complain, log_in
from importer.web.rendering import language, page
from importer.web.site import PERSON, SITE
from importer.web.throttle import TooMany

routes = web.RouteTableDef()


@routes.get("/login")
async def show(request: web.Request) -> web.Response:
    return page(request, "login.html", {"fault": "", "name": ""})


@routes.post("/login")
async def login(request: web.Request) -> web.Response:
    site = request.app[SITE]
    form = await request.post()
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    address, spoken = came_from(request, site.settings.web), language(request)
    try:
        async with site.throttle.turn(name, address):
            right = await _right(request, name, password)
            if not right:
                site.throttle.failed(name, address)
    except TooMany as crowd:
        return _again(request, name, spoken.say("login.wait", time=spoken.span(crowd.seconds)), 429)
    except ConfigError as error:
        complain(site, error)
        return _again(request, name, spoken.say("login.closed"), 503)
    if not right:
        known = name if name in site.users.names() else None  # an unknown one may be a password, mistyped
        structlog.get_logger().warning("login_failed", user=known, address=address)
        return _again(request, name, spoken.say("login.wrong"), 403)
    site.throttle.succeeded(name, address)
    request[PERSON] = name
    response = web.HTTPSeeOther("/")
    log_in(response, request, name)
    await site.record(actor_of(request), EventKind.LOG_IN)
    raise response


async def _right(request: web.Request, name: str, password: str) -> bool:
    site = request.app[SITE]
    async with site.hashing:
        return await asyncio.to_thread(partial(site.users.verify, name, password))


def _again(request: web.Request, name: str, fault: str, status: int) -> web.Response:
    return page(request, "login.html", {"fault": fault, "name": name[:100]}, status)


@routes.post("/logout")
async def logout(request: web.Request) -> web.Response:
    site = request.app[SITE]
    if request[PERSON]:
        await site.record(actor_of(request), EventKind.LOG_OUT)
    site.sessions.end(request.cookies.get(site.session_cookie, ""))
    response = web.HTTPSeeOther("/login")
    response.del_cookie(site.session_cookie, path="/", secure=site.settings.web.is_https, httponly=True)
    raise response
