"""An upload as it arrives: a stream to the disk, a few blocks in memory, limited in size, gone if it is cut off."""

from __future__ import annotations

import hashlib
import shutil

import aiofiles
from aiohttp import BodyPartReader, web

from importer.web.site import Site
from importer.web.uploads import Upload

_BLOCK = 1 << 20
_MEGABYTE = 1 << 20
_RESERVE = 256 * _MEGABYTE
"""Bytes of the disk that no upload may take: the ledger needs them."""
_MOST_TOKEN = 256


class Receiving:
    """Takes the files of one request. `token` is asked whether a CSRF token is right; it must come before any file."""

    def __init__(self, site: Site, request: web.Request, by: str) -> None:
        self._site = site
        self._request = request
        self._by = by
        self._most = site.settings.web.max_upload_megabytes * _MEGABYTE

    async def files(self) -> list[Upload]:
        """Raises web.HTTPException with a reason; what arrived whole before it is kept."""
        if not self._request.content_type.startswith("multipart/form-data"):
            raise web.HTTPUnsupportedMediaType(text="expected multipart/form-data with the files in field `file`")
        if (self._request.content_length or 0) > self._most + _MEGABYTE:
            raise self._too_large()
        trusted = self._site.csrf.holds(self._request, self._request.headers.get("X-CSRF-Token", ""))
        found: list[Upload] = []
        async for part in await self._request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "csrf":
                token = bytes(await part.read_chunk(_MOST_TOKEN)).decode("ascii", "replace")
                trusted = trusted or self._site.csrf.holds(self._request, token)
            elif part.name == "file" and part.filename:
                if not trusted:
                    raise web.HTTPForbidden(text="csrf")
                found.append(await self._one(part))
        return found

    async def _one(self, part: BodyPartReader) -> Upload:
        site = self._site
        waiting = len(site.uploads.not_imported()) + site.arriving
        if waiting >= site.settings.web.max_uploads:
            raise web.HTTPConflict(text="too_many_uploads")
        number, path = site.uploads.begin(part.filename or "")
        site.arriving += 1
        try:
            size, digest = 0, hashlib.sha256()
            async with aiofiles.open(path, "xb") as file:
                while block := await part.read_chunk(_BLOCK):
                    size += len(block)
                    self._check(size)
                    digest.update(block)
                    await file.write(block)
            return site.uploads.arrived(number, path, size, digest.hexdigest(), self._by)
        except BaseException:
            site.uploads.discard(number)
            raise
        finally:
            site.arriving -= 1

    def _check(self, size: int) -> None:
        if size > self._most:
            raise self._too_large()
        if size % (64 * _MEGABYTE) < _BLOCK and shutil.disk_usage(self._site.directory).free < _RESERVE:
            raise web.HTTPInsufficientStorage(text="disk_full")

    def _too_large(self) -> web.HTTPException:
        return web.HTTPRequestEntityTooLarge(self._most, self._request.content_length or 0, text="too_large")
