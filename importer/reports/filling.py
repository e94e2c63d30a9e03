"""Copies a workbook and sets rows into its sheets, where XlsxWriter's frame left a mould for them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

from importer.reports.cells import Column, sheet_rows
from importer.reports.spool import Part

_ZIP32 = (1 << 31) - 1
"""A member that may pass this needs ZIP64, which not every spreadsheet likes: it is used where it must be."""

_COPY = 1 << 20
_MOULD = re.compile(rb"<row [^>]*>(?:<c [^>]*/>)+</row>(?=</sheetData>)")
_DIMENSION = re.compile(rb'(<dimension ref="A1:[A-Z]+)2"/>')
_STYLE = re.compile(rb'<c r="[A-Z]+[0-9]+" s="([0-9]+)"/>')


@dataclass(frozen=True, slots=True)
class Filling:
    """The rows of one sheet: the next `part.rows` of `batches` (`part.size` bounds their XML), as `show` shows them."""

    part: Part
    batches: Iterator[pa.RecordBatch]
    show: Callable[[pa.RecordBatch], Sequence[Column]]


def fill(source: zipfile.ZipFile, target: zipfile.ZipFile, fillings: Mapping[str, Filling]) -> None:
    """Copy all members of `source`, in its order; those that `fillings` names get their rows."""
    for member in source.infolist():
        content = source.read(member)
        filling = fillings.get(member.filename)
        if filling is None or not filling.part.rows:
            target.writestr(member.filename, content)
            continue
        head, styles, tail = _split(content, filling.part.rows)
        large = len(content) + filling.part.size > _ZIP32
        with target.open(member.filename, "w", force_zip64=large) as sheet:
            sheet.write(head)
            _write_rows(sheet, filling, styles)
            sheet.write(tail)


def _split(content: bytes, rows: int) -> tuple[bytes, list[str], bytes]:
    """What stands before the mould, with the size of the sheet put right, its cells' styles, and what stands behind."""
    mould = _MOULD.search(content)
    if mould is None:
        raise ValueError("the frame of the workbook has no mould for its rows")
    head = _DIMENSION.sub(rb'\g<1>%d"/>' % (rows + 1), content[: mould.start()])
    return head, [style.decode() for style in _STYLE.findall(mould[0])], content[mould.end() :]


def _write_rows(sheet: IO[bytes], filling: Filling, styles: Sequence[str]) -> None:
    row, end = 2, 2 + filling.part.rows
    while row < end:
        batch = next(filling.batches)
        for buffer in sheet_rows(filling.show(batch), row, styles):
            for start in range(0, buffer.size, _COPY):
                sheet.write(memoryview(buffer)[start : start + _COPY])
        row += len(batch)
