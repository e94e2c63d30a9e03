"""The rejected rows of a run as a list of their own, to be corrected and imported by a run that names the first."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path, PurePath

from aiohttp import web

from importer.ledger.records import Run
from importer.model import Outcome, RunState
from importer.rows.returned import COLUMNS, shows_its_cause
from importer.web import queries
from importer.web.durable import private
from importer.web.rejects import LEFT_OUT
from importer.web.site import Site
from importer.web.uploads import Upload

_REPORT = "not_assigned.csv"


async def follow_up(site: Site, run_id: str, by: str) -> Upload:
    """The list that waits already, or a new one. Raises web.HTTPException where nothing was rejected, or no report is
    there. Rows that were left out by hand are not in it.
    """
    queued = {job.upload for job in site.jobs.all}
    for one in site.uploads.not_imported():
        if one.follows == run_id and one.id not in queued:
            return one
    run = await site.read(queries.find_run, site.ledger, run_id)
    if run is None:
        raise web.HTTPNotFound(text="not_found")
    if run.state not in {RunState.FINISHED, RunState.STOPPED}:
        raise web.HTTPConflict(text="bad_request")
    if len(site.uploads.not_imported()) >= site.settings.web.max_uploads:
        raise web.HTTPConflict(text="too_many_uploads")
    return await site.read(_made, site, run, by)


def _made(site: Site, run: Run, by: str) -> Upload:
    report = queries.report_file(site.settings.report.dir, run, _REPORT)
    lines = list(_lines(report)) if report else []
    if len(lines) < 2:  # noqa: PLR2004  a header and a row
        raise web.HTTPConflict(text="nothing_rejected")
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    data = b"\xef\xbb\xbf" + text.getvalue().encode()
    stem = PurePath(run.source_name).stem.removesuffix("-follow-up")
    number, path = site.uploads.begin(f"{stem}-follow-up.csv")
    with open(path, "xb", opener=private) as file:
        file.write(data)
    return site.uploads.arrived(number, path, len(data), hashlib.sha256(data).hexdigest(), by, follows=run.id)


def _lines(report: Path) -> Iterator[list[str]]:
    """The header and the rejected rows, spelled as they are. A row is checked anew by its values, and keeps the code
    that it was rejected with only where these don't show why.
    """
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        yield header
        outcome, code, message = (header.index(name) for name in COLUMNS)
        for row in rows:
            if row[outcome] != Outcome.REJECTED or row[code] == LEFT_OUT:
                continue
            if shows_its_cause(row[code]):
                row[outcome] = row[code] = row[message] = ""
            yield row
