"""What a file is, by its first bytes, and a list's bytes out of .gz or .zip. Knows nothing of what they mean."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, BinaryIO, cast

import aiofiles

from importer.errors import SourceError

_HEAD = 1 << 16
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_BINARIES = {
    b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture",
    b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive", b"\xfd7zXZ": "an xz archive", b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive", b"SQLite format 3": "a database", b"PAR1": "a Parquet file",
    b"\x7fELF": "a program", b"MZ\x90": "a program",
}  # fmt: skip
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile)
"""What unpacking raises."""
_OFFICE = (("xl/workbook.bin", "xlsb"), ("xl/vbaProject.bin", "xlsm"), ("xl/", "xlsx"), ("content.xml", "ods"))


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


def kind_of(path: Path) -> Kind:
    """What the file is; its extension is not asked."""
    with opened(path) as file:
        head = file.read(_HEAD)
    if not head:
        raise SourceError(f"{path.name} is empty: a list has a header and one row per pack.")
    if head.startswith(b"\x1f\x8b"):
        return Kind.GZIP
    if head.startswith(_OLE):
        return Kind.XLS
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path)
    for magic, what in _BINARIES.items():
        if head.startswith(magic):
            raise SourceError(f"{path.name} is {what}, not a list: export the list as .csv or .xlsx.")
    return _kind_of_text(head, path.name)


def kind_inside(path: Path, kind: Kind) -> Kind:
    """What a packed file holds, as far as it is text; of any other one, what it is."""
    if kind not in (Kind.GZIP, Kind.ZIP):
        return kind
    try:
        with unpacked(path, kind) as file:
            return _kind_of_text(file.read(_HEAD), path.name)
    except DAMAGED as error:
        raise damaged(path, error) from error


def _kind_of_text(head: bytes, name: str) -> Kind:
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    if start.startswith(b"<") and b"EPCIS" in start:
        return Kind.EPCIS_XML
    if start.startswith((b"{", b"[")) and b"epcis" in start.lower():
        return Kind.EPCIS_JSON
    if start[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise SourceError(f"{name} is HTML or XML, whatever its name says: open it and save it as .xlsx or .csv.")
    return Kind.TEXT


def damaged(path: Path, error: Exception) -> SourceError:
    """What one of `DAMAGED` means, for people."""
    if isinstance(error, OSError) and error.strerror:
        return SourceError(f"{path} can't be read: {error.strerror}.")
    return cut_off(path.name, error)


def cut_off(name: str, why: object) -> SourceError:
    """`why` is the library's word for it."""
    return SourceError(f"{name} is damaged or cut off ({why}): copy or export it again.")


def opened(path: Path) -> BinaryIO:
    """The file for reading, or a sentence that says why not."""
    try:
        if not path.is_file() and path.exists():
            what = "a directory" if path.is_dir() else "no regular file"
            raise SourceError(f"{path} is {what}: name one file that holds a list.")
        return path.open("rb")
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist: check the name and the directory.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path} can't be read: {reason}.") from error


def _kind_of_zip(path: Path) -> Kind:
    names = [info.filename for info in members(path)]
    for start, kind in _OFFICE:
        if any(n.startswith(start) for n in names):
            return Kind(kind)
    return Kind.ZIP


def members(path: Path) -> list[zipfile.ZipInfo]:
    """The directory of a .zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(
            f"{path.name} is damaged or cut off: it starts like a workbook or .zip and does not end like one. "
            f"Copy or export it again."
        ) from error


@contextmanager
def unpacked(path: Path, kind: Kind) -> Iterator[BinaryIO]:
    """The bytes of the list, as a stream: nothing is unpacked at once."""
    with opened(path) as file:
        if kind is Kind.GZIP:
            with gzip.GzipFile(fileobj=file) as stream:
                yield cast(BinaryIO, stream)
        elif kind is Kind.ZIP:
            with zipfile.ZipFile(file) as archive, _only_member(archive, path) as member:
                yield cast(BinaryIO, member)
        else:
            yield file


def _only_member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    files = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        names = ", ".join(f'"{m.filename[:60]}"' for m in files[:5]) or "nothing"
        raise SourceError(f"{path.name} holds {len(files)} files ({names}): pack one list, or unpack it first.")
    if files[0].flag_bits & 1:
        raise SourceError(f"{path.name} is protected by a password: unpack it and import the list itself.")
    try:
        return archive.open(files[0])
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        why = " ".join(str(error).split())[:100]  # it may quote all of a damaged header
        raise SourceError(f"{path.name} can't be unpacked ({why}): unpack it and import the list itself.") from error


# What a source file is, before it is read: its fingerprint, and whether it stays as it is.
_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class FileFacts:
    """`stamp` tells whether the file was touched: size and time of the last change."""

    sha256: str
    bytes: int
    stamp: tuple[int, int]


async def file_facts(path: Path) -> FileFacts:
    """Read the whole file once. Raises SourceError where it can't be read."""
    digest = hashlib.sha256()
    try:
        stamp = stamp_of(path)
        async with aiofiles.open(path, "rb") as file:
            while block := await file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: there is no such file: check the name") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path} is a directory: name a file in it, or use `importer watch`") from error
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}") from error
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
        raise SourceError(f"{path} was changed while it was read: wait until it is complete, then try again")
