"""Writes .xlsb, which LibreOffice and the libraries that are kept only read: one sheet, the records that it takes
([MS-XLSB] 2.3 and 2.4).
"""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shown import Shown

_BEGIN_BOOK, _END_BOOK, _BEGIN_SHEETS, _END_SHEETS, _SHEET, _CALC = 131, 132, 143, 144, 156, 157
_BEGIN_SHEET, _END_SHEET, _BEGIN_ROWS, _END_ROWS, _EXTENT = 129, 130, 145, 146, 148
_ROW, _ERROR, _BOOLEAN, _REAL, _TEXT, _FORMULA_ERROR = 0, 3, 4, 5, 6, 11
_BEGIN_STYLES, _END_STYLES, _BEGIN_FORMATS, _END_FORMATS, _FORMAT = 278, 279, 617, 618, 47
_BEGIN_OWN, _END_OWN, _OWN = 615, 616, 44
_FIRST_OWN = 164
_DATE = 14
_CODES = {"#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#N/A": 0x2A}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = {
    "/xl/workbook.bin": "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
    "/xl/worksheets/sheet1.bin": "application/vnd.ms-excel.worksheet",
    "/xl/styles.bin": "application/vnd.ms-excel.styles",
}


def write_xlsb(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Text that begins with =! is an error: #N/A one that was typed, any other one the value of a formula."""
    forms = list(dict.fromkeys(cell.form for row in rows for cell in row if isinstance(cell, Shown)))
    types = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in _TYPES.items())
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.bin")}),
        "xl/workbook.bin": _workbook("Sheet1"),
        "xl/_rels/workbook.bin.rels": _relations(
            {"rId1": ("worksheet", "worksheets/sheet1.bin"), "rId2": ("styles", "styles.bin")}
        ),
        "xl/styles.bin": _styles(forms),
        "xl/worksheets/sheet1.bin": _sheet(rows, forms),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _record(kind: int, body: bytes = b"") -> bytes:
    return _number(kind) + _number(len(body)) + body


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest ones first; the highest bit says that another byte follows."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _string(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")
    return struct.pack("<I", len(data) // 2) + data


def _workbook(name: str) -> bytes:
    sheet = struct.pack("<II", 0, 1) + _string("rId1") + _string(name)
    records = ((_BEGIN_SHEETS, b""), (_SHEET, sheet), (_END_SHEETS, b""), (_CALC, bytes(26)))
    return b"".join([_record(_BEGIN_BOOK), *(_record(*each) for each in records), _record(_END_BOOK)])


def _styles(forms: Sequence[str]) -> bytes:
    """The format of most cells, that of dates, and those that cells have for themselves."""
    own = [(_OWN, struct.pack("<H", number) + _string(form)) for number, form in enumerate(forms, _FIRST_OWN)]
    numbers = (0, _DATE, *range(_FIRST_OWN, _FIRST_OWN + len(forms)))
    formats = [struct.pack("<HHHHHHHH", 0, number, 0, 0, 0, 0, 0, 0) for number in numbers]
    records = [(_BEGIN_OWN, struct.pack("<I", len(own))), *own, (_END_OWN, b"")] if own else []
    records += [(_BEGIN_FORMATS, struct.pack("<I", len(formats))), *((_FORMAT, one) for one in formats)]
    body = b"".join(_record(*each) for each in records)
    return _record(_BEGIN_STYLES) + body + _record(_END_FORMATS) + _record(_END_STYLES)


def _sheet(rows: Sequence[Sequence[Any]], forms: Sequence[str]) -> bytes:
    extent = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    head = [_record(_BEGIN_SHEET), _record(_EXTENT, extent), _record(_BEGIN_ROWS)]
    return b"".join([*head, *_rows(rows, forms), _record(_END_ROWS), _record(_END_SHEET)])


def _rows(rows: Sequence[Sequence[Any]], forms: Sequence[str]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        yield _record(_ROW, struct.pack("<IIH3xI", number, 0, 300, 0))
        yield from (_cell(place, value, forms) for place, value in enumerate(row) if value is not None)


def _cell(place: int, value: Any, forms: Sequence[str]) -> bytes:
    style = 2 + forms.index(value.form) if isinstance(value, Shown) else int(isinstance(value, dt.date))
    at = struct.pack("<II", place, style)
    if isinstance(value, Shown):
        return _record(_REAL, at + struct.pack("<d", value.value))
    if isinstance(value, str) and value[:2] == "=!":
        code = bytes([_CODES[value[2:]]])
        return _record(_ERROR, at + code) if value == "=!#N/A" else _record(_FORMULA_ERROR, at + code + bytes(10))
    if isinstance(value, str):
        return _record(_TEXT, at + _string(value))
    if isinstance(value, bool):
        return _record(_BOOLEAN, at + bytes([value]))
    days = (value - dt.date(1899, 12, 30)).days if isinstance(value, dt.date) else value
    return _record(_REAL, at + struct.pack("<d", days))
