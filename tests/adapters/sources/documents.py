"""One list in each kind of document that holds one as text: EPCIS, tables of a page, records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from itertools import islice

_HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
_ROWS = 120
_STEP = "urn:epcglobal:cbv:bizstep:commissioning"
_EXPIRES = "2031-11-30"


def documents(text: str) -> Mapping[str, bytes]:
    """By name, made of the first rows of a CSV that has the vendor's own header."""
    rows = [
        [row[name] for name in _HEADER]
        for row in islice(csv.DictReader(io.StringIO(text), skipinitialspace=True), _ROWS)
    ]
    made = {
        "epcis.xml": _epcis_xml(rows),
        "epcis.json": _epcis_json(rows),
        "page.html": f"<html><body>{_html(rows)}</body></html>",
        "page.mht": f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<html>{_html(rows)}</html>",
        "spreadsheet.xml": _spreadsheet(rows),
        "records.xml": "<?xml version='1.0'?><list>" + "".join(map(_record, rows)) + "</list>",
        "records.json": json.dumps([dict(zip(_HEADER, row, strict=True)) for row in rows]),
        "lines.json": "\n".join(json.dumps(dict(zip(_HEADER, row, strict=True))) for row in rows),
        "list.slk": _sylk(rows),
    }
    return {name: document.encode() for name, document in made.items()}


def _epc(row: list[str]) -> str:
    return f"urn:epc:id:sgtin:{row[1][1:8]}.{row[1][0]}{row[1][8:13]}.{row[0]}"


def _epcis_xml(rows: list[list[str]]) -> str:
    epcs = "".join(f"<epc>{_epc(row)}</epc>" for row in rows)
    ilmd = f"<ilmd><lotNumber>{rows[0][2]}</lotNumber><itemExpirationDate>{_EXPIRES}</itemExpirationDate></ilmd>"
    event = f"<epcList>{epcs}</epcList><action>ADD</action><bizStep>{_STEP}</bizStep><extension>{ilmd}</extension>"
    body = f"<EPCISBody><EventList><ObjectEvent>{event}</ObjectEvent></EventList></EPCISBody>"
    return f'<?xml version="1.0"?><e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1">{body}</e:EPCISDocument>'


def _epcis_json(rows: list[list[str]]) -> str:
    event = {
        "type": "ObjectEvent",
        "action": "ADD",
        "bizStep": "commissioning",
        "epcList": [_epc(row) for row in rows],
        "ilmd": {"lotNumber": rows[0][2], "itemExpirationDate": _EXPIRES, "count": len(rows)},
    }
    return json.dumps({"@context": "epcis", "type": "EPCISDocument", "epcisBody": {"eventList": [event]}})


def _html(rows: list[list[str]]) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in [list(_HEADER), *rows])
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in cells) + "</table>"


def _spreadsheet(rows: list[list[str]]) -> str:
    urn = "urn:schemas-microsoft-com:office:spreadsheet"
    lines = (
        "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) for row in [list(_HEADER), *rows]
    )
    table = "".join(f"<Row>{line}</Row>" for line in lines)
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{urn}" xmlns:ss="{urn}"><Worksheet ss:Name="S"><Table>{table}'
        "</Table></Worksheet></Workbook>"
    )


def _record(row: list[str]) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in zip(_HEADER, row, strict=True))
    return f"<pack>{inside}</pack>"


def _sylk(rows: list[list[str]]) -> str:
    cells = (
        f'C;Y{y};X{x};K"{cell}"' for y, row in enumerate([list(_HEADER), *rows], 1) for x, cell in enumerate(row, 1)
    )
    return "ID;PWXL;N;E\r\n" + "\r\n".join(cells) + "\r\nE\r\n"
