"""What every request passes: is the address ours, who asks, may he, is it no forgery; and what every answer carries."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from yarl import URL

from importer.errors import Exit, ImporterError
from importer.web.access import COOKIE
from importer.web.rendering import failed, language
from importer.web.site import PERSON, SITE, Site

SESSION = "importer_session"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OPEN = ("/login", "/static/", "/api/health", "/api/openapi.json")
"""What can be seen without logging in; each prefix is exact enough to cover nothing else."""
_SAFE = frozenset({"GET", "HEAD"})
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever happens ends in an answer in words, with the headers that keep a browser strict."""
    try:
        response = await handler(request)
    except web.HTTPRedirection as redirection:
        response = redirection
    except web.HTTPException as error:
        response = failed(request, error.status, error.text or "")
    except ImporterError as error:
        words = language(request).said(error.message)
        response = failed(request, 409 if error.exit_code == Exit.TRY_AGAIN else 500, words)
    except (ConnectionError, TimeoutError):
        raise
    except Exception:  # noqa: BLE001  the log has it, the person gets a page
        structlog.get_logger().exception("request", path=request.path)
        response = failed(request, 500, "internal")
    if not response.prepared:
        dress(request, response)
    return response


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers; to be called before an answer that is a stream begins."""
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    site = request.app[SITE]
    if seed := site.csrf.new_seed(request):
        response.set_cookie(COOKIE, seed, httponly=True, samesite="Strict", secure=request.secure, path="/")


@web.middleware
async def address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only under the names that are ours: a foreign name that points here is DNS rebinding."""
    try:
        host = (URL(f"http://{request.headers.get('Host', '')}").host or "").lower()
    except ValueError:
        host = ""
    if host not in own_names(request.app[SITE]):
        raise web.HTTPMisdirectedRequest(text="host")
    return await handler(request)


def own_names(site: Site) -> frozenset[str]:
    wanted = site.settings.web
    names = {*_LOOPBACK, *(host.lower() for host in wanted.hosts)}
    if not is_loopback(wanted.host):
        names |= {wanted.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def is_loopback(host: str) -> bool:
    return host.lower() in _LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit())


@web.middleware
async def person(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks: as the trusted proxy says, as the session says, or whoever started the server, on its machine alone."""
    name = who(request)
    if name is None and not any(request.path == one or request.path.startswith(one) for one in _OPEN):
        if request.path.startswith("/api/") or request.method not in _SAFE:
            raise web.HTTPUnauthorized(text="login")
        raise web.HTTPSeeOther("/login")
    request[PERSON] = name or ""
    return await handler(request)


def who(request: web.Request) -> str | None:
    site = request.app[SITE]
    wanted = site.settings.web
    if wanted.trusted_header:
        if request.remote not in wanted.trusted_proxies:
            return None
        return request.headers.get(wanted.trusted_header, "").strip()[:100] or None
    if not site.users.names() and is_loopback(wanted.host):
        return site.owner
    name = site.sessions.who(request.cookies.get(SESSION, ""))
    return name if name and site.users.know(name) else None


@web.middleware
async def forgery(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every change needs the token. An upload is judged by who receives it: its token is part of the stream."""
    if request.method not in _SAFE and not request.content_type.startswith("multipart/"):
        token = request.headers.get("X-CSRF-Token", "")
        if not token and request.content_type == "application/x-www-form-urlencoded":
            token = str((await request.post()).get("csrf", ""))
        if not request.app[SITE].csrf.holds(request, token):
            raise web.HTTPForbidden(text="csrf")
    return await handler(request)


def log_in(response: web.StreamResponse, request: web.Request, name: str) -> None:
    site = request.app[SITE]
    seconds = int(site.settings.web.session_hours * 3600)
    token = site.sessions.begin(name)
    response.set_cookie(
        SESSION, token, max_age=seconds, httponly=True, samesite="Strict", secure=request.secure, path="/"
    )
