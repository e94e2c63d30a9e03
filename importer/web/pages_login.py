"""Logging in and out."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from aiohttp import web

from importer.web.guard import SESSION, log_in
from importer.web.rendering import language, page
from importer.web.site import SITE

routes = web.RouteTableDef()
_LONGEST = 200


@routes.get("/login")
async def show(request: web.Request) -> web.Response:
    return page(request, "login.html", {"fault": "", "name": ""})


@routes.post("/login")
async def login(request: web.Request) -> web.Response:
    site = request.app[SITE]
    form = await request.post()
    name, password = str(form.get("name", ""))[:_LONGEST], str(form.get("password", ""))[:_LONGEST]
    keys = (("name", name), ("address", request.remote or ""))
    spoken = language(request)
    if wait := site.throttle.wait(*keys):
        return _again(request, name, spoken.say("login.wait", time=spoken.span(wait)), 429)
    async with site.hashing:
        if wait := site.throttle.wait(*keys):
            return _again(request, name, spoken.say("login.wait", time=spoken.span(wait)), 429)
        right = await asyncio.to_thread(partial(site.users.verify, name, password))
        if not right:
            site.throttle.failed(*keys)
    if not right:
        structlog.get_logger().warning("login_failed", user=name, address=request.remote)
        return _again(request, name, spoken.say("login.wrong"), 403)
    site.throttle.succeeded(keys[0])
    response = web.HTTPSeeOther("/")
    log_in(response, request, name)
    raise response


def _again(request: web.Request, name: str, fault: str, status: int) -> web.Response:
    return page(request, "login.html", {"fault": fault, "name": name}, status)


@routes.post("/logout")
async def logout(request: web.Request) -> web.Response:
    request.app[SITE].sessions.end(request.cookies.get(SESSION, ""))
    response = web.HTTPSeeOther("/login")
    response.del_cookie(SESSION, path="/")
    raise response
