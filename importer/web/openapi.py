"""The API's routes with the types that they take and answer; the OpenAPI document is made from those alone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from importer.web.documents import Error
from importer.web.rendering import answer

SESSION, CSRF = "importer_session", "X-CSRF-Token"
_ABOUT = (
    "The data of every page of `importer serve`. Log in as on the page (POST /login), or run it on the loopback "
    "interface without users. Changes need the header X-CSRF-Token. Sentences for people (message, error, fault, "
    "stopped_by, waits_for) are in the language of Accept-Language, English or German; codes are the same in both."
)
_PARAMETER = re.compile(r"\{(\w+)(?::([^}]+))?\}")

Handler = Callable[..., Awaitable[Any]]
Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `takes` and `query` are types of documents; `media` is what is answered that is no document."""

    method: str
    path: str
    summary: str
    answers: Any
    takes: Any
    query: Any
    status: int
    media: str
    files: bool
    open: bool


class Door:
    """Collects routes. A handler's first line of docstring is its summary; its annotations say the rest: `body` is
    what it takes, `query` the type of what it asks for in the address, and it returns what it answers.
    """

    def __init__(self) -> None:
        self.routes = web.RouteTableDef()
        self.operations: list[Operation] = []

    def get(self, path: str, *, media: str = "", open_to_all: bool = False) -> Callable[[Handler], Handler]:
        return self._route("get", path, 200, media, open_to_all=open_to_all)

    def post(self, path: str, *, status: int = 200, files: bool = False) -> Callable[[Handler], Handler]:
        return self._route("post", path, status, files=files)

    def _route(
        self, method: str, path: str, status: int, media: str = "", *, files: bool = False, open_to_all: bool = False
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            one = Operation(
                method,
                path,
                summary=(handler.__doc__ or "").split("\n")[0].removesuffix("."),
                answers=None if media else hints["return"],
                takes=hints.get("body"),
                query=hints.get("query"),
                status=status,
                media=media,
                files=files,
                open=open_to_all,
            )
            self.operations.append(one)
            getattr(self.routes, method)(path)(_served(one, handler))
            return handler

        return register


def _served(one: Operation, handler: Handler) -> Plain:
    @wraps(handler)
    async def serve(request: web.Request) -> web.StreamResponse:
        given: dict[str, Any] = {}
        if one.query is not None:
            given["query"] = taken({k: v.strip() for k, v in request.query.items()}, one.query)
        if one.takes is not None:
            given["body"] = await _body(request, one.takes)
        found = await handler(request, **given)
        return found if one.media else answer(request, found, one.status)

    return serve


async def _body(request: web.Request, kind: Any) -> Any:
    """A JSON document. Its content type is asked for: a foreign page could not send it unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="bad_request")
    try:
        return taken(msgspec.json.decode(await request.read()), kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise web.HTTPBadRequest(text="bad_request") from None


def taken(values: Any, kind: Any) -> Any:
    """Values as the document that is expected. Raises web.HTTPBadRequest."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        raise web.HTTPBadRequest(text="bad_request") from None


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    operations = list(operations)
    kinds: list[Any] = [Error]
    for one in operations:
        kinds += [kind for kind in (one.answers, one.takes) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(_PARAMETER.sub(r"{\1}", one.path), {})[one.method] = _described(one, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Serial importer", "version": "1", "description": _ABOUT},
        "security": [{"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
                "csrf": {"type": "apiKey", "in": "header", "name": CSRF},
            },
        },
    }


def _described(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    failed = {"description": "What went wrong", "content": {"application/json": {"schema": schemas[repr(Error)]}}}
    content = (
        {one.media: {"schema": {"type": "string"}}}
        if one.media
        else {"application/json": {"schema": schemas[repr(one.answers)]}}
    )
    found: dict[str, Any] = {
        "summary": one.summary,
        "parameters": [*_path_parameters(one.path), *_query_parameters(one.query)],
        "responses": {str(one.status): {"description": "OK", "content": content}, "default": failed},
    }
    if one.open:
        found["security"] = []
    elif one.method != "get":
        found["security"] = [{"session": [], "csrf": []}]
    if one.files:
        files = {"type": "string", "format": "binary", "description": "May be given several times."}
        found["requestBody"] = _required("multipart/form-data", {"type": "object", "properties": {"file": files}})
    elif one.takes is not None:
        found["requestBody"] = _required("application/json", schemas[repr(one.takes)])
    return found


def _required(media: str, schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {media: {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | _choice(pattern)}
        for name, pattern in _PARAMETER.findall(path)
    ]


def _choice(pattern: str) -> dict[str, Any]:
    return {"enum": pattern.split("|")} if pattern else {}


def _query_parameters(kind: Any) -> list[dict[str, Any]]:
    if kind is None:
        return []
    properties = msgspec.json.schema_components([kind])[1][kind.__name__]["properties"]
    return [
        {"name": name, "in": "query", "schema": {k: v for k, v in schema.items() if k != "description"}}
        | ({"description": schema["description"]} if "description" in schema else {})
        for name, schema in properties.items()
    ]
