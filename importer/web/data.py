"""The data of every page: what the API answers, and what the templates show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from importer.model import Message
from importer.web import queries
from importer.web.documents import (
    DiscardedLine,
    Overview,
    Phase,
    QueueLine,
    Run,
    RunLine,
    Runs,
    Standing,
    Traces,
    UploadLine,
    WaitingLine,
)
from importer.web.documents import Upload as UploadPage
from importer.web.inputs import Wanted
from importer.web.jobs import Job
from importer.web.live import Live
from importer.web.previews import Reading
from importer.web.site import Site
from importer.web.uploads import Upload

_LATEST = 8
_READ_AT_ONCE = 20
"""Waiting lists that are read without being asked for."""
RUNS_AT_ONCE = 50
"""Of a page of the list of runs."""


async def overview(site: Site) -> Overview:
    """What waits for a person, what goes on, what was last."""
    queued = {job.upload for job in site.jobs.all}
    lines, _ = await site.read(queries.run_lines, site.ledger, Wanted(), _LATEST)
    return Overview(
        waiting=await _waiting(site, [one for one in site.uploads.not_imported() if one.id not in queued]),
        discarded=[_discarded_line(one, site.settings.web.discard_hours) for one in site.uploads.discarded()],
        queue=[await queue_line(site, job) for job in list(site.jobs.all)],
        latest=_with_phases(site, lines),
    )


async def _waiting(site: Site, uploads: Sequence[Upload]) -> list[WaitingLine]:
    """What is known of lists that wait; the youngest are read if nothing is."""
    ledger = await site.read(queries.stamp, site.ledger)
    return [
        _waiting_line(one, site.previews.known(one) or (site.previews.of(one, ledger) if at < _READ_AT_ONCE else None))
        for at, one in enumerate(uploads)
    ]


def _waiting_line(upload: Upload, reading: Reading | None) -> WaitingLine:
    found = reading.data if reading else None
    return WaitingLine(
        **_line_of(upload),
        state=reading.state if reading else "reading",
        rows=found.rows if found else reading.rows if reading else 0,
        to_send=found.to_send if found else 0,
        rejected=found.rejected if found else 0,
        error=(reading.fault if reading else None) or "",
        corrected=len(upload.edits),
    )


def upload_line(upload: Upload) -> UploadLine:
    return UploadLine(**_line_of(upload))


def _discarded_line(upload: Upload, hours: float) -> DiscardedLine:
    until = datetime.fromisoformat(upload.discarded_at) + timedelta(hours=hours)
    return DiscardedLine(
        **_line_of(upload),
        discarded_at=upload.discarded_at,
        discarded_by=upload.discarded_by,
        removed_at=until.isoformat(),
    )


def _line_of(upload: Upload) -> dict[str, Any]:
    line = {name: getattr(upload, name) for name in UploadLine.__struct_fields__}
    return {**line, "fault": Message.of(upload.fault) if upload.fault else ""}


async def queue_line(site: Site, job: Job) -> QueueLine:
    upload = site.uploads.get(job.upload) if job.upload else None
    run = await site.read(queries.find_run, site.ledger, job.run)
    name = run.source_name if run else upload.name if upload else job.run
    return QueueLine(run=job.run, name=name, by=job.by, at=job.at, **structs.asdict(standing(site, job)))


def standing(site: Site, job: Job | None) -> Standing:
    """Where a run stands in the queue, and how it goes."""
    if job is None:
        return Standing()
    worker = site.worker
    live = worker.live if worker.now is job else None
    phase = _phase(job, live)
    return Standing(
        phase=phase,
        kind=job.kind,
        ahead=site.jobs.ahead_of(job) if phase == "waiting" else 0,
        waits_for=(phase == "waiting" and worker.waits_for) or "",
        fault=Message.of(job.fault) if job.fault else "",
        rows_read=live.rows if live else 0,
        serials_per_second=round(live.per_second()) if live else 0,
        seconds_left=live.seconds_left() if live else None,
        slowed_by=live.slowed_by() if live and phase == "sending" else [],
    )


def _phase(job: Job, live: Live | None) -> Phase:
    if job.paused:
        return "stopping" if live else "paused"
    return live.phase if live else "waiting"


async def upload_data(site: Site, upload: Upload, wait: float = 0.0) -> UploadPage:
    """A list before it is confirmed; waits a little for its preview, if asked to."""
    job = next((job for job in site.jobs.all if job.upload == upload.id), None)
    confirmed = bool(job or upload.imported)
    page = UploadPage(
        **_line_of(upload),
        follows=upload.follows,
        options=upload.options,
        edits=upload.edits,
        version=upload.version,
        run=upload.run if confirmed else "",
        imported=upload.imported,
        state="confirmed",
    )
    if confirmed:
        return page
    reading = await preview_of(site, upload, wait)
    return structs.replace(
        page,
        state=reading.state,
        rows_read=reading.rows,
        error=reading.fault or "",
        headers=reading.headers,
        preview=reading.data,
    )


async def preview_of(site: Site, upload: Upload, wait: float) -> Reading:
    ledger = await site.read(queries.stamp, site.ledger)
    reading = site.previews.of(upload, ledger)
    if wait and not reading.done.is_set():
        await reading.wait(wait)
    return reading


async def run_data(site: Site, run_id: str) -> Run | None:
    """A run that is queued, goes on, or has ended; None for any other id."""
    while True:
        before = site.jobs.of(run_id)
        known = await site.read(queries.run_data, site.ledger, run_id, site.settings.report.dir)
        job = site.jobs.of(run_id)
        if before is job:
            break  # nothing has changed hands meanwhile
    if known is None and job is None:
        return None
    upload = site.uploads.get(job.upload) if job and job.upload else None
    stands = structs.asdict(standing(site, job))
    if known is None and job is not None:
        name = upload.name if upload else run_id
        known = await site.read(queries.not_begun, site.ledger, run_id, name, job.by, job.at)
    assert known is not None
    return structs.replace(known, **{**stands, "phase": stands["phase"] or known.state}, queued=job is not None)


async def runs_data(site: Site, wanted: Wanted, most: int = RUNS_AT_ONCE) -> Runs:
    lines, total = await site.read(queries.run_lines, site.ledger, wanted, most)
    return Runs(_with_phases(site, lines), most, total, wanted.first)


def _with_phases(site: Site, lines: list[RunLine]) -> list[RunLine]:
    """What this server has in hand is not just running: it says how."""
    return [structs.replace(line, phase=standing(site, site.jobs.of(line.run)).phase or line.state) for line in lines]


async def serial_data(site: Site, serial: str, gtin: str) -> Traces:
    return await site.read(queries.traces, site.ledger, serial, gtin)
