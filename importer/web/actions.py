"""What a person can do, once for pages and API. Each raises web.HTTPException with a code that both say in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web

from importer import wiring
from importer.errors import ConfigError
from importer.events import Actor, EventKind
from importer.flow.resolving import Lookup, UnknownRow, Writing, unknown_rows
from importer.flow.resolving import resolve as note_lookup
from importer.gs1.suspect import Suspect
from importer.ledger.records import Run
from importer.model import Message
from importer.rows.tables import ROLES
from importer.web import queries
from importer.web.asking import sends
from importer.web.changes import MARKS, YES, Cell, Change, Kind
from importer.web.data import preview_of, standing
from importer.web.inputs import Accepted, Confirmation, Edit, ReadingOptions, Sends
from importer.web.jobs import Job
from importer.web.language import Language
from importer.web.site import Site
from importer.web.uploads import Upload
from importer.words import language as words

_TEXTS = ("gtin", "batch", "expiry", "sheet", "encoding", "date_order")
_LONGEST_VALUE = 500
LONGEST_COMMENT = 1000
_MOST_EDITS = 200_000
"""Corrected rows of a list: they are kept with its run."""
_MOST_IN_EVENT = 200
"""Corrected cells that an event of the record names; `changes` keeps all."""
_PATIENCE = 10.0
_DEEDS = {"pause": EventKind.PAUSE, "go-on": EventKind.GO_ON, "stop": EventKind.STOP}
"""What can be done to a run that is queued or goes on."""


def upload_of(site: Site, number: str) -> Upload:
    upload = site.uploads.get(number)
    if upload is None or upload.discarded_at:
        raise web.HTTPNotFound(text="not_found")
    return upload


def discarded_of(site: Site, number: str) -> Upload:
    """One that was discarded, and can be restored still."""
    upload = site.uploads.get(number)
    if upload is None or not upload.discarded_at:
        raise web.HTTPNotFound(text="not_found")
    return upload


def must_wait(site: Site, upload: Upload) -> None:
    """Raise unless the upload still waits for somebody."""
    if upload.imported or any(job.upload == upload.id for job in site.jobs.all):
        raise web.HTTPConflict(text="queued")


async def read_differently(site: Site, upload: Upload, wanted: ReadingOptions, actor: Actor) -> None:
    """Corrections are taken back: they belong to cells as they were read before."""
    must_wait(site, upload)
    columns = {_text(wanted, f"column_{role}"): role for role in ROLES if _text(wanted, f"column_{role}")}
    columns |= {name[:_LONGEST_VALUE]: role for name, role in (wanted.columns or {}).items()}
    options: dict[str, Any] = {name: _text(wanted, name) for name in _TEXTS if _text(wanted, name)}
    if columns:
        options["columns"] = columns
    if wanted.header_row:
        options["header_row"] = wanted.header_row
    if wanted.fill_down:
        options["fill_down"] = True
    if upload.options.get("accept"):
        options["accept"] = upload.options["accept"]
    await undo_all(site, upload, actor)
    await site.record(actor, EventKind.READ, upload=upload.id, before=upload.options, after=options)
    site.uploads.read_differently(upload, options, actor.user)


async def correct(site: Site, upload: Upload, edits: Mapping[str, Edit], actor: Actor) -> None:
    """Lay corrections over the list, by the key of the row. One that says nothing takes an older one back."""
    must_wait(site, upload)
    for key in edits:
        _must_be_key(key)
    cells: list[Cell] = []
    as_read = values_of(site, upload, edits)
    for key, edit in edits.items():
        wanted: dict[str, str | None] = {role: getattr(edit, role) for role in ROLES}
        wanted |= {name: YES if getattr(edit, name) else None for name in MARKS}
        held = upload.edits.get(key, {})
        for role, value in wanted.items():
            new = value if value is None else value[:_LONGEST_VALUE]
            if new != held.get(role):
                cells.append(Cell(key, role, held.get(role, as_read.get(key, {}).get(role)), new))
    await change(site, upload, "cells", cells, actor)


def values_of(site: Site, upload: Upload, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the cells of these rows hold in the file, where it has been read."""
    as_read = site.previews.as_read(upload)
    rows = as_read.rows([int(key) for key in keys]).table.to_pylist() if as_read else []
    return {str(row.pop("key")): row for row in rows}


