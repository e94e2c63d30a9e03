"""The pages of a list before it is confirmed: dropped, looked at, corrected, confirmed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from aiohttp import web
from msgspec import structs

from importer.errors import ImporterError
from importer.flow.marked import marked_list
from importer.web import actions, asking, data, documents, inputs
from importer.web.guard import actor_of
from importer.web.language import Language
from importer.web.receiving import Receiving
from importer.web.rendering import as_attachment, asked, language, page
from importer.web.site import SITE, Site
from importer.web.suppliers import Supplier
from importer.web.uploads import Upload
from importer.words import language as words

routes = web.RouteTableDef()
_PATIENCE = 3.0
_PATIENCE_TO_CHECK = 15.0


@routes.get("/")
async def start(request: web.Request) -> web.Response:
    """With `?part=activity`, what changes by itself."""
    found = await data.overview(request.app[SITE])
    template = "activity.html" if request.query.get("part") == "activity" else "start.html"
    just = request.query.get("discarded", "")
    return page(
        request, template, {**structs.asdict(found), "just": [one for one in found.discarded if one.id == just]}
    )


@routes.post("/uploads")
async def upload(request: web.Request) -> web.Response:
    found = await Receiving(request.app[SITE], request).files()
    if not found:
        raise web.HTTPBadRequest(text="no_file")
    raise web.HTTPSeeOther(f"/uploads/{found[0].id}" if len(found) == 1 else "/")


@routes.get("/uploads/{upload}")
async def show(request: web.Request) -> web.Response:
    site = request.app[SITE]
    upload = actions.upload_of(site, request.match_info["upload"])
    found = await data.upload_data(site, upload, _PATIENCE)
    if found.state == "confirmed":
        raise web.HTTPSeeOther(f"/runs/{found.run}")
    offered = await site.read(_offered, site, upload, found)
    return page(request, "upload.html", {"upload": found, "offered": offered})


def _offered(site: Site, upload: Upload, found: documents.Upload) -> list[Supplier]:
    """How lists with the same headers are read, if this one is not read so. In a thread."""
    if found.state == "reading" or not site.suppliers.all:
        return []
    rows = [sheet.headers for sheet in found.preview.reading.sheets] if found.preview else []
    with suppress(ImporterError):
        rows = rows or [row for sheet in site.previews.head(upload) for row in sheet.rows]
    return [one for one in site.suppliers.fitting(rows) if not _is_read_so(one, upload)]


def _is_read_so(known: Supplier, upload: Upload) -> bool:
    """Wherever the header stands."""
    return all(upload.options.get(name) == value for name, value in known.options.items() if name != "header_row")


@routes.post("/uploads/{upload}/accept")
async def accept(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    form = await request.post()
    codes = {*found.options.get("accept", ()), str(form.get("accept", ""))} - {"", str(form.get("undo", ""))}
    await actions.accept(site, found, inputs.Accepted(sorted(codes)), actor_of(request))
    raise web.HTTPSeeOther(f"/uploads/{found.id}")


@routes.get("/uploads/{upload}/marked")
async def marked(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    try:
        path = await site.read(_marked, site, found, language(request))
    except ImporterError as error:
        raise web.HTTPConflict(text=language(request).said(error.message)) from error
    return as_attachment(path, path.name)


@routes.post("/uploads/{upload}/confirm")
async def confirm(request: web.Request) -> web.Response:
    site = request.app[SITE]
    form = await request.post()
    found = actions.upload_of(site, request.match_info["upload"])
    given = inputs.Confirmation(*(str(form.get(name, "")) for name in inputs.Confirmation.__struct_fields__))
    seen = await data.upload_data(site, found, _PATIENCE)
    if seen.preview:
        asking.must_be_typed(site.settings, site.target, seen.preview.to_send, str(form.get("typed", "")))
    raise web.HTTPSeeOther(f"/runs/{await actions.confirm(site, found, actor_of(request), given)}")


@routes.get("/uploads/{upload}/confirm")
async def ask_to_confirm(request: web.Request) -> web.Response:
    """Ask once more, for the preview that the page has shown."""
    site = request.app[SITE]
    found = await data.upload_data(site, actions.upload_of(site, request.match_info["upload"]), _PATIENCE_TO_CHECK)
    if found.preview is None or request.query.get("seen", found.preview.seen) != found.preview.seen:
        raise web.HTTPConflict(text="changed" if found.preview else "not_ready")
    comment = request.query.get("comment", "").strip()[: actions.LONGEST_COMMENT]
    upload = actions.upload_of(site, found.id)
    return asked(
        request,
        asking.to_commission(site.settings, site.target, language(request), upload, found.preview, comment),
    )


@routes.post("/uploads/{upload}/discard")
async def discard(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    await actions.discard(site, found, actor_of(request))
    raise web.HTTPSeeOther(f"/?discarded={found.id}")


@routes.get("/uploads/{upload}/discard")
async def ask_to_discard(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.upload_of(site, request.match_info["upload"])
    return asked(request, asking.to_discard(language(request), found, site.settings.web.discard_hours))


@routes.post("/uploads/{upload}/restore")
async def restore(request: web.Request) -> web.Response:
    site = request.app[SITE]
    found = actions.discarded_of(site, request.match_info["upload"])
    await actions.restore(site, found, actor_of(request))
    raise web.HTTPSeeOther(f"/uploads/{found.id}")


def _marked(site: Site, upload: Upload, spoken: Language) -> Path:
    """The list, corrected as on the page, with what is still wrong in it marked, beside the upload."""
    file = site.previews.file(upload)
    path = marked_list(file, site.previews.looking(), file.path.parent.parent, words.language(spoken.tag))
    path.chmod(0o600)
    return path
