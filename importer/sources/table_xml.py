"""The sheets of an XML Spreadsheet 2003, which many systems call .xls, and the records of other XML.

Records are elements that hold a serial: their attributes and children, and the attributes of what holds them.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

from importer.sources.headers import role_of
from importer.sources.table_book import Table
from importer.sources.xml_bounds import MOST_NESTED, WatchedXml, sound_xml

SPREADSHEET = b"urn:schemas-microsoft-com:office:spreadsheet"
_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_ROW, _MOST_COLUMN = 1 << 20, 1 << 14
_LONGEST_NUMBER = 9


def read_spreadsheet(data: bytes, name: str) -> list[Table]:
    """The worksheets. Raises SourceError where the file is damaged."""
    tables: list[Table] = []
    for kind, element in _elements(data, name):
        if kind == "start" and element.tag == f"{_SS}Worksheet":
            tables.append(Table(element.get(f"{_SS}Name", ""), []))
        elif kind == "end" and tables:
            if element.tag == f"{_SS}Row":
                _add_row(tables[-1], element)
                element.clear()
            elif element.tag.endswith("}Visible") and (element.text or "").startswith("SheetHidden"):
                tables[-1].hidden = True
    return tables


def _add_row(table: Table, element: Any) -> None:
    at = min(_number(element.get(f"{_SS}Index"), len(table.rows) + 1), _MOST_ROW)
    table.rows.extend([] for _ in range(at - 1 - len(table.rows)))
    cells: list[Any] = []
    for cell in element:
        if cell.tag != f"{_SS}Cell":
            continue
        column = min(_number(cell.get(f"{_SS}Index"), len(cells) + 1), _MOST_COLUMN)
        cells.extend([None] * (column - 1 - len(cells)))
        down, across = _number(cell.get(f"{_SS}MergeDown"), 0), _number(cell.get(f"{_SS}MergeAcross"), 0)
        if down or across:
            table.merged.append(((at - 1, column - 1), (at - 1 + down, column - 1 + across)))
        data = cell.find(f"{_SS}Data")
        value = None if data is None else _value("".join(data.itertext()), data.get(f"{_SS}Type", ""))
        if data is not None and data.get(f"{_SS}Type") == "Error":
            table.errors[at, column - 1] = str(value)
        cells.append(value)
        cells.extend([None] * min(across, _MOST_COLUMN))
    table.rows.append(cells)


def _value(text: str, kind: str) -> Any:
    try:
        if kind == "Number":
            return float(text)
        if kind == "DateTime":
            return dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return text.strip() == "1" if kind == "Boolean" else text or None


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else default


def read_records(data: bytes, name: str) -> list[Table]:
    """The records of any XML, below one row with their names; no table where no element holds a serial."""
    records = list(_records(data, name))
    names = list(dict.fromkeys(each for record in records for each in record))
    rows: list[list[Any]] = [[record.get(each) for each in names] for record in records]
    return [Table("XML", [list(names), *rows])] if records else []


def _records(data: bytes, name: str) -> Iterator[dict[str, str]]:
    """What an element says counts for all elements in it that come later."""
    around: list[dict[str, str]] = [{}]
    for kind, element in _elements(data, name):
        if kind == "start":
            around.append({**around[-1], **_attributes(element)})
            continue
        own = around.pop()
        text = (element.text or "").strip()
        if not len(element) and text:
            if role_of(_local(element.tag)) != "serial":
                around[-1][_local(element.tag)] = text
            continue
        serials = [(tag, e.text.strip()) for e in element if e.text and role_of(tag := _local(e.tag)) == "serial"]
        if serials:
            yield from ({**own, tag: serial} for tag, serial in serials)
        elif any(role_of(n) == "serial" for n in _attributes(element)):
            yield own
        if len(element):
            element.clear()


def _attributes(element: Any) -> dict[str, str]:
    return {_local(name): value.strip() for name, value in element.attrib.items()}


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _elements(data: bytes, name: str) -> Iterator[tuple[str, Any]]:
    watched = WatchedXml(io.BytesIO(data), name)
    depth = 0
    with sound_xml(name):
        for kind, element in watched.elements():
            if kind == "start":
                watched.silent = 0
                depth += 1
                if depth > MOST_NESTED:
                    raise watched.too_deep()
            else:
                depth -= 1
            yield kind, element
