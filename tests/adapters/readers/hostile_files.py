"""Files that mean harm, or are damaged in a way that does as much: each small, each made here, each with a name.

`FILES` are to be refused in one line; `ODD` may be read or refused. What unpacks to gigabytes is made of one packed
block, repeated, so that making it takes no time either.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

HEADER = b"SerialNumber,GTIN,Batch,ExpirationDate\n"
ROW = b"S1,09520001010019,B1,271130\n"
GTIN = "09520001010019"
_MB = 1 << 20
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)

Make = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Bomb:
    """Bytes that stand so many times in what they are packed into."""

    block: bytes
    times: int


Part = bytes | Bomb


def packed(parts: Sequence[Part]) -> tuple[bytes, int, int]:
    """Raw deflate of all parts, their CRC and their size; a bomb is packed once and its bytes repeated."""
    out, crc, size = [], 0, 0
    for part in parts:
        block, times = (part.block, part.times) if isinstance(part, Bomb) else (part, 1)
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        once = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
        out.append(once * times)
        size += len(block) * times
        for _ in range(times):
            crc = zlib.crc32(block, crc)
    out.append(zlib.compressobj(9, zlib.DEFLATED, -15).flush())
    return b"".join(out), crc, size


def gzipped(*parts: Part) -> bytes:
    data, crc, size = packed(parts)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + data + struct.pack("<II", crc, size & 0xFFFFFFFF)


def zipped(members: Mapping[str, Part | Sequence[Part]], flags: int = 0, lie: int | None = None) -> bytes:
    """An archive of these members; `lie` is what its directory says of every size."""
    out, directory = io.BytesIO(), b""
    for name, content in members.items():
        data, crc, size = packed([content] if isinstance(content, bytes | Bomb) else content)
        said = size if lie is None else lie
        raw = name.encode()
        facts = struct.pack("<HHHHHIIIHH", 20, flags, 8, 0, 33, crc, len(data), said, len(raw), 0)
        place = out.tell()
        out.write(b"PK\x03\x04" + facts + raw + data)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + facts + struct.pack("<HHHII", 0, 0, 0, 0, place) + raw
    place = out.tell()
    count = len(members)
    out.write(directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), place, 0))
    return out.getvalue()


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


_HEADS = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
_VALUES = ("S1", GTIN, "B1", "271130")


def sheet(*rows: str, begin: str = "", end: str = "</sheetData></worksheet>") -> bytes:
    """A sheet of a workbook: header, one row of a list, and these rows as they are."""
    first = "".join(cell(f"{letter}1", text) for letter, text in zip("ABCD", _HEADS, strict=True))
    second = "".join(cell(f"{letter}2", text) for letter, text in zip("ABCD", _VALUES, strict=True))
    body = f'<row r="1">{first}</row><row r="2">{second}</row>' + "".join(rows)
    return f'<?xml version="1.0"?>{begin}<worksheet {_MAIN}><sheetData>{body}{end}'.encode()


def xlsx(
    first: Part | Sequence[Part], sheets: int = 1, more: Mapping[str, Part | Sequence[Part]] | None = None, **how: int
) -> bytes:
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, sheets + 1))
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    strings = f'<Relationship Id="s" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    members: dict[str, Part | Sequence[Part]] = {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": (
            f'<Relationships xmlns="{_RELS}"><Relationship Id="w" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELS}">{related}{strings}</Relationships>'.encode(),
    }
    members |= {f"xl/worksheets/sheet{n}.xml": first for n in range(1, sheets + 1)}
    return zipped(members | dict(more or {}), **how)


def _ods_row(values: Sequence[str], attributes: str = "") -> str:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>' for v in values
    )
    return f"<table:table-row{attributes}>{cells}</table:table-row>"


def ods_text(*rows: str, end: str | None = None, begin: str = '<?xml version="1.0"?>') -> str:
    close = "</table:table></office:spreadsheet></office:body></office:document-content>" if end is None else end
    body = _ods_row(_HEADS) + _ods_row(_VALUES) + "".join(rows)
    head = f"{begin}<office:document-content {_ODS}><office:body><office:spreadsheet>"
    return f'{head}<table:table table:name="S">{body}{close}'


def ods(*rows: str, end: str | None = None, begin: str = '<?xml version="1.0"?>') -> bytes:
    return ods_of(ods_text(*rows, end=end, begin=begin).encode())


def ods_of(*content: Part) -> bytes:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped({"mimetype": kind.encode(), "content.xml": content, "META-INF/manifest.xml": manifest.encode()})


XML_HEAD = b'<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:x">'


def xml(inside: bytes = b"", declared: str = "UTF-8", before: str = "", event: bytes = b"") -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?>{before}<epcis:EPCISDocument xmlns:epcis="urn:x">'.encode()
    epc = b"<epc>urn:epc:id:sgtin:9520001.001001.S1</epc>"
    events = b"<ObjectEvent><epcList>" + epc + b"</epcList><action>ADD</action>" + event
    step = b"<bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep></ObjectEvent>"
    return head + inside + b"<EPCISBody><EventList>" + events + step + b"</EventList></EPCISBody></epcis:EPCISDocument>"


def json(inside: str = "", before: str = "", after: str = "") -> bytes:
    event = (
        '{"type":"ObjectEvent","action":"ADD","bizStep":"commissioning",'
        f'"epcList":["urn:epc:id:sgtin:9520001.001001.S1"]{inside}}}'
    )
    head = f'{{"@context":"epcis",{before}"type":"EPCISDocument","epcisBody":{{"eventList":[{event}]}}'
    return (head + after + "}").encode()


def spreadsheet(rows: str) -> bytes:
    """An XML Spreadsheet 2003."""
    urn = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{urn}" xmlns:ss="{urn}"><Worksheet ss:Name="S"><Table>{rows}'
        "</Table></Worksheet></Workbook>"
    ).encode()


_DIGITS = "9" * 100_000
_FAR = (
    '<row r="3"><c r="XFD1048576"><v>1</v></c></row>',
    "<row r='3'><c r='XFD1048576'><v>1</v></c></row>",
    '<row r="3"><c r="&#88;FD1048576"><v>1</v></c></row>',
    '<row r="3"><c s="0" r = "XFD1048576" ><v>1</v></c></row>',
    '<row r="3"><c\nr="XFD1048576"\n><v>1</v></c></row>',
    '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>',
    '<row r="3"><c r="XFD1048576"><f>1+1</f><v>2</v></c></row>',
    '<row r="3"><!-- <row r="3"> --><c r="XFD1048576"><v>1</v></c></row>',
    '<row r="3"><c r="A3" x=">"/><c r="XFD1048576"><v>1</v></c></row>',
    '<row r="3"><c r="XFD1048576" x="' + "y" * 40_000 + '"><v>1</v></c></row>',
)


def _entities(levels: int) -> str:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE d [<!ENTITY e0 "{"x" * 100}">{lines}]>'


def _garbage(head: bytes, size: int, seed: int) -> bytes:
    return head + random.Random(seed).randbytes(size)


def _ole(**fields: int) -> bytes:
    """A compound file whose header says what it is told to."""
    head = bytearray(512)
    head[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", head, 24, 0x3E, 3, 0xFFFE, fields.get("sector", 9), 6)
    struct.pack_into("<IIIII", head, 44, fields.get("fats", 1), fields.get("directory", 0), 0, 4096, 0)
    struct.pack_into("<II", head, 64, fields.get("difat", 0xFFFFFFFE), fields.get("difats", 0))
    struct.pack_into("<109I", head, 76, *([0] + [0xFFFFFFFF] * 108))
    return bytes(head) + bytes(4096)


def _xlsb(records: bytes) -> bytes:
    name = "S".encode("utf-16-le")
    entry = struct.pack("<III", 0, 1, 2) + "r1".encode("utf-16-le") + struct.pack("<I", 1) + name
    book = b"\x9c\x01" + bytes([len(entry)]) + entry
    related = f'<Relationships xmlns="{_RELS}"><Relationship Id="r1" Target="worksheets/sheet1.bin"/></Relationships>'
    return zipped(
        {
            "xl/workbook.bin": b"\x83\x01\x00" + b"\x8f\x01\x00" + book + b"\x90\x01\x00" + b"\x84\x01\x00",
            "xl/_rels/workbook.bin.rels": related.encode(),
            "xl/worksheets/sheet1.bin": records,
        }
    )


def _xlsb_far() -> bytes:
    extent = b"\x94\x01\x10" + struct.pack("<IIII", 0, 1_048_575, 0, 16_383)
    row = b"\x00\x19" + struct.pack("<I", 1_048_575) + bytes(21)
    value = b"\x05\x10" + struct.pack("<IId", 16_383, 0, 1.0)
    first = b"\x00\x19" + struct.pack("<I", 0) + bytes(21) + b"\x05\x10" + struct.pack("<IId", 0, 0, 1.0)
    return b"\x81\x01\x00" + extent + b"\x91\x01\x00" + first + row + value + b"\x92\x01\x00" + b"\x82\x01\x00"


SOUND: Mapping[str, Make] = {
    "list.csv": lambda: HEADER + ROW,
    "list.csv.gz": lambda: gzipped(HEADER, ROW),
    "list.zip": lambda: zipped({"list.csv": HEADER + ROW}),
    "list.xml": xml,
    "list.json": json,
    "list.xlsx": lambda: xlsx(sheet()),
    "list.ods": ods,
}
"""What the others are made of: sound lists of one row."""

FILES: Mapping[str, Make] = {
    # Text, packed and not.
    "line breaks.csv.gz": lambda: gzipped(HEADER, ROW, Bomb(b"\n" * 16 * _MB, 64)),
    "line breaks of one column.csv.gz": lambda: gzipped(b"SerialNumber\n", Bomb(b"\n" * 16 * _MB, 64)),
    "commas only.csv.gz": lambda: gzipped(HEADER, Bomb(b",,,\n" * 4 * _MB, 64)),
    "line breaks first.csv.gz": lambda: gzipped(Bomb(b"\r\n" * 8 * _MB, 64), HEADER, ROW),
    "a line of a gigabyte.csv.gz": lambda: gzipped(HEADER, ROW, Bomb(b"A" * 16 * _MB, 64)),
    "a field of a gigabyte.csv.gz": lambda: gzipped(HEADER, b'"', Bomb(b"A\n" * 8 * _MB, 64)),
    "zeros.csv.gz": lambda: gzipped(HEADER, ROW, Bomb(bytes(16 * _MB), 64)),
    "short rows.csv.gz": lambda: gzipped(HEADER, Bomb(b"a\n" * 8 * _MB, 16)),
    "a million columns.csv": lambda: b",".join([b"x"] * 1_000_000) + b"\n",
    "cut off.csv.gz": lambda: gzip.compress(HEADER + ROW * 9)[:-12],
    "wrong sum.csv.gz": lambda: gzipped(HEADER, ROW)[:-8] + bytes(8),
    "noise.csv.gz": lambda: _garbage(b"\x1f\x8b\x08\0\0\0\0\0\0\x03", 5000, 1),
    "cut off.zip": lambda: zipped({"list.csv": HEADER + ROW})[:-30],
    "a directory that lies.zip": lambda: zipped({"list.csv": [HEADER, Bomb(b"\n" * 16 * _MB, 64)]}, lie=10),
    "encrypted.zip": lambda: zipped({"list.csv": HEADER + ROW}, flags=1),
    "two lists.zip": lambda: zipped({"../../a.csv": HEADER + ROW, "/etc/b\n.csv": HEADER + ROW}),
    "a hundred thousand members.zip": lambda: zipped({f"{n}.csv": b"" for n in range(65_000)}),
    "no members.zip": lambda: zipped({}),
    "unknown packing.zip": lambda: zipped({"list.csv": HEADER}).replace(b"\x08\0\0\0\x21", b"\x63\0\0\0\x21"),
    # EPCIS in XML.
    **{
        f"encoding {name}.xml": (lambda name=name: xml(declared=name))  # type: ignore[misc]
        for name in ("rot13", "hex", "base64", "utf-7", "undefined", "idna", "punycode", "no-such", "x" * 9000)
    },
    "attribute of 40 MB.xml": lambda: xml(b'<a b="' + b"x" * 40 * _MB + b'"/>'),
    "attribute of a gigabyte.xml.gz": lambda: gzipped(XML_HEAD, b'<a b="', Bomb(b"x" * 16 * _MB, 64)),
    "comment of a gigabyte.xml.gz": lambda: gzipped(XML_HEAD, b"<!--", Bomb(b"x" * 16 * _MB, 64)),
    "text of a gigabyte.xml.gz": lambda: gzipped(XML_HEAD, b"<a>", Bomb(b"x" * 16 * _MB, 64)),
    "elements of a gigabyte.xml.gz": lambda: gzipped(XML_HEAD, b"<b>", Bomb(b"<a/>" * 4 * _MB, 64)),
    "name of 10 MB.xml": lambda: xml(b"<" + b"x" * 10 * _MB + b"/>"),
    "a million attributes.xml": lambda: xml(b"<a " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>"),
    "nested.xml": lambda: xml(b"<a>" * 1_000_000 + b"</a>" * 1_000_000),
    "nested in an event.xml": lambda: xml(event=b"<a>" * 100_000 + b"</a>" * 100_000),
    "never closed.xml": lambda: xml(b"<a>" * 1_000_000),
    "entities.xml": lambda: xml(b"&e9;", before=_entities(10)),
    "a file as entity.xml": lambda: xml(b"&x;", before='<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "parameter entities.xml": lambda: xml(before='<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]>'),
    # EPCIS in JSON.
    "nested before.json": lambda: json(before='"a":' + "[" * 100_000 + "]" * 100_000 + ","),
    "nested in an event.json": lambda: json(',"ilmd":' + '{"a":' * 20_000 + "1" + "}" * 20_000),
    "nested after.json": lambda: json(after=',"a":' + "[" * 100_000),
    "nested and never closed.json": lambda: b'{"epcis":' + b"[" * 5_000_000,
    "digits.json": lambda: json(f',"ilmd":{{"lot":{_DIGITS}}}'),
    "4,301 digits.json": lambda: json(f',"ilmd":{{"lot":{"1" * 4301}}}'),
    "digits below zero.json": lambda: json(f',"a":-{_DIGITS}'),
    "digits before.json": lambda: json(before=f'"a":{_DIGITS},'),
    "digits in a list.json": lambda: json(f',"a":[[1,{_DIGITS}]]'),
    "cut off.json": lambda: json()[:-20],
    "a text of a gigabyte.json.gz": lambda: gzipped(b'{"epcis":"', Bomb(b"x" * 16 * _MB, 64)),
    "empty lists of a gigabyte.json.gz": lambda: gzipped(b'{"epcis":[0', Bomb(b",[]" * 4 * _MB, 64)),
    # Workbooks.
    **{f"far cell {n}.xlsx": (lambda row=row: xlsx(sheet(row))) for n, row in enumerate(_FAR)},  # type: ignore[misc]
    "far row without numbers.xlsx": lambda: xlsx(
        sheet('<row r="1048576"><c><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>')
    ),
    "far cell in UTF-16.xlsx": lambda: xlsx(sheet(_FAR[0]).decode().encode("utf-16")),
    "far cell in a namespace.xlsx": lambda: xlsx(
        sheet(_FAR[0])
        .replace(b"<", b"<x:")
        .replace(b"<x:/", b"</x:")
        .replace(b"<x:?", b"<?")
        .replace(b"xmlns=", b"xmlns:x=")
    ),
    "far cell on sheet 2.xlsx": lambda: xlsx(sheet(), 2, {"xl/worksheets/sheet2.xml": sheet(_FAR[0])}),
    "far cell.xlsb": lambda: _xlsb(_xlsb_far()),
    "never closed.xlsx": lambda: xlsx(sheet(end="")),
    "20,000 sheets.xlsx": lambda: xlsx(sheet(), 20_000),
    "shared strings of a gigabyte.xlsx": lambda: xlsx(
        sheet('<row r="3"><c r="A3" t="s"><v>0</v></c></row>'),
        more={
            "xl/sharedStrings.xml": [
                f"<sst {_MAIN}><si><t>".encode(), Bomb(b"x" * 16 * _MB, 63), b"</t></si></sst>",
            ]
        },
    ),
    "many shared strings.xlsx": lambda: xlsx(
        sheet(),
        more={"xl/sharedStrings.xml": [f"<sst {_MAIN}>".encode(), Bomb(b"<si><t>x</t></si>" * 500_000, 99), b"</sst>"]},
    ),
    "a directory that lies.xlsx": lambda: xlsx(
        sheet(), more={"xl/sharedStrings.xml": [f"<sst {_MAIN}><si><t>".encode(), Bomb(b"x" * 16 * _MB, 100)]}, lie=100
    ),
    "a cell of a gigabyte.xlsx": lambda: xlsx(
        [sheet(end='<row r="3"><c r="A3" t="inlineStr"><is><t>'), Bomb(b"x" * 16 * _MB, 60), b"</t></is></c></row>"]
    ),
    "attribute of a gigabyte.xlsx": lambda: xlsx(
        [sheet(end='<row r="3"><c r="A3" x="'), Bomb(b"x" * 16 * _MB, 60), b'"/></row></sheetData></worksheet>']
    ),
    "three gigabytes.xlsx": lambda: xlsx([sheet(end=""), Bomb(b" " * 16 * _MB, 200)]),
    "encrypted.xlsx": lambda: xlsx(sheet(), flags=1),
    "noise.xlsx": lambda: _garbage(b"PK\x03\x04", 5000, 2),
    "noise inside.xlsx": lambda: xlsx(_garbage(b"", 5000, 3)),
    "empty parts.xlsx": lambda: xlsx(b"", more={"xl/workbook.xml": b""}),
    "noise.xlsb": lambda: _xlsb(_garbage(b"", 5000, 4)),
    "endless record.xlsb": lambda: _xlsb(b"\x81\x01\x00\x91\x01\xff\xff\xff\x7f" + bytes(100)),
    "noise.xls": lambda: _garbage(bytes.fromhex("d0cf11e0a1b11ae1"), 5000, 5),
    "nothing.xls": lambda: bytes.fromhex("d0cf11e0a1b11ae1"),
    "sectors in a circle.xls": _ole,
    "many sectors.xls": lambda: _ole(fats=0x7FFFFFFF),
    "sectors of 2 GB.xls": lambda: _ole(sector=31),
    "far directory.xls": lambda: _ole(directory=0xFFFFFFF0),
    "table in a circle.xls": lambda: _ole(difat=0, difats=0x7FFFFFFF),
    # Texts that hold tables.
    "nested.html": lambda: b"<table><tr><td>" + b"<table><tr><td>" * 300_000,
    "spans.html": lambda: b"<table><tr><td rowspan=1000000000 colspan=1000000000>SerialNumber</td></tr></table>",
    "attribute.html": lambda: b'<table x="' + b"y" * 30 * _MB,
    "encoding of records.xml": lambda: b'<?xml version="1.0" encoding="rot13"?><a/>',
    "nested records.xml": lambda: b"<a>" * 300_000,
    "attribute of records.xml": lambda: b'<a b="' + b"x" * 40 * _MB + b'"/>',
    "entities of records.xml": lambda: b'<?xml version="1.0"?>' + _entities(10).encode() + b"<a>&e9;</a>",
    "records of a gigabyte.xml.gz": lambda: gzipped(b"<a>", Bomb(b"<b/>" * 4 * _MB, 64)),
    "far row.xml": lambda: spreadsheet(
        '<Row ss:Index="1000000000"><Cell ss:Index="999999999"><Data/></Cell></Row>' * 99
    ),
    "nested lists.json": lambda: b"[" * 300_000,
    "digits of a record.json": lambda: b'[{"SerialNumber":' + _DIGITS.encode() + b"}]",
    "far cell.slk": lambda: b"ID;PX\r\nC;Y1;X1;K1\r\nC;Y1000000000;X1000000000;K1\r\nE\r\n",
    "digits of a place.slk": f"ID;PX\r\nC;Y{_DIGITS};X1;K1\r\nE\r\n".encode,
    # ODS.
    "unclosed table.ods": lambda: ods(end=""),
    "unclosed row.ods": lambda: ods("<table:table-row><table:table-cell><text:p>x", end=""),
    "unclosed cell.ods": lambda: ods("<table:table-row><table:table-cell>", end=""),
    "unclosed in the middle.ods": lambda: ods(end="</office:spreadsheet></office:body></office:document-content>"),
    "unclosed comment.ods": lambda: ods("<!-- ", end=""),
    "cut off in a tag.ods": lambda: ods("<table:table-row", end=""),
    "unclosed and another encoding.ods": lambda: ods(end="", begin='<?xml version="1.0" encoding="rot13"?>'),
    "wrong names.ods": lambda: ods(end="</a></b></c></d>"),
    "rows repeated.ods": lambda: ods(_ods_row(_VALUES, ' table:number-rows-repeated="1000000"')),
    "rows repeated in quotes.ods": lambda: ods(_ods_row(_VALUES, " table:number-rows-repeated='1000000'")),
    "rows repeated by entity.ods": lambda: ods(_ods_row(_VALUES, ' table:number-rows-repeated="&#49;000000"')),
    "a thousand times a thousand.ods": lambda: ods(_ods_row(_VALUES, ' table:number-rows-repeated="1000"') * 1000),
    "columns repeated.ods": lambda: ods(
        '<table:table-row><table:table-cell table:number-columns-repeated="1000000000"><text:p>x</text:p>'
        "</table:table-cell></table:table-row>"
    ),
    "columns and rows repeated.ods": lambda: ods(
        '<table:table-row table:number-rows-repeated="100000"><table:table-cell office:value-type="string" '
        'table:number-columns-repeated="10000"><text:p>x</text:p></table:table-cell></table:table-row>'
    ),
    "another prefix.ods": lambda: ods_of(
        ods_text(_ods_row(_VALUES, ' table:number-rows-repeated="1000000"')).replace("table:", "t:").encode()
    ),
    "digits of a repeat.ods": lambda: ods(_ods_row(_VALUES, f' table:number-rows-repeated="{_DIGITS}"')),
    "less than no rows.ods": lambda: ods(_ods_row(_VALUES, ' table:number-rows-repeated="-5"')),
    "nested.ods": lambda: ods("<table:table-row>" * 100_000),
    "a text of a gigabyte.ods": lambda: ods_of(
        ods_text("<table:table-row><table:table-cell><text:p>", end="").encode(), Bomb(b"x" * 16 * _MB, 60)
    ),
    "entities.ods": lambda: ods("&e9;", begin='<?xml version="1.0"?>' + _entities(10)),
    "noise.ods": lambda: ods_of(_garbage(b"<?xml", 5000, 6)),
}  # fmt: skip

ODD: Mapping[str, Make] = {
    "encoding cp65001.xml": lambda: xml(declared="cp65001"),
    "digits.csv": lambda: HEADER + ROW + f"{_DIGITS},{_DIGITS},{_DIGITS},{_DIGITS}\n".encode(),
    "digits and a point.csv": lambda: HEADER + ROW + f"S2,{_DIGITS}.0,1e{_DIGITS},{_DIGITS}E9\n".encode(),
    "path names.zip": lambda: zipped({"../../../tmp/list.csv": HEADER + ROW}),
    "digits.xlsx": lambda: xlsx(
        sheet(f'<row r="3"><c r="A3"><v>{_DIGITS}</v></c><c r="D3"><v>1e{_DIGITS}</v></c></row>')
    ),
    "digits of a place.xlsx": lambda: xlsx(sheet(f'<row r="{_DIGITS}"><c r="A{_DIGITS}"><v>1</v></c></row>')),
    "digits of a string.xlsx": lambda: xlsx(sheet(f'<row r="3"><c r="A3" t="s"><v>{_DIGITS}</v></c></row>')),
    "letters of a place.xlsx": lambda: xlsx(sheet(f'<row r="3"><c r="{"Z" * 100_000}3"><v>1</v></c></row>')),
    "digits.xml": lambda: xml(event=f"<ilmd><lotNumber>{_DIGITS}</lotNumber></ilmd>".encode()),
    "digits of an exponent.json": lambda: json(f',"a":1e{_DIGITS}'),
    "huge exponent.json": lambda: json(',"ilmd":{"lot":1e999999999}'),
    "digits behind a point.json": lambda: json(f',"a":0.{_DIGITS}'),
    "digits in a text.json": lambda: json(f',"a":"{_DIGITS}"'),
    "half a character.json": lambda: json(',"ilmd":{"lot":"\\ud800"}'),
    "digits.ods": lambda: ods(
        f'<table:table-row><table:table-cell office:value-type="float" office:value="{_DIGITS}"/></table:table-row>'
    ),
    "digits of columns.ods": lambda: ods(
        '<table:table-row><table:table-cell '
        f'table:number-columns-repeated="{_DIGITS}"/></table:table-row>'
    ),
    "a million merged cells.xlsx": lambda: xlsx(
        sheet(end="</sheetData><mergeCells>" + '<mergeCell ref="A1:A1048576"/>' * 100_000 + "</mergeCells></worksheet>")
    ),
    "far merged cell.xlsx": lambda: xlsx(
        sheet(end='</sheetData><mergeCells><mergeCell ref="A1:XFD99999999"/></mergeCells></worksheet>')
    ),
    "count of shared strings.xlsx": lambda: xlsx(
        sheet(),
        more={"xl/sharedStrings.xml": f'<sst {_MAIN} count="4294967295" uniqueCount="4294967295"></sst>'.encode()},
    ),
    "dimension.xlsx": lambda: xlsx(sheet().replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')),
    "entities.xlsx": lambda: xlsx(sheet(begin=_entities(10))),
    "nested.xlsx": lambda: xlsx(sheet("<row>" * 1_000_000)),
    "twice the same member.zip": lambda: _twice(),  # noqa: PLW0108  it stands below
}  # fmt: skip


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", HEADER + ROW)
        archive.writestr("b.csv", HEADER + ROW)
    return out.getvalue().replace(b"b.csv", b"a.csv")
