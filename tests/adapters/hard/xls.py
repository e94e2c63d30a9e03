"""Writes .xls, which no library that is kept writes: one sheet of texts and numbers ([MS-XLS] 2.4, [MS-CFB] 2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shown import Shown

_SECTOR = 512
_LEAST = 4096
"""Bytes of a stream that lies in whole sectors."""
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_BOF, _EOF, _SHEET, _EXTENT = 0x0809, 0x000A, 0x0085, 0x0200
_FORMAT, _STYLE, _LABEL, _REAL = 0x041E, 0x00E0, 0x0204, 0x0203
_FIRST_OWN = 164


def write_xls(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Write texts, numbers and `Shown` cells."""
    forms = list(dict.fromkeys(cell.form for row in rows for cell in row if isinstance(cell, Shown)))
    sheet = _sheet(rows, {form: style for style, form in enumerate(forms, 1)})
    head = [_begin(0x0005)]
    head += [_record(_FORMAT, struct.pack("<H", _FIRST_OWN + n) + _text(form)) for n, form in enumerate(forms)]
    numbers = (0, *(_FIRST_OWN + n for n in range(len(forms))))
    head += [_record(_STYLE, struct.pack("<HHH", 0, number, 0) + bytes(14)) for number in numbers]
    name = b"\x06\x00Sheet1"
    start = sum(map(len, head)) + len(_record(_SHEET, bytes(6) + name)) + len(_record(_EOF))
    head += [_record(_SHEET, struct.pack("<IH", start, 0) + name), _record(_EOF)]
    path.write_bytes(_compound(b"".join(head) + sheet))


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _begin(kind: int) -> bytes:
    return _record(_BOF, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def _text(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def _sheet(rows: Sequence[Sequence[Any]], styles: dict[str, int]) -> bytes:
    parts = [_begin(0x0010), _record(_EXTENT, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))]
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if isinstance(value, str):
                parts.append(_record(_LABEL, struct.pack("<HHH", number, place, 0) + _text(value)))
            elif value is not None:
                style = styles[value.form] if isinstance(value, Shown) else 0
                days = value.value if isinstance(value, Shown) else value
                parts.append(_record(_REAL, struct.pack("<HHHd", number, place, style, days)))
    return b"".join([*parts, _record(_EOF)])


def _compound(stream: bytes) -> bytes:
    """Put a stream named Workbook into a file of sectors: the table of sectors, the directory, the stream."""
    stream = stream.ljust(_LEAST, b"\0")
    count = -(-len(stream) // _SECTOR)
    tables = -(-(count + 2) // (_SECTOR // 4 - 1))
    first = tables + 1
    chain = [*([_FAT] * tables), _END, *range(first + 1, first + count), _END]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    head = struct.pack(
        "<8s16xHHHHH6xIII4xI", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, tables, _LEAST
    )
    head += struct.pack("<IIII", _END, 0, _END, 0) + struct.pack(f"<{tables}I", *range(tables))
    root = _entry("Root Entry", 5, child=1, start=_END, size=0)
    directory = root + _entry("Workbook", 2, child=_FREE, start=first, size=len(stream))
    body = table + directory.ljust(_SECTOR, b"\0") + stream.ljust(count * _SECTOR, b"\0")
    return head.ljust(_SECTOR, b"\xff") + body


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)
