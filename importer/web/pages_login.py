"""Logging in and out."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
from aiohttp import web
from multidict import MultiMapping

from importer.errors import ConfigError
from importer.events import EventKind
from importer.web.guard import WHERE, actor_of, came_from, complain, log_in
from importer.web.rendering import language, page
from importer.web.site import PERSON, SITE
from importer.web.throttle import TooMany

routes = web.RouteTableDef()


@routes.get("/login")
async def show(request: web.Request) -> web.Response:
    values = {"fault": "", "name": "", "next": _own(unquote(request.cookies.get(WHERE, ""))), "fields": []}
    return page(request, "login.html", {**values, "dialog": request.query.get("in") == "dialog"})


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
        return _again(request, form, spoken.say("login.wait", time=spoken.span(crowd.seconds)), 429)
    except ConfigError as error:
        complain(site, error)
        return _again(request, form, spoken.say("login.closed"), 503)
    if not right:
        known = name if name in site.users.names() else None  # an unknown one may be a password, mistyped
        structlog.get_logger().warning("login_failed", user=known, address=address)
        return _again(request, form, spoken.say("login.wrong"), 403)
    site.throttle.succeeded(name, address)
    request[PERSON] = name
    to, fields = _own(str(form.get("next", ""))), _carried(form)
    values = {"action": to, "fields": fields}
    response = page(request, "again.html", values) if fields and to else web.HTTPSeeOther(to or "/")
    log_in(response, request, name)
    response.del_cookie(WHERE, path="/", secure=site.settings.web.is_https, httponly=True)
    await site.record(actor_of(request), EventKind.LOG_IN)
    if isinstance(response, web.HTTPException):
        raise response
    return response


def _own(address: str) -> str:
    """An address of this page; empty for any other, to which nobody is led by logging in."""
    fits = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if fits and "\\" not in address else ""


def _carried(form: MultiMapping[Any]) -> list[tuple[str, str]]:
    """What was typed into another form when the session had ended."""
    return [(key.removeprefix("again:"), str(value)) for key, value in form.items() if key.startswith("again:")]


async def _right(request: web.Request, name: str, password: str) -> bool:
    site = request.app[SITE]
    async with site.hashing:
        return await asyncio.to_thread(partial(site.users.verify, name, password))


def _again(request: web.Request, form: MultiMapping[Any], fault: str, status: int) -> web.Response:
    name, to = str(form.get("name", "")).strip()[:100], _own(str(form.get("next", "")))
    values = {"fault": fault, "name": name, "next": to, "fields": _carried(form), "dialog": False}
    return page(request, "login.html", values, status)


@routes.post("/logout")
async def logout(request: web.Request) -> web.Response:
    site = request.app[SITE]
    if request[PERSON]:
        await site.record(actor_of(request), EventKind.LOG_OUT)
    site.sessions.end(request.cookies.get(site.session_cookie, ""))
    response = web.HTTPSeeOther("/login")
    response.del_cookie(site.session_cookie, path="/", secure=site.settings.web.is_https, httponly=True)
    raise response
