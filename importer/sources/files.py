"""What a file is, by its first bytes, and a list's bytes out of .gz or .zip. Knows nothing of what they mean."""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, BinaryIO, cast

import aiofiles

from importer.errors import SourceError
from importer.sources.regular import opened
from importer.sources.workbook_parts import plain_name

_HEAD = 1 << 16
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_BINARIES = {
    b"%PDF": "pdf", b"\x89PNG": "picture", b"\xff\xd8\xff": "picture", b"GIF8": "picture",
    b"II*\0": "picture", b"MM\0*": "picture", b"%!PS": "postscript_file", b"{\\rtf": "word_or_rtf_document",
    b"7z\xbc\xaf": "7z_archive", b"Rar!": "rar_archive", b"\xfd7zXZ": "xz_archive", b"BZh": "bzip2_archive",
    b"\x28\xb5\x2f\xfd": "zstd_archive", b"SQLite format 3": "database", b"PAR1": "parquet_file",
    b"\0\1\0\0Standard": "access_database", b"\x7fELF": "program", b"MZ\x90": "program",
    b"\x09\x00\x04\x00": "old_workbook",
    b"\x09\x02\x06\x00": "old_workbook",
    b"\x09\x04\x06\x00": "old_workbook",
    b"\x09\x08\x08\x00": "old_workbook",
    b"\0\0\2\0\4\4": "lotus_1_2_3_worksheet", b"\0\x05\x16\x07": "macos_companion",
    b"L\0\0\0\1\x14\2\0": "shortcut", b"[InternetShortcut]": "shortcut", b"bplist00": "property_list_of_macos",
    b"TABLE\r\n0,1": "dif_file", b"TABLE\n0,1": "dif_file",
}  # fmt: skip
_OLE_STREAMS = {
    "WordDocument": "word_document", "PowerPoint Document": "powerpoint_presentation",
    "__properties_version1.0": "outlook_message", "VisioDocument": "visio_drawing",
}  # fmt: skip
_CONTENTS = (
    (b"ms-excel.sheet.binary", "xlsb"), (b"ms-excel.sheet.macroEnabled", "xlsm"), (b"spreadsheetml", "xlsx"),
)  # fmt: skip
_DOCUMENTS = (
    (b"wordprocessingml", "word_document"), (b"presentationml", "powerpoint_presentation"),
    (b"ms-word", "word_document"), (b"visio", "visio_drawing"),
)  # fmt: skip
_MIMES = (
    (b"opendocument.text", "opendocument_text"), (b"opendocument.presentation", "opendocument_presentation"),
    (b"sun.xml", "document_of_openoffice_1"), (b"epub", "e_book"),
)  # fmt: skip
_FREE_TO_UNPACK = 100 << 20
"""Bytes that anything may unpack to."""
_MOST_TIMES = 250
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile)
"""What unpacking raises."""
_OFFICE = (("xl/workbook.bin", "xlsb"), ("xl/vbaproject.bin", "xlsm"), ("xl/", "xlsx"), ("content.xml", "ods"))
_SYLK = re.compile(rb"ID;[^\r\n]*[\r\n]+(?:P|F|B|C|O|E|W|NN|NU);")
_EPCIS_ROOT = re.compile(rb"<(?:[\w-]+:)?(?:Object|Aggregation|Transaction|Transformation|Association)Event[\s>]")
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|table|thead|tbody|tr|meta|title|style|div|center|font|span|p|link)[\s>]",
    re.IGNORECASE,
)
_ELEMENT = re.compile(rb"<\?xml|<[A-Za-z_][\w.:-]*(?:\s[^>]*)?/?>|<!--")
_JSON = re.compile(rb'\{\s*["}]|\[\s*[\[{"\]]')
_MIME = re.compile(
    rb"^(?:MIME-Version:|From: <Saved by|Content-Type:\s*multipart/related)", re.IGNORECASE | re.MULTILINE
)
_EMAIL = re.compile(rb"(?:Return-Path|Received|Delivered-To|From|Subject|Date|Message-ID|To|X-[\w-]+): ", re.IGNORECASE)


class Kind(StrEnum):
    """How the bytes of a file are packed."""

    TEXT = "text"
    GZIP = "gz"
    ZIP = "zip"
    XLSX = "xlsx"
    XLSM = "xlsm"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"
    EPCIS_XML = "epcis.xml"
    EPCIS_JSON = "epcis.json"
    HTML = "html"
    MHTML = "mhtml"
    SPREADSHEET_XML = "xml.spreadsheet"
    XML = "xml"
    SYLK = "slk"
    JSON = "json"


