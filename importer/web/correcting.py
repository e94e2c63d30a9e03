"""Corrects a list on the page: cells, pasted blocks, all rows of a problem at once, and back. A change is on the disk
before it is answered; it is checked by itself at once, and with the whole list behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from importer.events import Actor
from importer.rows.tables import ROLES
from importer.web import actions, grid
from importer.web.changes import MARKS, YES, Cell, Change
from importer.web.data import preview_of
from importer.web.documents import ChangeLine, Grid, Kind
from importer.web.inputs import Edits, Fix, Pasted, WantedRows
from importer.web.previews import Reading
from importer.web.rejects import LEFT_OUT, Rejects
from importer.web.site import Site
from importer.web.uploads import Upload

AT_ONCE = 100
"""Rows of a page of the grid."""
_MOST_KEYS = 1000
_SOON = 0.1
"""Seconds that an answer waits for the check of the whole list: a short one has it at once."""
_PATIENCE = 10.0
_MOST_CHANGES = 50
_HELP = ("fill", "replace", "suggested", "align")
"""What is offered while rows of all problems are shown; to leave rows out is not."""
_OFFERED = 4
"""Problems whose offers are shown while rows of all problems are."""


async def grid_data(site: Site, upload: Upload, wanted: WantedRows, wait: float) -> Grid:
    """The rows that are wanted, as they are now. Waits up to so many seconds for the check of the whole list."""
    reading = await preview_of(site, upload, wait)
    if wanted.keys:
        keys = wanted.keys.split(",")[:_MOST_KEYS]
        if not all(key.isascii() and key.isdigit() and len(key) < 20 for key in keys):  # noqa: PLR2004
            raise web.HTTPBadRequest(text="bad_request")
        return await site.read(_grid, site, upload, reading, [int(key) for key in keys], None)
    return await site.read(_grid, site, upload, reading, None, (wanted.kind, int(wanted.start or 0)))


def _grid(
    site: Site, upload: Upload, reading: Reading, keys: Sequence[int] | None, listed: tuple[str, int] | None
) -> Grid:
    data, rejects = reading.latest.data, reading.latest.rejects or Rejects()
    start, total, kind = 0, 0, ""
    if listed is not None:
        kind, start = listed
        found = grid.keys_of(upload, rejects, kind)
        total = len(found)
        start = min(start, max(total - 1, 0) // AT_ONCE * AT_ONCE)
        keys = found[start : start + AT_ONCE].tolist()
    rows = grid.Shower(site.previews, upload, reading)
    problems = [Kind(one.code, one.rows) for one in data.problems] if data else []
    codes = [kind] if kind else [one.code for one in problems if one.code != LEFT_OUT][:_OFFERED]
    offers = reading.offers if listed is not None and rows.checked else None
    return Grid(
        version=upload.version,
        checked=rows.checked,
        to_send=data.to_send if data and rows.checked else None,
        rejected=data.rejected if data and rows.checked else None,
        left_out=data.left_out if data and rows.checked else None,
        kinds=problems,
        rows=rows.rows(keys or ()),
        start=start,
        total=total,
        beyond=rejects.beyond,
        offers=[one for code in codes for one in offers.of(code) if kind or one.kind in _HELP] if offers else [],
        changes=[change_line(one) for one in upload.changes.all[: -_MOST_CHANGES - 1 : -1]],
    )


def change_line(change: Change) -> ChangeLine:
    return ChangeLine(
        number=change.number,
        at=change.at,
        by=change.by,
        kind=change.kind,
        rows=change.rows,
        values=change.values,
        undone_at=change.undone_at,
        undone_by=change.undone_by,
    )


async def correct_cells(site: Site, upload: Upload, wanted: Edits, actor: Actor) -> Grid:
    """Correct some cells; the answer has their rows."""
    await preview_of(site, upload, _PATIENCE if site.previews.as_read(upload) is None else 0)
    keys = list(dict.fromkeys(cell.key for cell in wanted.cells))
    held = actions.values_of(site, upload, keys)
    cells: list[Cell] = []
    for one in wanted.cells:
        if one.key not in held:
            raise web.HTTPBadRequest(text="bad_request")
        read, now = held[one.key].get(one.role), upload.edits.get(one.key, {}).get(one.role)
        new = YES if one.role in MARKS and one.value else one.value
        if new == read or (one.role in MARKS and not one.value):
            new = None
        if new != now:
            cells.append(Cell(one.key, one.role, read if now is None else now, new))
    await actions.change(site, upload, "cells", cells, actor)
    return await grid_data(site, upload, WantedRows(keys=",".join(keys[:_MOST_KEYS])), _SOON)


async def paste(site: Site, upload: Upload, wanted: Pasted, actor: Actor) -> Grid:
    """Paste a block of cells, row by row; raises where it has more rows than there are."""
    reading = await preview_of(site, upload, _PATIENCE)
    keys = [int(key) for key in wanted.keys]
    if len(keys) < len(wanted.table):
        listed = grid.keys_of(upload, reading.latest.rejects or Rejects(), wanted.kind).tolist()
        last = listed.index(keys[-1]) + 1 if keys[-1] in listed else _after(listed, keys[-1])
        keys += [key for key in listed[last:] if key not in set(keys)]
    if len(keys) < len(wanted.table):
        raise web.HTTPConflict(text="paste_too_long")
    roles = ROLES[ROLES.index(wanted.role) :]
    held = actions.values_of(site, upload, [str(key) for key in keys[: len(wanted.table)]])
    cells = []
    for key, values in zip(map(str, keys), wanted.table, strict=False):
        for role, value in zip(roles, values, strict=False):
            old = upload.edits.get(key, {}).get(role, held.get(key, {}).get(role))
            if value != old:
                cells.append(Cell(key, role, old, value[:500]))
    await actions.change(site, upload, "cells", cells, actor, {"pasted": len(wanted.table)})
    touched = ",".join(wanted.keys[: len(wanted.table)])
    return await grid_data(site, upload, WantedRows(keys=touched), _SOON)


def _after(listed: Sequence[int], key: int) -> int:
    """Where the rows below one begin that is wrong no more."""
    return sum(1 for one in listed if one < key)


async def fix(site: Site, upload: Upload, wanted: Fix, actor: Actor) -> Change | None:
    """Do to all rows of a problem what was offered; None where nothing is left of it."""
    reading = await preview_of(site, upload, _PATIENCE)
    if reading.offers is None:
        raise web.HTTPConflict(text="not_ready")
    if wanted.kind in ("fill", "replace") and not wanted.new.strip():
        raise web.HTTPConflict(text="value_missing")
    if wanted.kind in ("fill", "replace", "align") and wanted.role not in ROLES:
        raise web.HTTPBadRequest(text="bad_request")
    cells = await site.read(reading.offers.cells, wanted)
    told = {name: value for name in ("code", "role", "old", "new") if (value := getattr(wanted, name))}
    return await actions.change(site, upload, wanted.kind, cells, actor, told)