async def change(
    site: Site, upload: Upload, kind: Kind, cells: Sequence[Cell], actor: Actor, values: Mapping[str, Any] | None = None
) -> Change | None:
    """Make a change that is durable from then on; None where it changes nothing."""
    must_wait(site, upload)
    if len(upload.edits.keys() | {cell.key for cell in cells}) > _MOST_EDITS:
        raise web.HTTPBadRequest(text="too_many_edits")
    if not cells:
        return None
    before, after = ([[cell.key, cell.role, value(cell)] for cell in cells[:_MOST_IN_EVENT]] for value in (_old, _new))
    told = {"kind": kind, "cells": len(cells)}
    await site.record(
        actor, EventKind.CORRECT, upload=upload.id, before={"values": before}, after={**told, "values": after}
    )
    return site.uploads.correct(upload, kind, actor.user, cells, values)


async def undo(site: Site, upload: Upload, numbers: Sequence[int], actor: Actor) -> None:
    """Take changes back, whichever came after them."""
    must_wait(site, upload)
    if numbers:
        await site.record(actor, EventKind.UNDO, upload=upload.id, before={"changes": list(numbers)})
        site.uploads.take_back(upload, numbers, actor.user)


async def undo_all(site: Site, upload: Upload, actor: Actor) -> None:
    await undo(site, upload, [one.number for one in upload.changes.standing() if one.cells], actor)


def _old(cell: Cell) -> str | None:
    return cell.old


def _new(cell: Cell) -> str | None:
    return cell.new


def _must_be_key(key: str) -> None:
    if not (key.isascii() and key.isdigit() and len(key) < 20):  # noqa: PLR2004
        raise web.HTTPBadRequest(text="bad_request")


async def accept(site: Site, upload: Upload, wanted: Accepted, actor: Actor) -> None:
    """Say that values which are suspect for these reasons are right, or that they are not; corrections stay."""
    must_wait(site, upload)
    known = {code.value for code in Suspect}
    if not known.issuperset(wanted.codes):
        raise web.HTTPBadRequest(text="bad_request")
    options = {name: value for name, value in upload.options.items() if name != "accept"}
    before = set(upload.options.get("accept", ()))
    told = {"accepted": sorted({*wanted.codes} - before), "withdrawn": sorted(before - {*wanted.codes})}
    known_before, after = {"codes": sorted(before)}, {"codes": sorted(wanted.codes)}
    await site.record(actor, EventKind.ACCEPT, upload=upload.id, before=known_before, after=after)
    site.uploads.correct(upload, "accept", actor.user, [], told)
    options |= {"accept": sorted(wanted.codes)} if wanted.codes else {}
    site.uploads.read_differently(upload, options, actor.user)


async def confirm(site: Site, upload: Upload, actor: Actor, given: Confirmation) -> str:
    """Queue the import of what was seen; return the id of its run. Of two who confirm, both get the same run."""
    if upload.imported or any(job.upload == upload.id for job in site.jobs.all):
        return upload.run
    reading = await preview_of(site, upload, _PATIENCE)
    if reading.data is None:
        raise web.HTTPConflict(text="not_ready")
    if reading.data.seen != given.seen:
        raise web.HTTPConflict(text="changed")
    comment = given.comment.strip()[:LONGEST_COMMENT]
    twin = await site.read(_twin, site, upload)
    if twin:
        upload.run = twin
    upload.fault = {}
    cells = _corrected(upload)
    if cells:
        held = {"cells": cells}
        await site.record(actor, EventKind.CORRECTIONS, run=upload.run, upload=upload.id, after=held)
    after = {"seen": given.seen, "serials": reading.data.to_send, "goes_on": bool(twin)}
    after |= {"follows": upload.follows} if upload.follows else {}
    await site.record(actor, EventKind.CONFIRM, run=upload.run, upload=upload.id, after=after, comment=comment)
    site.uploads.save(upload)
    site.jobs.add("resume" if twin else "import", upload.run, actor.user, upload=upload.id)
    site.previews.forget(upload.id)
    structlog.get_logger().info(
        "confirmed", run=upload.run, by=actor.user, source=upload.name, serials=reading.data.to_send, goes_on=bool(twin)
    )
    return upload.run


def _corrected(upload: Upload) -> list[list[str | None]]:
    """Each cell that is corrected now: key, role, old and new value, by whom, when; then the accepted suspects."""
    cells: list[list[str | None]] = [
        [one.key, one.role, one.old, one.new, one.change.by, one.change.at] for one in upload.changes.corrected()
    ]
    accepted = dict[str, list[str | None]]()
    for change in upload.changes.standing():
        if change.kind == "accept":
            accepted |= {code: [None, "accept", None, code, change.by, change.at] for code in change.values["accepted"]}
            for code in change.values["withdrawn"]:
                accepted.pop(code, None)
    return cells + list(accepted.values())


