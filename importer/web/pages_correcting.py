"""The page on which a list is corrected. It works as a form, too, without JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web
from multidict import MultiMapping

from importer.rows.tables import ROLES
from importer.web import actions, correcting
from importer.web.changes import MARKS
from importer.web.guard import actor_of
from importer.web.inputs import Edits, Fix, WantedRows
from importer.web.openapi import taken
from importer.web.rejects import LEFT_OUT
from importer.web.rendering import page
from importer.web.site import SITE

routes = web.RouteTableDef()
_PATIENCE = 15.0
_SOON = 0.2
"""Seconds that the page waits for a check after a change: what it finds later comes by itself."""


@routes.get("/uploads/{upload}/fix")
async def fix(request: web.Request) -> web.Response:
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    if upload.imported or any(job.upload == upload.id for job in site.jobs.all):
        raise web.HTTPSeeOther(f"/runs/{upload.run}")
    asked = {name: value for name in ("kind", "start") if (value := request.query.get(name, ""))}
    wanted = taken(asked, WantedRows)
    known = site.previews.as_read(upload) is not None
    found = await correcting.grid_data(site, upload, wanted, _SOON if known else _PATIENCE)
    if not found.checked and site.previews.as_read(upload) is None:
        raise web.HTTPSeeOther(f"/uploads/{upload.id}")
    left_out = sum(1 for edit in upload.edits.values() if LEFT_OUT in edit)
    done = next((one for one in found.changes if str(one.number) == request.query.get("done")), None)
    values = {
        "upload": upload,
        "grid": found,
        "kind": wanted.kind,
        "roles": ROLES,
        "at_once": correcting.AT_ONCE,
        "corrected": len(upload.edits) - left_out,
        "left_out": left_out,
        "done": done if done and not done.undone_at else None,
    }
    return page(request, "fix.html", values)


@routes.post("/uploads/{upload}/fix")
async def fixed(request: web.Request) -> web.Response:
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    await correcting.correct_cells(site, upload, edits_of(await request.post()), actor_of(request))
    raise web.HTTPSeeOther(f"/uploads/{upload.id}/fix?{request.query_string}")


@routes.post("/uploads/{upload}/all")
async def all_rows(request: web.Request) -> web.Response:
    """Do to all rows of a problem at once what was offered."""
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    form = await request.post()
    wanted = taken({name: form[name] for name in Fix.__struct_fields__ if name in form}, Fix)
    change = await correcting.fix(site, upload, wanted, actor_of(request))
    raise _back(upload.id, form, f"&done={change.number}" if change else "")


@routes.post("/uploads/{upload}/undo")
async def undo(request: web.Request) -> web.Response:
    """Take one change back, or all."""
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    form = await request.post()
    number = str(form.get("number", ""))
    if number:
        await actions.undo(site, upload, [int(number)] if number.isdecimal() else [], actor_of(request))
    else:
        await actions.undo_all(site, upload, actor_of(request))
    raise _back(upload.id, form)


def _back(upload: str, form: MultiMapping[Any], more: str = "") -> web.HTTPSeeOther:
    kind = taken({"kind": form.get("show", form.get("kind", ""))}, WantedRows).kind
    return web.HTTPSeeOther(f"/uploads/{upload}/fix?kind={quote(kind)}{more}")


def edits_of(form: MultiMapping[Any]) -> Edits:
    """The cells of a form that a person has changed: `<role>:<key>` is what stands there now, `was:<role>:<key>` what
    stood there when the page was made.
    """
    cells: list[dict[str, Any]] = []
    for name, was in form.items():
        before, _, place = name.partition(":")
        role, _, key = place.partition(":")
        value = form.get(place, "")
        if before == "was" and role in (*ROLES, *MARKS) and value != was:
            cells.append({"key": key, "role": role, "value": value if role in ROLES else value or None})
    found: Edits = taken({"cells": cells}, Edits)
    return found
