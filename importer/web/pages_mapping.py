"""The page on which a person says how a list is read: sheet, header, columns. It can be kept for a supplier."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from importer.rows.tables import ROLES
from importer.web import actions, data, inputs, mapping
from importer.web.guard import actor_of
from importer.web.openapi import taken
from importer.web.rendering import page
from importer.web.site import SITE, Site
from importer.web.uploads import Upload

routes = web.RouteTableDef()
_PATIENCE = 10.0
_MOST_COLUMNS = 100
_PLAIN = ("gtin", "batch", "expiry", "encoding", "date_order")


@routes.get("/uploads/{upload}/mapping")
async def show(request: web.Request) -> web.Response:
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    if upload.imported or any(job.upload == upload.id for job in site.jobs.all):
        raise web.HTTPSeeOther(f"/runs/{upload.run}")
    found = await _page(site, upload, request.query)
    reading = await data.preview_of(site, upload, 0)
    values = {
        "upload": upload,
        "map": found,
        "roles": ROLES,
        "fault": found.fault or reading.fault or "",
        "asked_nothing": "sheet" not in request.query and reading.data is not None,
        "header_chosen": "header" in request.query or bool(upload.options.get("header_row")),
        "corrected": len(upload.edits),
    }
    return page(request, "mapping.html", values)


async def _page(site: Site, upload: Upload, asked: MultiMapping[Any]) -> mapping.MappingPage:
    reading = await data.preview_of(site, upload, _PATIENCE)
    header = str(asked.get("header", ""))
    row = min(int(header), inputs.LAST_HEADER) if header.isascii() and header.isdigit() and len(header) < 5 else 0  # noqa: PLR2004
    sheet = str(asked.get("sheet", ""))
    sheet = "" if sheet == "all" else sheet
    return await site.read(mapping.mapping_page, site.previews, site.suppliers, upload, reading.data, sheet, row)


@routes.post("/uploads/{upload}/mapping")
async def read_so(request: web.Request) -> web.Response:
    """Read the list as the form says, and keep that under a name if there is one."""
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    form = await request.post()
    found = await _page(site, upload, form)
    given: dict[str, Any] = {name: str(form[name]) for name in _PLAIN if form.get(name)}
    given |= {"sheet": str(form.get("as_sheet", "")), "fill_down": "fill_down" in form}
    given |= {"header_row": found.header} if form.get("header_chosen") else {}
    roles = [str(form.get(f"role-{place}", "")) for place in range(min(len(found.columns), _MOST_COLUMNS))]
    wanted = mapping.wanted_options(found, roles, given)
    await actions.read_differently(site, upload, taken(wanted, inputs.ReadingOptions), actor_of(request))
    if name := str(form.get("supplier", "")).strip():
        headers = [column.header for column in found.columns]
        site.suppliers.keep(name, headers, upload.options, actor_of(request).user)
    raise web.HTTPSeeOther(f"/uploads/{upload.id}")


@routes.post("/uploads/{upload}/supplier")
async def as_supplier(request: web.Request) -> web.Response:
    """Read the list as was kept for a supplier; or forget that."""
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    form = await request.post()
    known = site.suppliers.get(str(form.get("supplier", "")))
    if known is None:
        raise web.HTTPNotFound(text="not_found")
    if form.get("forget"):
        site.suppliers.forget(known.id)
        raise web.HTTPSeeOther(f"/uploads/{upload.id}/mapping?{urlencode({'sheet': form.get('sheet', '')})}")
    row = await site.read(_header_row, site, upload, known.headers) if known.options.get("header_row") else 0
    options = {**known.options, **({"header_row": row} if row else {})}
    await actions.read_differently(site, upload, taken(options, inputs.ReadingOptions), actor_of(request))
    raise web.HTTPSeeOther(f"/uploads/{upload.id}")


def _header_row(site: Site, upload: Upload, headers: tuple[str, ...]) -> int:
    """Where a supplier's header stands in this list."""
    return next((row for sheet in site.previews.head(upload) if (row := site.suppliers.row_of(headers, sheet.rows))), 0)
