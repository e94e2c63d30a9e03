"""Reads what was dropped in the background, keeps what was found, checks again when anything has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from importer import wiring
from importer.concurrency import Stopping
from importer.config.settings import Settings
from importer.errors import ImporterError
from importer.flow.preview import BatchPreview, Example, ListFile, Looking, Preview, preview
from importer.model import Message, is_sandbox
from importer.readers.opening import open_head, open_source
from importer.rows.tables import HeadSheet, Source, key_of
from importer.sources.corrections import Edited
from importer.sources.options import SourceOptions
from importer.web import documents
from importer.web.as_read import AsRead, Keeping
from importer.web.offers import Offers
from importer.web.queries import needs_attention
from importer.web.rejects import Rejects
from importer.web.uploads import Upload, Uploads

_AT_ONCE = 2
_MOST_KEPT = 40

Edits = Mapping[str, Mapping[str, str]]
Stamp = tuple[int, int, int]
"""Version of the upload, and how far the ledger is: what a preview depends on."""


@dataclass(slots=True)
class Reading:
    """A preview on its way: `data` or `fault` is set in the end."""

    stamp: Stamp
    rows: int = 0
    data: documents.Preview | None = None
    rejects: Rejects | None = None
    offers: Offers | None = None
    before: Reading | None = None
    """What the check before has found, until this one has ended."""
    fault: Message | None = None
    headers: list[str] = field(default_factory=list)
    stopping: Stopping = field(default_factory=Stopping)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def progress(self, rows: int) -> None:
        self.rows = rows

    async def wait(self, seconds: float) -> None:
        """Wait for the end, but no longer than this."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.done.wait(), seconds)

    @property
    def latest(self) -> Reading:
        """What was found last: by this check, or by the one before."""
        return self if self.data or not self.before else self.before

    @property
    def state(self) -> Literal["ready", "failed", "reading"]:
        return "ready" if self.data else "failed" if self.fault else "reading"


