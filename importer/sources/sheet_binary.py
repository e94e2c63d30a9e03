"""What the records of a binary workbook (.xls, .xlsb) say that the spreadsheet reader keeps to itself: error cells.

Looked through is what that reader has survived already (probe.py); a workbook that is put together in an unusual way
has fewer errors here, not wrong ones.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import olefile

from importer.sources.sheet_xlsx import related

Missing = dict[tuple[int, int], str]
"""What cells show that hold an error, by row (from 1) and column (from 0)."""

_TEXTS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
_XLS_FORMULA, _XLS_END, _XLS_SHEET, _XLS_VALUE, _XLS_BEGIN = 0x0006, 0x000A, 0x0085, 0x0205, 0x0809
_XLSB_ROW, _XLSB_VALUE, _XLSB_FORMULA, _XLSB_SHEET = 0, 3, 11, 156
_XLSB_LIKELY = re.compile(
    rb"(?:\x03\x09|\x0b[\x12-\xff][\x01-\x7f]?)..\x00\x00.{4}[\x00\x07\x0f\x17\x1d\x24\x2a\x2b]", re.DOTALL
)


def xls_errors(path: Path, index: int) -> Missing:
    """Of the sheet at that place in an .xls."""
    try:
        with olefile.OleFileIO(str(path)) as file:
            name = next(name for name in ("Workbook", "Book") if file.exists(name))
            data = file.openstream(name).read()
        sheets = (body for kind, body in xls_records(data, 0) if kind == _XLS_SHEET)
        start = int.from_bytes(next(islice(sheets, index, None))[:4], "little")
        return dict(_xls_cells(data, start))
    except (OSError, StopIteration, struct.error, IndexError, ValueError, MemoryError):
        return {}


def xls_records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of the part of a workbook that begins there, to its end; what is inserted in it included."""
    depth = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        depth += (kind == _XLS_BEGIN) - (kind == _XLS_END)
        if depth <= 0:
            return
        yield kind, data[at + 4 : at + 4 + size]
        at += 4 + size


def _xls_cells(data: bytes, start: int) -> Iterator[tuple[tuple[int, int], str]]:
    for kind, body in xls_records(data, start):
        if kind == _XLS_VALUE and body[7:8] == b"\x01":
            code = body[6]
        elif kind == _XLS_FORMULA and body[6:7] == b"\x02" and body[12:14] == b"\xff\xff":
            code = body[8]
        else:
            continue
        row, column = struct.unpack_from("<HH", body)
        yield (row + 1, column), _TEXTS.get(code, "#ERROR")


def xlsb_errors(path: Path, index: int) -> Missing:
    """Of the sheet at that place in an .xlsb."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = (body for kind, body in xlsb_records(archive.read("xl/workbook.bin")) if kind == _XLSB_SHEET)
            part = related(archive, "xl/_rels/workbook.bin.rels", relation_of(next(islice(sheets, index, None))))
            data = archive.read(part) if part else b""
        return dict(_xlsb_cells(data)) if _XLSB_LIKELY.search(data) else {}
    except (OSError, StopIteration, struct.error, IndexError, ValueError, KeyError, RuntimeError):
        return {}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return {}


def relation_of(sheet: bytes) -> str:
    """The name under which a sheet's part is known."""
    return sheet[12 : 12 + 2 * int.from_bytes(sheet[8:12], "little")].decode("utf-16-le")


def xlsb_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, at = _number(data, at, 2)
        size, at = _number(data, at, 4)
        yield kind, data[at : at + size]
        at += size


def _number(data: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of at most so many bytes, of which each but the last has its highest bit set; and what comes next."""
    number = 0
    for place in range(most):
        number |= (data[at + place] & 0x7F) << (7 * place)
        if data[at + place] < 0x80:  # noqa: PLR2004  the highest bit
            return number, at + place + 1
    return number, at + most


def _xlsb_cells(data: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    row = 0
    for kind, body in xlsb_records(data):
        if kind == _XLSB_ROW:
            row = int.from_bytes(body[:4], "little") + 1
        elif kind in (_XLSB_VALUE, _XLSB_FORMULA):
            yield (row, int.from_bytes(body[:4], "little")), _TEXTS.get(body[8], "#ERROR")
