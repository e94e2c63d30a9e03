"""What every request passes: is the address ours, who asks, may he, is it no forgery; and what every answer carries."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote, unquote

import structlog
from aiohttp import BodyPartReader, MultipartReader, web
from yarl import URL

from importer.config.settings import Web
from importer.errors import ConfigError, Exit, ImporterError
from importer.events import Actor
from importer.web import queries
from importer.web.rendering import failed, language, page
from importer.web.roles import Role, is_own, must_allow, role_of
from importer.web.site import PERSON, ROLE, SITE, Site, is_loopback

PARTS = "parts"
"""Key of a request: what is left to read of an upload, behind its token."""
UPLOADS = frozenset({"/uploads", "/api/uploads"})
"""The only addresses that take files."""
WHERE = "importer_where"
"""Cookie that leads back to where one was, once one has logged in."""
_WHERE_SECONDS, _LONGEST_WHERE = 600, 1000
_OPEN = ("/login", "/static/", "/api/health", "/api/health/ready", "/api/openapi.json")
"""What can be seen without logging in; each prefix is exact enough to cover nothing else."""
_SAFE = frozenset({"GET", "HEAD"})
_ONCE = ("Host", "Origin", "Content-Type", "Sec-Fetch-Site", "X-CSRF-Token")
"""Headers that decide something: given twice, two readers may each believe another one."""
_FORM = "application/x-www-form-urlencoded"
_LONGEST_NAME = 100
_MOST_TOKEN = 256
_MOST_FROM_STRANGERS = 64 << 10
"""Bytes of a body before its sender has logged in."""
_BODY_SECONDS = 30.0
"""For a body that is no upload."""
PART_SECONDS = 30.0
"""For each block of an upload, and for the head of each part."""
_AUTOMATIC = ("part", "wait")
"""Queries with which a page asks by itself."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "importer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_HSTS = "max-age=31536000"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever happens ends in an answer in words, with the headers that keep a browser strict."""
    request.app[SITE].began(request.protocol)
    try:
        response = await handler(request)
    except web.HTTPRedirection as redirection:
        response = redirection
    except web.HTTPException as error:
        response = failed(request, error.status, error.text or "")
    except ImporterError as error:
        words = language(request).said(error.message)
        response = failed(request, 409 if error.exit_code == Exit.TRY_AGAIN else 500, words)
    except ConnectionError:
        raise
    except OSError as error:
        if error.errno not in _FULL:
            structlog.get_logger().exception("request", path=request.path)
        response = failed(request, *((507, "disk_full") if error.errno in _FULL else (500, "internal")))
    except Exception:  # noqa: BLE001  the log has it, the person gets a page
        structlog.get_logger().exception("request", path=request.path)
        response = failed(request, 500, "internal")
    if not response.prepared:
        dress(request, response)
    return response


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers; to be called before an answer that is a stream begins."""
    site = request.app[SITE]
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if site.settings.web.is_https:
        response.headers["Strict-Transport-Security"] = _HSTS
    if seed := site.csrf.new_seed(request):
        set_cookie(site, response, site.csrf.cookie, seed)


def set_cookie(site: Site, response: web.StreamResponse, name: str, value: str, seconds: int | None = None) -> None:
    secure = site.settings.web.is_https
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Strict", secure=secure, path="/")


@web.middleware
async def address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only under the names that are ours: a foreign name that points here is DNS rebinding. And only what is readable:
    each deciding header once, no control character in the address.
    """
    site = request.app[SITE]
    for name in (*_ONCE, site.settings.web.trusted_header):
        if name and len(request.headers.getall(name, ())) > 1:
            raise web.HTTPBadRequest(text="header_twice")
    if not all(map(_is_text, (unquote(request.raw_path, errors="surrogateescape"), *request.query.values()))):
        raise web.HTTPBadRequest(text="bad_request")
    try:
        host = (URL(f"http://{request.headers.get('Host', '')}").host or "").lower()
    except ValueError:
        host = ""
    if host not in site.names:
        raise web.HTTPMisdirectedRequest(text="host")
    return await handler(request)


def _is_text(value: str) -> bool:
    """Whether a value can be looked up; a group separator of a scanned code may be part of it."""
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


@web.middleware
async def person(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks: as the trusted proxy says, as the session says, or whoever started the server, on its machine alone."""
    name = who(request)
    is_open = any(request.path == one or (one.endswith("/") and request.path.startswith(one)) for one in _OPEN)
    if not name and not is_open:
        request[PERSON] = ""
        return await _log_in_first(request)
    request[PERSON] = name
    request[ROLE] = _role(request, name) if name else Role.NOBODY
    return await handler(request)


async def _log_in_first(request: web.Request) -> web.Response:
    """A session has ended, or there was none: log in, then back to where one was, with what was typed."""
    if request.path.startswith("/api/") or any(name in request.query for name in (*_AUTOMATIC, "in")):
        raise web.HTTPUnauthorized(text="login")
    if request.method in _SAFE:
        there = web.HTTPSeeOther("/login")
        set_cookie(request.app[SITE], there, WHERE, quote(request.path_qs[:_LONGEST_WHERE]), _WHERE_SECONDS)
        raise there
    if not request.app[SITE].csrf.holds(request, await _token(request)) or request.content_type != _FORM:
        raise web.HTTPUnauthorized(text="login")
    form = await request.post()
    fields = [(name, value) for name, value in form.items() if isinstance(value, str) and name != "csrf"]
    values = {"fault": "", "name": "", "next": request.path, "fields": fields, "dialog": False}
    return page(request, "login.html", values, 401)