class Previews:
    def __init__(self, settings: Settings, target: str, uploads: Uploads) -> None:
        self._settings = settings
        self._target = target
        self._uploads = uploads
        self._known: dict[str, Reading] = {}
        self._as_read: dict[str, tuple[str, AsRead]] = {}
        """By upload: the options that it was read with, and its rows."""
        self._heads: dict[str, tuple[str, list[HeadSheet]]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    def of(self, upload: Upload, ledger: tuple[int, int]) -> Reading:
        """What is known of an upload; it begins to be read where that is nothing, or not true any more."""
        stamp = (upload.version, *ledger)
        known = self._known.get(upload.id)
        if known and (known.stamp == stamp or (not known.done.is_set() and known.stamp[0] == upload.version)):
            return known
        self._stop(upload.id)
        while len(self._known) >= _MOST_KEPT:
            self.forget(next(iter(self._known)))
        latest = known.latest if known and self.as_read(upload) else None
        reading = self._known[upload.id] = Reading(stamp, before=latest)
        reading.task = asyncio.create_task(self._read(upload, reading))
        return reading

    def known(self, upload: Upload) -> Reading | None:
        """What was found of it as it is to be read now, whatever the ledger has come to know since."""
        found = self._known.get(upload.id)
        return found if found and found.stamp[0] == upload.version else None

    def as_read(self, upload: Upload) -> AsRead | None:
        """Its rows without corrections; None until it was read."""
        options, found = self._as_read.get(upload.id, ("", None))
        return found if options == _how_read(upload) else None

    def head(self, upload: Upload) -> list[HeadSheet]:
        """The first rows of every sheet, whether a list is found in them or not. In a thread. Raises SourceError."""
        how = _how_read(upload)
        known, found = self._heads.get(upload.id, ("", []))
        if known != how:
            found = open_head(self._uploads.path(upload), self.file(upload, {}).options)
            self._heads[upload.id] = (how, found)
        return found

    def looking(self) -> Looking:
        """As of today."""
        return wiring.looking(self._settings, self._target, self._settings.ledger.directory)

    def forget(self, number: str) -> None:
        self._stop(number)
        self._heads.pop(number, None)
        if found := self._as_read.pop(number, None):
            found[1].forget()

    def _stop(self, number: str) -> None:
        if known := self._known.pop(number, None):
            known.stopping.stop(Message("not_wanted"), 0)

    def end(self) -> None:
        for number in list(self._known):
            self.forget(number)

    async def _read(self, upload: Upload, reading: Reading) -> None:
        edits, how = dict(upload.edits), _how_read(upload)
        known = self.as_read(upload)
        try:
            async with self._places:
                kept = await asyncio.to_thread(self._look, upload, reading, edits, known)
            if kept and self._known.get(upload.id) is reading:
                self._as_read[upload.id] = (how, kept)
        except ImporterError as error:
            reading.fault = error.message
            reading.headers = [one for one in getattr(error, "headers", ()) if one]
        except OSError as error:
            reading.fault = Message("list_unreadable", "", {"path": upload.name, "reason": error.strerror or ""})
        finally:
            reading.fault = reading.fault or (None if reading.data else Message("internal_fault"))
            reading.done.set()

    def _look(self, upload: Upload, reading: Reading, edits: Edits, known: AsRead | None) -> AsRead | None:
        """Check all of it. Give its rows as they were read, if they were not `known`."""
        file = self.file(upload, edits)
        keeping: Keeping | None = None

        def source(path: Path, options: SourceOptions) -> Source:
            nonlocal keeping
            rows: Source
            if known:
                rows = known
            else:
                rows = keeping = Keeping(open_source(path, replace(options, edits={})), rows_of(path))
            return Edited(rows, options.edits) if options.edits else rows

        rejects = Rejects()
        looking = replace(self.looking(), open_source=source)
        found = preview(file, looking, stopping=reading.stopping, progress=reading.progress, on_rejects=rejects.add)
        rejects.close()
        data = document(found, self._settings.limits.requests_per_second, reading.stamp[0])
        staging = looking.staging.accepting(file.options.accept)
        reading.rejects, reading.offers, reading.data = rejects, Offers(rejects, data, staging), data
        reading.before = None
        return keeping.kept if keeping else None

    def file(self, upload: Upload, edits: Edits | None = None) -> ListFile:
        """The list that was dropped, with what its person said about it. Raises ConfigError."""
        edits = edits if edits is not None else upload.edits
        options = wiring.source_options(self._settings, {**upload.options, "edits": edits or None})
        identity = json.dumps(wiring.identity_of(options), sort_keys=True)
        return ListFile(self._uploads.path(upload), upload.name, upload.sha256, options, identity)


def rows_of(path: Path) -> Path:
    """Where the rows of an upload are kept: in its directory, with which they go."""
    return path.parent.parent / "rows.arrow"


def _how_read(upload: Upload) -> str:
    """All that decides what its rows are; which suspects are accepted does not."""
    return json.dumps({name: value for name, value in upload.options.items() if name != "accept"}, sort_keys=True)


def document(found: Preview, per_second: float, version: int) -> documents.Preview:
    """A preview as pages and API have it."""
    names = [sheet.name for sheet in found.reading.sheets]
    left_out = found.problems["left_out"].rows if "left_out" in found.problems else 0
    return documents.Preview(
        seen=_seen(found, version),
        rows=found.rows,
        to_send=found.to_send,
        already_assigned=sum(line.already_assigned for line in found.batches),
        duplicate=sum(line.duplicate for line in found.batches),
        rejected=sum(line.rejected for line in found.batches) - left_out,
        left_out=left_out,
        batches_to_send=sum(1 for line in found.batches if line.send),
        requests=found.requests_to_come,
        seconds=found.requests_to_come / per_second if per_second else None,
        requests_per_second=per_second or None,
        reading=found.reading,
        batches=[_line(line) for line in found.batches],
        problems=[
            documents.Problem(code, one.rows, [_example(row, names) for row in one.examples])
            for code, one in found.problems.items()
        ],
        warnings=dict(found.notes),
        imported_before=[
            documents.EarlierRun(
                run.id,
                run.state.value,
                needs_attention(run),
                run.started_at,
                run.user,
                sandbox=is_sandbox(run.target),
            )
            for run in found.before
        ],
        goes_on_with=found.goes_on.run.id if found.goes_on else "",
    )


def _seen(found: Preview, version: int) -> str:
    """Stands for all of a preview: what is confirmed is what was seen."""
    text = f"{version} {found!r}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _line(line: BatchPreview) -> documents.BatchLine:
    return documents.BatchLine(
        gtin=line.batch.gtin if line.batch else "",
        batch=line.batch.batch if line.batch else "",
        expiry_date=line.batch.expiry if line.batch else "",
        rows=line.rows,
        to_send=line.send,
        already_assigned=line.already_assigned,
        duplicate=line.duplicate,
        rejected=line.rejected,
    )


def _example(row: Example, names: list[str]) -> documents.Example:
    sheet = names.index(row.sheet) if row.sheet in names else 0
    cells = {name: getattr(row, name) for name in ("sheet", "row", "serial", "gtin", "batch", "expiry", "message")}
    return documents.Example(key=str(key_of(sheet, row.row)), **cells)
