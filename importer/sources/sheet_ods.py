"""What the XML of an .ods workbook says that the spreadsheet reader keeps to itself: error cells, and how large a sheet
becomes when it is read, since cells that are written once may count a billion times.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ParserCreate

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from importer.errors import SourceError

_ERROR = b'calcext:value-type="error"'
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_VALUE_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_BLOCK = 1 << 18
_NAMESPACE = _TABLE[1:-1]
_CELLS = frozenset({f"{_NAMESPACE} table-cell", f"{_NAMESPACE} covered-table-cell"})
_ROW = f"{_NAMESPACE} table-row"
_COLUMNS_REPEATED = f"{_NAMESPACE} number-columns-repeated"
_ROWS_REPEATED = f"{_NAMESPACE} number-rows-repeated"
_OFFICE_VALUE_TYPE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 value-type"
_MOST_NESTED = 200
_MOST_BETWEEN = 4 << 20
"""Bytes without the begin or end of an element. The parser looks at a token again for each block that it grows by."""
_LONGEST_REPEAT = 9


@dataclass(slots=True)
class Extent:
    """What the sheets of a workbook hold together; a row counts up to its last cell with content."""

    cells: int = 0
    """Repeated ones counted as often as they are repeated."""
    repeated: int = 0
    """Those in rows that repeat the row before, content and all: no two packs are alike."""


def extent(path: Path) -> Extent:
    """Read the whole document once, strictly: the reader of workbooks reads one that is not closed for ever.

    Raises what `zipfile` does, ParseError where it is not well formed, SourceError where it is no sheet.
    """
    found = _Counting(path.name)
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.StartDoctypeDeclHandler = found.doctype
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        while block := stream.read(_BLOCK):
            parser.Parse(block, False)
            found.read(len(block))
        parser.Parse(b"", True)
    return found.extent


class _Counting:
    """Hears of the elements of one document."""

    def __init__(self, name: str) -> None:
        self.extent = Extent()
        self._name = name
        self._depth = 0
        self._silent = 0
        self._times = self._width = self._filled = 0
        self._in_cell = False

    def read(self, size: int) -> None:
        """So many bytes were parsed."""
        self._silent += size
        if self._silent > _MOST_BETWEEN:
            raise SourceError("cell_too_long", name=self._name, most=_MOST_BETWEEN)

    def doctype(self, *_: object) -> None:
        raise SourceError("document_type_declared", case="workbook", name=self._name)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._silent = 0
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise SourceError("elements_too_deep", name=self._name, most=_MOST_NESTED)
        if name in _CELLS:
            self._in_cell = True
            self._width += self._repeated(attributes.get(_COLUMNS_REPEATED))
            if _OFFICE_VALUE_TYPE in attributes:
                self._filled = self._width
        elif name == _ROW:
            self._width = self._filled = 0
            self._times = self._repeated(attributes.get(_ROWS_REPEATED))
        elif self._in_cell:
            self._filled = self._width

    def end(self, name: str) -> None:
        self._silent = 0
        self._depth -= 1
        if name in _CELLS:
            self._in_cell = False
        elif name == _ROW:
            self.extent.cells += self._filled * self._times
            self.extent.repeated += self._filled * (self._times - 1)

    def _repeated(self, said: str | None) -> int:
        if said is None:
            return 1
        if not (said.isascii() and said.isdigit() and len(said) <= _LONGEST_REPEAT):
            raise SourceError("cells_repeated", case="wrong", name=self._name, times=said[:20])
        return int(said)


def error_cells(path: Path, index: int) -> dict[tuple[int, int], str]:
    """What cells of a sheet show that hold an error, by row (from 1) and column (from 0). Cheap where none does."""
    with zipfile.ZipFile(path) as archive:
        with archive.open("content.xml") as stream:
            if not _holds(stream, _ERROR):
                return {}
        with archive.open("content.xml") as stream:
            try:
                return dict(_errors(stream, index))
            except (ParseError, DefusedXmlException):
                return {}


def _holds(stream: Any, wanted: bytes) -> bool:
    rest = b""
    while block := stream.read(_BLOCK):
        if wanted in rest + block:
            return True
        rest = block[-len(wanted) :]
    return False


def _errors(stream: Any, index: int) -> Iterator[tuple[tuple[int, int], str]]:
    sheet, row, column = -1, 1, 0
    for kind, element in iterparse(stream, ("start", "end"), forbid_dtd=True):
        if kind == "start":
            if element.tag == f"{_TABLE}table":
                sheet, row = sheet + 1, 1
            elif element.tag == f"{_TABLE}table-row":
                column = 0
        elif element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            if sheet == index and element.get(_VALUE_TYPE) == "error":
                yield (row, column), "".join(element.itertext()).strip() or "#ERROR"
            column += int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        elif element.tag == f"{_TABLE}table-row":
            row += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
            element.clear()
