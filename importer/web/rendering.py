"""Pages from templates, in the browser's language. Every value is escaped: a serial may be a `<script>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import UNSET, Struct, structs

from importer.model import Message, is_sandbox
from importer.web.language import Language, negotiate
from importer.web.roles import May, Role
from importer.web.site import PERSON, ROLE, SITE

_ERRORS = {403: "csrf", 404: "not_found", 405: "not_found", 413: "too_large", 421: "host", 500: "internal"}
_CODES = frozenset(
    {
        *("csrf", "host", "not_found", "too_large", "too_many_uploads", "disk_full", "no_file", "changed", "not_ready"),
        *("queued", "bad_request", "internal", "header_twice", "too_slow", "too_many_listeners"),
        *(
            "too_much_of_one",
            "too_many_edits",
            "paste_too_long",
            "value_missing",
            "login",
            "number_wrong",
        ),
        *("nothing_rejected", "role", "no_role", "four_eyes", "importing"),
    }
)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("importer.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def language(request: web.Request) -> Language:
    return Language(negotiate(request.headers.get("Accept-Language", "")))


def page(request: web.Request, template: str, values: Mapping[str, Any], status: int = 200) -> web.Response:
    """A page, or the part of one that is asked for with `?part=`."""
    site = request.app[SITE]
    spoken = language(request)
    person = request.get(PERSON, "")
    text = (
        _environment()
        .get_template(template)
        .render(
            t=spoken.say,
            L=spoken,
            is_sandbox=is_sandbox,
            lang=spoken.tag,
            csrf=site.csrf.token(request),
            person=person,
            may=May(site, request.get(ROLE, Role.NOBODY), person),
            role=request.get(ROLE, Role.NOBODY).name.lower(),
            can_log_out=bool(person) and site.users.closed and not site.settings.web.trusted_header,
            target=site.target,
            here=request.path,
            most=spoken.bytes(site.settings.web.max_upload_megabytes << 20),
            **values,
        )
    )
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Vary"] = "Accept-Language"
    return response


def asked(request: web.Request, ask: Any) -> web.Response:
    """A question as a page of its own, or with `?in=dialog` as what a dialog holds."""
    return page(request, "asked.html" if request.query.get("in") == "dialog" else "ask.html", {"ask": ask})


def answer(request: web.Request, document: Any, status: int = 200) -> web.Response:
    """A document for programs, its messages in the language of people."""
    return web.json_response(in_language(request, document), status=status, headers={"Vary": "Accept-Language"})


def in_language(request: web.Request, document: Any) -> Any:
    """A document as plain values for JSON, its messages in the language of the request."""
    return _said(document, language(request))


def _said(value: Any, spoken: Language) -> Any:
    if isinstance(value, Message):
        return spoken.said(value)
    if isinstance(value, list | tuple):
        return [_said(one, spoken) for one in value]
    if isinstance(value, Struct):
        value = {name: one for name, one in structs.asdict(value).items() if one is not UNSET}
    elif is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    return {name: _said(one, spoken) for name, one in value.items()} if isinstance(value, Mapping) else value


def failed(request: web.Request, status: int, text: str) -> web.Response:
    """An answer that says what went wrong: JSON for programs, a page for people."""
    code = text if text in _CODES else _ERRORS.get(status, "") if text.startswith(f"{status}: ") else ""
    code = code or ("bad_request" if text.startswith(f"{status}: ") else "")
    spoken = language(request)
    most = spoken.bytes(request.app[SITE].settings.web.max_upload_megabytes << 20)
    words = spoken.say(f"error.{code}", most=most) if code else text
    if request.path.startswith("/api/"):
        return web.json_response({"error": code or "failed", "message": words}, status=status)
    return page(request, "message.html", {"words": words}, status)


# Files for people: always to be saved and never shown, since they hold what others wrote.
_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}


def as_attachment(path: Path, name: str) -> web.FileResponse:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Type": _TYPES.get(path.suffix, "application/octet-stream"),
    }
    return web.FileResponse(path, headers=headers)
