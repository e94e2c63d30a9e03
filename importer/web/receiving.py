"""An upload as it arrives: a stream to the disk, a few blocks in memory, limited in size, gone if it is cut off."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator

import aiofiles
from aiohttp import BodyPartReader, web

from importer.events import EventKind
from importer.web.durable import private
from importer.web.guard import PART_SECONDS, actor_of, in_time, parts_of, who
from importer.web.site import Site
from importer.web.space import DiskFull, Promise, ShareUsed
from importer.web.uploads import Upload

_BLOCK = 1 << 20
_MEGABYTE = 1 << 20
_MOST_DISCARDED = 10
"""Lists of a person that can be restored: discarding uses no more of the disk than that."""
_WINDOW = 10.0
_SLOWEST = 1000
"""Bytes a second, over each window of seconds: what is slower keeps a place from others and is sent away."""


class Receiving:
    """Takes the files of one request, whose token has been checked."""

    def __init__(self, site: Site, request: web.Request) -> None:
        self._site = site
        self._request = request
        self._actor = actor_of(request)
        self._by = self._actor.user
        self._most = site.settings.web.max_upload_megabytes * _MEGABYTE

    async def files(self) -> list[Upload]:
        """Raises web.HTTPException with a reason; what arrived whole before it is kept."""
        if self._request.content_type != "multipart/form-data":
            raise web.HTTPUnsupportedMediaType(text="expected multipart/form-data with the files in field `file`")
        length = self._request.content_length or 0
        if length > self._most + _MEGABYTE:
            raise self._too_large()
        try:
            with self._site.space.promise(self._by, length, self._waiting()) as promise:
                return [await self._one(part, promise) async for part in self._parts()]
        except DiskFull:
            raise web.HTTPInsufficientStorage(text="disk_full") from None
        except ShareUsed:
            raise web.HTTPConflict(text="too_much_of_one") from None

    async def _parts(self) -> AsyncIterator[BodyPartReader]:
        parts = await parts_of(self._request)
        while (part := await in_time(parts.next(), PART_SECONDS)) is not None:
            if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
                yield part

    def _waiting(self) -> int:
        """Bytes of this person's lists."""
        return sum(one.bytes for one in self._site.uploads.not_imported() if one.by == self._by)

    def _make_room(self) -> None:
        """What this person has discarded gives way to what comes, but for the latest."""
        own = [one for one in self._site.uploads.discarded() if one.by == self._by]
        for upload in own[_MOST_DISCARDED - 1 :]:
            self._site.uploads.remove(upload.id)

    async def _one(self, part: BodyPartReader, promise: Promise) -> Upload:
        site = self._site
        self._must_have_place()
        self._make_room()
        number, path = site.uploads.begin(part.filename or "")
        site.arriving[self._by] += 1
        try:
            size, digest, pace = 0, hashlib.sha256(), _Pace()
            async with aiofiles.open(path, "xb", opener=private) as file:
                while block := await in_time(part.read_chunk(_BLOCK), PART_SECONDS):
                    size += len(block)
                    pace.keep_up(len(block))
                    self._must_fit(size)
                    site.space.use(promise, len(block), self._waiting())
                    digest.update(block)
                    await file.write(block)
            self._must_be_in()
            after = {"name": path.name, "sha256": digest.hexdigest(), "bytes": size}
            await site.record(self._actor, EventKind.UPLOAD, upload=number, after=after)
            return site.uploads.arrived(number, path, size, digest.hexdigest(), self._by)
        except BaseException:
            site.uploads.remove(number)
            raise
        finally:
            site.arriving[self._by] -= 1

    def _must_have_place(self) -> None:
        """Raise if too many lists wait, in all or of this person."""
        waiting, wanted = self._site.uploads.not_imported(), self._site.settings.web
        if len(waiting) + self._site.arriving.total() >= wanted.max_uploads:
            raise web.HTTPConflict(text="too_many_uploads")
        own = sum(1 for one in waiting if one.by == self._by) + self._site.arriving[self._by]
        if own >= wanted.max_uploads_per_person:
            raise web.HTTPConflict(text="too_much_of_one")

    def _must_fit(self, size: int) -> None:
        if size > self._most:
            raise self._too_large()

    def _must_be_in(self) -> None:
        """Raise if the session of the person has ended while the list arrived."""
        if who(self._request) != self._by:
            raise web.HTTPUnauthorized(text="login")

    def _too_large(self) -> web.HTTPException:
        return web.HTTPRequestEntityTooLarge(self._most, self._request.content_length or 0, text="too_large")


class _Pace:
    """Raises web.HTTPRequestTimeout for an upload that trickles in."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._bytes = 0

    def keep_up(self, size: int) -> None:
        self._bytes += size
        seconds = time.monotonic() - self._since
        if seconds < _WINDOW:
            return
        if self._bytes < _SLOWEST * seconds:
            raise web.HTTPRequestTimeout(text="too_slow")
        self._since, self._bytes = time.monotonic(), 0