WORKBOOKS = frozenset({Kind.XLSX, Kind.XLSM, Kind.XLSB, Kind.XLS, Kind.ODS})
TABLES = frozenset({Kind.HTML, Kind.MHTML, Kind.SPREADSHEET_XML, Kind.XML, Kind.SYLK, Kind.JSON})
"""Texts that hold tables, which are read whole as workbooks are."""


def kind_of(path: Path) -> Kind:
    """What the file is; its extension is not asked."""
    _check_owner(path.name)
    with opened(path) as file:
        head = file.read(_HEAD)
    if not head:
        raise SourceError("list_empty", name=path.name)
    if head.startswith(b"\x1f\x8b"):
        return Kind.GZIP
    if head.startswith(_OLE):
        return _kind_of_ole(path)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path)
    _check_magic(head, path.name)
    return _kind_of_text(head, path.name)


def kind_inside(path: Path, kind: Kind) -> Kind:
    """What a packed file holds, as far as it is text; of any other one, what it is."""
    if kind not in (Kind.GZIP, Kind.ZIP):
        return kind
    try:
        with unpacked(path, kind) as file:
            head = file.read(_HEAD)
    except DAMAGED as error:
        raise damaged(path, error) from error
    if head.startswith((_OLE, b"PK\x03\x04")):
        raise SourceError("workbook_packed", name=path.name)
    _check_magic(head, path.name)
    return _kind_of_text(head, path.name)


def _other(name: str, what: str) -> SourceError:
    return SourceError("list_of_other_kind", name=name, kind=what)


def _check_owner(name: str) -> None:
    """What spreadsheets keep beside a workbook while it is open."""
    if name.startswith("~$"):
        other = name[2:]
    elif name.startswith(".~lock.") and name.endswith("#"):
        other = name[7:-1]
    else:
        return
    raise SourceError("list_of_owner", name=name, other=other)


def _check_magic(head: bytes, name: str) -> None:
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _BINARIES.items():
        if head.startswith(magic) or (magic.isascii() and plain.startswith(magic)):
            raise _other(name, what)


def _kind_of_text(head: bytes, name: str) -> Kind:
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    if start.startswith(b"<") and _ELEMENT.match(start):
        return _kind_of_markup(start, name)
    if _JSON.match(start):
        if b"doc_id" in start[:200] or b"docs.google.com" in start[:500]:
            raise _other(name, "link_to_a_google_document")
        is_epcis = b"epcis" in start.lower() or b'"eventTime"' in start or b"ObjectEvent" in start
        return Kind.EPCIS_JSON if is_epcis else Kind.JSON
    if _SYLK.match(start):
        return Kind.SYLK
    if _EMAIL.match(start) or _MIME.match(start):
        if _MIME.search(start) and (b"multipart/related" in start or b"text/html" in start):
            return Kind.MHTML
        raise _other(name, "e_mail")
    return Kind.TEXT


def _kind_of_markup(start: bytes, name: str) -> Kind:
    if b"EPCIS" in start or _EPCIS_ROOT.search(start):
        return Kind.EPCIS_XML
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start and b"Workbook" in start:
        return Kind.SPREADSHEET_XML
    for mark, what in ((b"office/word/2003", "a Word document"), (b"opendocument", "a flat OpenDocument file")):
        if mark in start[:4096]:
            raise _other(name, what)
    return Kind.HTML if _HTML.search(start) else Kind.XML if b"</" in start or b"<?xml" in start else Kind.TEXT


def damaged(path: Path, error: Exception) -> SourceError:
    """What one of `DAMAGED` means, for people."""
    if isinstance(error, OSError) and error.strerror:
        return SourceError("list_unreadable", path=str(path), reason=error.strerror or str(error))
    return cut_off(path.name, error)


def cut_off(name: str, why: object) -> SourceError:
    """`why` is the library's word for it."""
    return SourceError("list_damaged", name=name, reason=str(why))


def _kind_of_ole(path: Path) -> Kind:
    import olefile  # noqa: PLC0415  seldom needed

    with suppress(OSError, ValueError, IndexError), olefile.OleFileIO(str(path)) as file:
        for stream, what in _OLE_STREAMS.items():
            if file.exists(stream):
                raise _other(path.name, what)
    return Kind.XLS


