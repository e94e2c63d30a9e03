"""The pages of runs: one that waits, goes on or has ended; the list of them; what became of a serial."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web
from msgspec import structs

from importer.flow.resolving import Lookup
from importer.results.totals import sheet_names
from importer.web import actions, asking, data, queries
from importer.web.documents import Traces
from importer.web.follow_up import follow_up
from importer.web.guard import actor_of
from importer.web.inputs import Sends, Wanted
from importer.web.openapi import taken
from importer.web.rendering import as_attachment, asked, language, page
from importer.web.run_listing import listing
from importer.web.site import SITE

routes = web.RouteTableDef()
_LONGEST = 300
_MOST_LISTED = 100_000
_LONGEST_SCAN = 500
"""A Digital Link is longer than a serial."""


@routes.get("/runs")
async def runs(request: web.Request) -> web.Response:
    site, wanted = request.app[SITE], _wanted(request)
    found = await data.runs_data(site, wanted)
    asked_for = {name: value for name, value in structs.asdict(wanted).items() if value and name != "start"}
    names = {"since": "from", "until": "to"}
    values = {
        "found": found,
        "wanted": wanted,
        "query": urlencode({names.get(name, name): value for name, value in asked_for.items()}),
        "searched": bool(asked_for),
        "targets": await site.read(queries.targets, site.ledger),
    }
    return page(request, "runs.html", values)


@routes.get("/runs.csv")
async def runs_csv(request: web.Request) -> web.Response:
    """All runs that fit, for a spreadsheet."""
    found = await data.runs_data(request.app[SITE], _wanted(request), _MOST_LISTED)
    headers = {"Content-Disposition": 'attachment; filename="runs.csv"'}
    return web.Response(body=listing(found.runs), content_type="text/csv", charset="utf-8", headers=headers)


def _wanted(request: web.Request) -> Wanted:
    found: Wanted = taken({name: value.strip()[:_LONGEST] for name, value in request.query.items()}, Wanted)
    return found


@routes.get("/serials")
async def serials(request: web.Request) -> web.Response:
    serial = request.query.get("serial", "").strip()[:_LONGEST_SCAN]
    gtin = request.query.get("gtin", "").strip()[:_LONGEST]
    found = await data.serial_data(request.app[SITE], serial, gtin) if serial else Traces()
    return page(request, "serial.html", structs.asdict(found))


@routes.get("/runs/{run}")
async def run(request: web.Request) -> web.Response:
    """With `?part=live`, what changes while it goes on."""
    found = await data.run_data(request.app[SITE], request.match_info["run"])
    if found is None:
        raise web.HTTPNotFound(text="not_found")
    follow_ups = [one for one in request.app[SITE].uploads.all() if one.follows == found.run and not one.discarded_at]
    source = request.app[SITE].uploads.of_run(found.run)
    template = "run_live.html" if request.query.get("part") == "live" else "run.html"
    return page(
        request,
        template,
        {
            "run": found,
            "order": list(found.outcomes),
            "follow_ups": follow_ups,
            "follows": source.follows if source else "",
        },
    )


@routes.post("/runs/{run}/follow-up")
async def follow(request: web.Request) -> web.Response:
    """Put the rejected rows into a list of their own, to be corrected."""
    made = await follow_up(request.app[SITE], request.match_info["run"], actor_of(request).user)
    raise web.HTTPSeeOther(f"/uploads/{made.id}/fix")


@routes.post("/runs/{run}/{what:pause|go-on|stop|retry}")
async def act(request: web.Request) -> web.Response:
    site, run_id = request.app[SITE], request.match_info["run"]
    form = await request.post()
    given, what = Sends(str(form.get("serials", ""))), request.match_info["what"]
    if what in ("go-on", "retry") and site.jobs.of(run_id) is None:
        if not given.serials.isdecimal():
            raise web.HTTPSeeOther(f"/runs/{run_id}/{what}")  # it has not been asked yet
        asking.must_be_typed(site.settings, site.target, int(given.serials), str(form.get("typed", "")))
    await actions.act(site, run_id, what, actor_of(request), given)
    known = await data.run_data(site, run_id)
    raise web.HTTPSeeOther(f"/runs/{run_id}" if known else "/")


@routes.get("/runs/{run}/{what:go-on|stop|retry}")
async def ask_to_act(request: web.Request) -> web.Response:
    """Ask once more."""
    site, run_id, what = request.app[SITE], request.match_info["run"], request.match_info["what"]
    found = await data.run_data(site, run_id)
    if found is None:
        raise web.HTTPNotFound(text="not_found")
    spoken = language(request)
    if what == "stop" and found.queued:
        return asked(request, asking.to_stop(spoken, site.target, found))
    if not found.queued and what == "go-on" and found.can_go_on:
        return asked(request, asking.to_send_again(site.settings, spoken, found, "go-on"))
    if not found.queued and what == "retry" and found.can_retry:
        return asked(request, asking.to_send_again(site.settings, spoken, found, "retry"))
    raise web.HTTPSeeOther(f"/runs/{run_id}")


@routes.get("/runs/{run}/unknown")
async def unknown(request: web.Request) -> web.Response:
    """Rows whose fate is unknown, to say what was looked up for them."""
    site = request.app[SITE]
    found = await site.read(queries.unknown, site.ledger, request.match_info["run"])
    if found is None:
        raise web.HTTPNotFound(text="not_found")
    run, rows, n = found
    return page(request, "unknown.html", {"run": run, "rows": rows, "n": n, "sheets": sheet_names(run)})


@routes.post("/runs/{run}/unknown")
async def resolve(request: web.Request) -> web.Response:
    site, run_id, form = request.app[SITE], request.match_info["run"], await request.post()
    comment = str(form.get("comment", "")).strip()[: actions.LONGEST_COMMENT]
    found: dict[str, set[int]] = {"assigned": set(), "not_assigned": set()}
    for name, value in form.items():
        key = name.removeprefix("row:")
        what = str(value) or str(form.get("all", ""))
        if key != name and key.isascii() and key.isdecimal() and what in found:
            found[what].add(int(key))
    lookup = Lookup(found["assigned"], found["not_assigned"], comment)
    await actions.resolve(site, run_id, actor_of(request), lambda *_: lookup, language(request))
    raise web.HTTPSeeOther(f"/runs/{run_id}")


@routes.get("/runs/{run}/files/{name}")
async def file(request: web.Request) -> web.StreamResponse:
    return await download(request)


async def download(request: web.Request) -> web.StreamResponse:
    """One file of a report, among those that its page names."""
    site, name = request.app[SITE], request.match_info["name"]
    run = await site.read(queries.find_run, site.ledger, request.match_info["run"])
    path = await site.read(queries.report_file, site.settings.report.dir, run, name) if run else None
    if run is None or path is None:
        raise web.HTTPNotFound(text="not_found")
    return as_attachment(path, f"{run.id}-{name}")
