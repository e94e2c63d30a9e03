"""The data of every page: what the API answers, and what the templates show."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from importer.web import queries
from importer.web.jobs import Job
from importer.web.previews import Reading
from importer.web.site import Site
from importer.web.uploads import Upload

_LATEST = 8
_MOST_RUNS = 200


async def overview(site: Site) -> dict[str, Any]:
    """What waits for a person, what goes on, what was last."""
    queued = {job.upload for job in site.jobs.all}
    lines = _with_phases(site, await site.read(queries.run_lines, site.ledger, {}, _LATEST))
    return {
        "waiting": [upload_line(one) for one in site.uploads.not_imported() if one.id not in queued],
        "queue": [await queue_line(site, job) for job in list(site.jobs.all)],
        "latest": lines,
    }


def upload_line(upload: Upload) -> dict[str, Any]:
    values = asdict(upload)
    return {name: values[name] for name in ("id", "name", "bytes", "sha256", "by", "at", "fault")}


async def queue_line(site: Site, job: Job) -> dict[str, Any]:
    upload = site.uploads.get(job.upload) if job.upload else None
    run = await site.read(queries.find_run, site.ledger, job.run)
    name = run.source_name if run else upload.name if upload else job.run
    return {"run": job.run, "name": name, "by": job.by, "at": job.at, **standing(site, job)}


def standing(site: Site, job: Job | None) -> dict[str, Any]:
    """Where a run stands in the queue, and how it goes."""
    worker = site.worker
    live = worker.live if job and worker.now is job else None
    if job is None:
        phase = ""
    elif job.paused:
        phase = "stopping" if live else "paused"
    else:
        phase = live.phase if live else "waiting"
    return {
        "phase": phase,
        "kind": job.kind if job else "",
        "ahead": site.jobs.ahead_of(job) if job and phase == "waiting" else 0,
        "waits_for": worker.waits_for if phase == "waiting" else "",
        "fault": job.fault if job else "",
        "rows_read": live.rows if live else 0,
        "serials_per_second": round(live.per_second()) if live else 0,
        "seconds_left": live.seconds_left() if live else None,
        "slowed_by": live.slowed_by() if live and phase == "sending" else [],
    }


async def upload_data(site: Site, upload: Upload, wait: float = 0.0) -> dict[str, Any]:
    """A list before it is confirmed; waits a little for its preview, if asked to."""
    job = next((job for job in site.jobs.all if job.upload == upload.id), None)
    base = {
        **upload_line(upload),
        "options": upload.options,
        "edits": upload.edits,
        "version": upload.version,
        "run": upload.run if job or upload.imported else "",
        "imported": upload.imported,
    }
    if job or upload.imported:
        return {**base, "state": "confirmed", "rows_read": 0, "error": "", "headers": [], "preview": None}
    reading = await preview_of(site, upload, wait)
    return {
        **base,
        "state": reading.state,
        "rows_read": reading.rows,
        "error": reading.fault,
        "headers": reading.headers,
        "preview": reading.data,
    }


async def preview_of(site: Site, upload: Upload, wait: float) -> Reading:
    ledger = await site.read(queries.stamp, site.ledger)
    reading = site.previews.of(upload, ledger)
    if wait and not reading.done.is_set():
        await reading.wait(wait)
    return reading


async def run_data(site: Site, run_id: str) -> dict[str, Any] | None:
    """A run that is queued, goes on, or has ended; None where nobody knows it."""
    while True:
        before = site.jobs.of(run_id)
        known = await site.read(queries.run_data, site.ledger, run_id, site.settings.report.dir)
        job = site.jobs.of(run_id)
        if before is job:
            break  # nothing has changed hands meanwhile
    if known is None and job is None:
        return None
    upload = site.uploads.get(job.upload) if job and job.upload else None
    stands = standing(site, job)
    if known is None and job is not None:
        known = queries.not_begun(run_id, upload.name if upload else run_id, job.by, job.comment, job.at)
    assert known is not None
    return {**known, **stands, "phase": stands["phase"] or known["state"], "queued": job is not None}


async def runs_data(site: Site, wanted: dict[str, str]) -> dict[str, Any]:
    lines = await site.read(queries.run_lines, site.ledger, wanted, _MOST_RUNS)
    return {"runs": _with_phases(site, lines), "most": _MOST_RUNS}


def _with_phases(site: Site, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What this server has in hand is not just running: it says how."""
    return [{**line, "phase": standing(site, site.jobs.of(line["run"]))["phase"] or line["state"]} for line in lines]


async def serial_data(site: Site, serial: str, gtin: str) -> dict[str, Any]:
    return {"serial": serial, "gtin": gtin, "found": await site.read(queries.traces, site.ledger, serial, gtin)}