def _kind_of_zip(path: Path) -> Kind:
    """Some programs pack with Windows separators or in other letters, as spreadsheets allow."""
    names = {plain_name(info.filename).lower(): info.filename for info in members(path)}
    if any(n.endswith(".iwa") for n in names) or "index.zip" in names or "index.apxl" in names:
        what = "apple_numbers_document" if _is_numbers(path.name, names) else "document_of_apple_pages_or_keynote"
        raise SourceError("list_of_apple", name=path.name, kind=what)
    contents = _part(path, names.get("[content_types].xml")) if not any(n.startswith("xl/") for n in names) else b""
    mime = _part(path, names.get("mimetype"))
    for mark, what in (*_DOCUMENTS, *_MIMES):
        if mark in (mime if (mark, what) in _MIMES else contents):
            raise _other(path.name, what)
    for start, kind in _OFFICE:
        if any(n.startswith(start) for n in names):
            return Kind(kind)
    return next((Kind(kind) for mark, kind in _CONTENTS if mark in contents), Kind.ZIP)


def _is_numbers(name: str, parts: Collection[str]) -> bool:
    return not name.lower().endswith((".pages", ".key")) and (
        name.lower().endswith(".numbers") or any("table" in p or "calculationengine" in p for p in parts)
    )


def _part(path: Path, name: str | None) -> bytes:
    """The start of a part; nothing where it can't be read."""
    if name is None:
        return b""
    damage = suppress(*DAMAGED, NotImplementedError, RuntimeError)
    with damage, zipfile.ZipFile(path) as archive, archive.open(name) as part:
        return part.read(_HEAD)
    return b""


def members(path: Path) -> list[zipfile.ZipInfo]:
    """The directory of a .zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError("archive_damaged", name=path.name) from error


def most_unpacked(packed: int) -> int:
    """How many bytes may come out of so many packed ones. Lists of codes pack 5 to 60 to 1, bombs up to 1,032 to 1."""
    return max(_FREE_TO_UNPACK, packed * _MOST_TIMES)


class Bounded:
    """A stream of which no more comes than there may be, from its start on."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, most: int, name: str) -> None:
        self._stream = stream
        self._most = self._left = most
        self._name = name

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(block)
        if self._left < 0:
            raise unpacks_too_far(self._name)
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        self._left = self._most
        return self._stream.seek(offset, whence)


def unpacks_too_far(name: str) -> SourceError:
    return SourceError("unpacks_too_far", name=name, times=_MOST_TIMES)


@contextmanager
def unpacked(path: Path, kind: Kind) -> Iterator[BinaryIO]:
    """The bytes of the list, as a stream: nothing is unpacked at once."""
    with opened(path) as file:
        if kind is Kind.GZIP:
            with gzip.GzipFile(fileobj=file) as stream:
                yield cast(BinaryIO, Bounded(stream, most_unpacked(path.stat().st_size), path.name))
        elif kind is Kind.ZIP:
            with zipfile.ZipFile(file) as archive, _only_member(archive, path) as member:
                yield cast(BinaryIO, Bounded(member, most_unpacked(path.stat().st_size), path.name))
        else:
            yield file


def _only_member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    files = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        names = [m.filename[:60] for m in files[:5]]
        raise SourceError("archive_of_many", name=path.name, n=len(files), files=names)
    if files[0].flag_bits & 1:
        raise SourceError("archive_protected", name=path.name)
    try:
        return archive.open(files[0])
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        why = " ".join(str(error).split())[:100]  # it may quote all of a damaged header
        raise SourceError("archive_unreadable", name=path.name, reason=why) from error


# What a source file is, before it is read: its fingerprint, and whether it stays as it is.
_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class FileFacts:
    """`stamp` tells whether the file was touched: size and time of the last change."""

    sha256: str
    bytes: int
    stamp: tuple[int, int]


async def file_facts(path: Path) -> FileFacts:
    """Read the whole file once, and no more of it than it had when that began. Raises SourceError where it can't be
    read.
    """
    digest = hashlib.sha256()
    try:
        with opened(path) as regular:
            stamp = stamp_of(path)
            left = stamp[0] + 1
            file = aiofiles.threadpool.wrap(regular)
            while left > 0 and (block := await file.read(min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        raise SourceError("list_unreadable", path=str(path), reason=error.strerror or str(error)) from error
    return FileFacts(digest.hexdigest(), stamp[0], stamp)


def stamp_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def must_be_unchanged(path: Path, facts: FileFacts) -> None:
    """Raise SourceError if the file was touched since its facts were taken."""
    try:
        same = stamp_of(path) == facts.stamp
    except OSError:
        same = False
    if not same:
        raise SourceError("list_changed", path=str(path))