def _role(request: web.Request, name: str) -> Role:
    site = request.app[SITE]
    groups = ",".join(request.headers.getall(site.settings.web.groups_header or "-", ()))
    try:
        return role_of(site, name, groups)
    except ConfigError as error:
        complain(site, error)
        return Role.NOBODY


@web.middleware
async def permitted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whether the person's role includes what is asked for: the one place where roles are checked."""
    resource = request.match_info.route.resource
    if resource is None or not request[PERSON]:
        return await handler(request)  # there is no such page; or it is open to all
    site, path, name = request.app[SITE], resource.canonical, request[PERSON]
    if any(path == one or (one.endswith("/") and path.startswith(one)) for one in _OPEN):
        return await handler(request)
    upload = site.uploads.get(request.match_info.get("upload", ""))
    run_id = request.match_info.get("run", "")
    known = await site.read(queries.find_run, site.ledger, run_id) if run_id else None
    own = is_own(site, name, upload, run_id, known.user if known else "")
    changes = request.method not in _SAFE
    must_allow(site, path, request[ROLE], name, upload, own=own, changes=changes)
    return await handler(request)


def who(request: web.Request) -> str:
    """The person behind a request; empty for a stranger."""
    site = request.app[SITE]
    wanted = site.settings.web
    if wanted.trusted_header:
        name = request.headers.get(wanted.trusted_header, "").strip()
        fits = len(name) <= _LONGEST_NAME and name.isprintable() and trusted(request.remote, wanted)
        return name if fits else ""
    if not site.users.closed and is_loopback(wanted.host):
        return "" if _came_through(request) else site.owner
    active = not (request.path.endswith("/events") or any(name in request.query for name in _AUTOMATIC))
    try:
        return site.sessions.who(request.cookies.get(site.session_cookie, ""), site.users.mark_of, active=active)
    except ConfigError as error:
        complain(site, error)
        return ""


def _came_through(request: web.Request) -> bool:
    """Whether a proxy sends us what comes from elsewhere, while the page believes that only this machine asks."""
    wanted = request.app[SITE].settings.web
    return not wanted.behind_proxy and any(
        name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
    )


_COMPLAIN_EVERY = 60.0


def complain(site: Site, error: ConfigError) -> None:
    """Say that people can't log in: once a minute."""
    if time.monotonic() >= site.complained + _COMPLAIN_EVERY:
        site.complained = time.monotonic()
        structlog.get_logger().error("users_unreadable", error=str(error))


def trusted(remote: str | None, wanted: Web) -> bool:
    """Whether an address is that of a proxy that is believed."""
    try:
        found = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(network) for network in wanted.trusted_proxies)


def came_from(request: web.BaseRequest, wanted: Web) -> str:
    """The address of whoever asks: the last one that a trusted proxy names, which is itself no trusted proxy."""
    found = request.remote or ""
    if not wanted.behind_proxy:
        return found
    named = [one.strip() for line in request.headers.getall("X-Forwarded-For", ()) for one in line.split(",")]
    while named and trusted(found, wanted):
        found = named.pop()
    return found[:_LONGEST_NAME]


def actor_of(request: web.Request) -> Actor:
    """Who changes something by this request, for the record."""
    site = request.app[SITE]
    return Actor(request[PERSON], door="page", host=socket.gethostname(), address=came_from(request, site.settings.web))


@web.middleware
async def forgery(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every change needs the token, whatever its body: in a header, a field of a form, the first part of an upload."""
    if request.method not in _SAFE and not request.app[SITE].csrf.holds(request, await _token(request)):
        raise web.HTTPForbidden(text="csrf")
    return await handler(request)


async def _token(request: web.Request) -> str:
    """The token of a change. Its body is read for that, within a time, but for an upload's files."""
    given = request.headers.get("X-CSRF-Token", "")
    if request.content_type.startswith("multipart/"):
        if request.path not in UPLOADS or request.content_type != "multipart/form-data":
            raise web.HTTPUnsupportedMediaType(text="bad_request")
        return given or await _first_part(request)
    if not request.get(PERSON) and (request.content_length or 0) > _MOST_FROM_STRANGERS:
        raise web.HTTPRequestEntityTooLarge(_MOST_FROM_STRANGERS, request.content_length or 0, text="too_large")
    await in_time(request.read(), _BODY_SECONDS)
    if request.content_type != _FORM:
        return given
    form = await in_time(request.post(), _BODY_SECONDS)
    return given or str(form.get("csrf", ""))


async def _first_part(request: web.Request) -> str:
    request[PARTS] = parts = await parts_of(request)
    part = await in_time(parts.next(), PART_SECONDS)
    if not isinstance(part, BodyPartReader) or part.name != "csrf":
        return ""
    return bytes(await in_time(part.read_chunk(_MOST_TOKEN), PART_SECONDS)).decode("ascii", "replace")


async def parts_of(request: web.Request) -> MultipartReader:
    parts: MultipartReader = request.get(PARTS) or await in_time(request.multipart(), PART_SECONDS)
    return parts


async def in_time(reading: Awaitable[Any], seconds: float) -> Any:
    """What a request still has to say. Raises web.HTTPException if that takes too long or can't be understood."""
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except (ConnectionError, web.HTTPException):
        raise
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="too_slow") from None
    except Exception as error:  # noqa: BLE001  whatever can't be read in a request is the request's fault
        structlog.get_logger().warning("bad_request", error=f"{type(error).__name__}: {error}")
        raise web.HTTPBadRequest(text="bad_request") from None


def log_in(response: web.StreamResponse, request: web.Request, name: str) -> None:
    site = request.app[SITE]
    token = site.sessions.begin(name, site.users.mark_of(name))
    set_cookie(site, response, site.session_cookie, token, int(site.settings.web.session_hours * 3600))
