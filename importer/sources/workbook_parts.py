r"""The parts of an .xlsx, .xlsm or .xlsb under the names by which readers know them.

Programs pack workbooks with Windows separators (`xl\workbook.xml`), other letters, or parts of other names, all of
which a spreadsheet finds by their relationships (ECMA-376 part 2, 9.3). Such a workbook is copied in memory under the
usual names; any other one is read where it is.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from importer.errors import SourceError

Book = Path | io.BytesIO
_MOST_COPIED = 256 << 20
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*["']([^"']*)["']""")
_USUAL = {"sharedStrings": "xl/sharedStrings", "styles": "xl/styles"}
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_HAS_DESCRIPTOR = 8


def usual_parts(path: Path) -> Book:
    """The workbook, or a copy of it with the usual names. Raises what `zipfile` does, and SourceError."""
    with zipfile.ZipFile(path) as archive:
        names = _usual_names(archive)
    if all(before == after for before, after in names.items()):
        return path
    if path.stat().st_size > _MOST_COPIED:
        raise SourceError("workbook_of_unusual_parts", name=path.name)
    return _copied(path, names)


def plain_name(name: str) -> str:
    """The name of a part without Windows separators and a leading slash."""
    return posixpath.normpath(name.replace("\\", "/").lstrip("/"))


def _usual_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Each name in the archive, and the one by which readers look for it."""
    by_plain = {plain_name(name).lower(): name for name in archive.namelist()}
    names = {name: plain_name(name) for name in archive.namelist()}
    book = _targets(archive, by_plain, "").get("officeDocument")
    if book is None:
        return names
    extension = posixpath.splitext(book)[1]
    parts = {"": book, **_targets(archive, by_plain, book)}
    parts = {kind: part for kind, part in parts.items() if kind in ("", *_USUAL)}
    for kind, part in parts.items():
        usual = (_USUAL[kind] if kind else "xl/workbook") + (posixpath.splitext(part)[1] or extension)
        _rename(names, by_plain, part, posixpath.join(posixpath.dirname(book), posixpath.basename(usual)))
    return names


def _rename(names: dict[str, str], by_plain: Mapping[str, str], part: str, usual: str) -> None:
    """Give a part its usual name, and so its relationships theirs."""
    for before, after in ((part, usual), (_relations_of(part), _relations_of(usual))):
        packed = by_plain.get(before.lower())
        if packed is not None and names[packed].lower() != after.lower():
            names[packed] = after


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _targets(archive: zipfile.ZipFile, by_plain: Mapping[str, str], part: str) -> dict[str, str]:
    """The part that is named for each kind of relationship; that of "" are the package's own."""
    relations = by_plain.get(_relations_of(part).lower())
    found: dict[str, str] = {}
    for tag in _RELATION.findall(archive.read(relations)) if relations else ():
        said = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in _ATTRIBUTE.findall(tag)}
        kind, target = said.get("Type", "").rsplit("/", 1)[-1], said.get("Target", "").replace("\\", "/")
        folder = "" if target.startswith("/") else posixpath.dirname(part)
        found.setdefault(kind, posixpath.normpath(posixpath.join(folder, target.lstrip("/"))))
    return found


def _copied(path: Path, names: Mapping[str, str]) -> io.BytesIO:
    """The same archive with other names; the packed bytes of each part stay as they are."""
    out = io.BytesIO()
    directory: list[bytes] = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for part in archive.infolist():
            file.seek(part.header_offset)
            header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            file.seek(header[9] + header[10], io.SEEK_CUR)
            data = file.read(part.compress_size)
            name = names[part.filename].encode()
            flags = (part.flag_bits & ~_HAS_DESCRIPTOR) | 0x800
            common = (20, flags, part.compress_type, 0, 0x21, part.CRC, part.compress_size, part.file_size, len(name))
            at = out.tell()
            out.write(_LOCAL_HEADER.pack(b"PK\3\4", *common, 0) + name + data)
            directory.append(_CENTRAL.pack(b"PK\1\2", 20, *common, 0, 0, 0, 0, 0, at) + name)
    start = out.tell()
    out.write(b"".join(directory))
    out.write(_END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), out.tell() - start, start, 0))
    out.seek(0)
    return out