def _twin(site: Site, upload: Upload) -> str:
    """The run of the same list that stopped early."""
    if not site.ledger.exists():
        return ""
    identity = json.dumps(wiring.identity_of(site.worker.options(upload)), sort_keys=True)
    with site.ledger.view() as view:
        run = view.unfinished_twin(upload.sha256, identity, site.target)
        return run.id if run else ""


async def discard(site: Site, upload: Upload, actor: Actor) -> None:
    """Put a list aside; it is removed when `web.discard_hours` are over."""
    must_wait(site, upload)
    before = {"name": upload.name, "sha256": upload.sha256, "bytes": upload.bytes}
    await site.record(actor, EventKind.DISCARD, upload=upload.id, before=before)
    site.previews.forget(upload.id)
    if site.settings.web.discard_hours:
        site.uploads.discard(upload, actor.user)
    else:
        site.uploads.remove(upload.id)
    structlog.get_logger().info("discarded", source=upload.name, by=actor.user)


async def restore(site: Site, upload: Upload, actor: Actor) -> None:
    """Take a discarded list back."""
    before = {"discarded_at": upload.discarded_at, "discarded_by": upload.discarded_by}
    await site.record(actor, EventKind.RESTORE, upload=upload.id, before=before)
    site.uploads.restore(upload)
    structlog.get_logger().info("restored", source=upload.name, by=actor.user)


async def act(site: Site, run_id: str, what: str, actor: Actor, given: Sends) -> None:
    """pause, go-on, stop or retry a run."""
    job = site.jobs.of(run_id)
    if job:
        if what not in _DEEDS:
            raise web.HTTPConflict(text="queued")
        await site.record(actor, _DEEDS[what], run=run_id, before={"phase": standing(site, job).phase})
        _act_on_job(site, job, what, actor.user)
        return
    known = await site.read(queries.run_data, site.ledger, run_id, site.settings.report.dir)
    if known is None:
        raise web.HTTPNotFound(text="not_found")
    if what in ("go-on", "retry") and given.serials and given.serials != str(sends(known, what)):
        raise web.HTTPConflict(text="changed")
    if what == "go-on" and known.can_go_on:
        await site.record(actor, EventKind.GO_ON, run=run_id, before={"phase": known.state})
        site.jobs.add("resume", run_id, actor.user)
    elif what == "retry" and known.can_retry:
        await site.record(actor, EventKind.RETRY, run=run_id, before={"phase": known.state})
        site.jobs.add("retry", run_id, actor.user)
    else:
        raise web.HTTPConflict(text="bad_request")


async def resolve(
    site: Site, run_id: str, actor: Actor, choose: Callable[[list[UnknownRow], Run], Lookup], spoken: Language
) -> None:
    """Note what a person has looked up for unknown rows of a run that rests. Raises LedgerBusy while another import is
    on its way.
    """
    if site.jobs.of(run_id):
        raise web.HTTPConflict(text="queued")
    run = await site.read(queries.find_run, site.ledger, run_id)
    if run is None:
        raise web.HTTPNotFound(text="not_found")
    report, again = site.settings.report, site.worker.again
    writing = Writing(report.dir, report.formats, words.language(report.language), again)

    def work() -> None:
        with site.ledger.open() as ledger:
            with ledger.view() as view:
                lookup = choose(list(unknown_rows(view, run)), run)
            asyncio.run(note_lookup(ledger, run.id, lookup, actor, writing))

    if site.worker.now:
        raise web.HTTPConflict(text="importing")
    try:
        async with site.worker.holding:
            await asyncio.to_thread(work)
    except ConfigError as error:
        raise web.HTTPConflict(text=spoken.said(error.message)) from error


def _act_on_job(site: Site, job: Job, what: str, by: str) -> None:
    runs = site.worker.now is job
    if what == "pause":
        job.paused = True
        site.jobs.save(job)
        site.worker.halt(job, Message("paused_by", "", {"who": by}), keeps=True)
    elif what == "go-on":
        job.paused, job.fault = False, {}
        site.jobs.save(job)
    elif what == "stop" and runs:
        job.paused = False
        site.jobs.save(job)
        site.worker.halt(job, Message("stopped_by", "", {"who": by}), keeps=False)
    elif what == "stop":
        site.jobs.done(job)


def _text(wanted: ReadingOptions, name: str) -> str:
    return str(getattr(wanted, name)).strip()[:_LONGEST_VALUE]
