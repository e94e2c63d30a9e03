"""Files of every hand: tables that systems export under a workbook's name, workbooks packed in unusual ways, and what
is no list at all, called by its name.
"""

# ruff: noqa: E501  a case is a line

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from exports import page, write_html, write_mhtml, write_sylk, write_xml
from hard_rows import GTIN
from outcomes import staged
from saying import refused

from importer.errors import SourceError

HEAD = ["SerialNumber", "GTIN", "Batch", "ExpirationDate"]
ROWS = [HEAD, ["A1", GTIN, "B1", "281130"], ["0012", GTIN, "B1", "2028-11-30"]]
SS = "urn:schemas-microsoft-com:office:spreadsheet"


def made(path: Path, write: Callable[[Path, Any], None]) -> bytes:
    write(path, ROWS)
    return path.read_bytes()


def sheet(*rows: str, more: str = "") -> str:
    return (
        f'<?xml version="1.0"?><ss:Workbook xmlns:ss="{SS}"><ss:Worksheet ss:Name="L"><ss:Table>{"".join(rows)}'
        f"</ss:Table></ss:Worksheet>{more}</ss:Workbook>"
    )


def row(*cells: tuple[str, object], **attributes: object) -> str:
    inner = "".join(f'<ss:Cell><ss:Data ss:Type="{kind}">{value}</ss:Data></ss:Cell>' for kind, value in cells)
    more = "".join(f' ss:{name}="{value}"' for name, value in attributes.items())
    return f"<ss:Row{more}>{inner}</ss:Row>"


NAMES = row(*(("String", name) for name in HEAD))
PACKS = [dict(zip(("serialNumber", "gtin", "batch", "expiry"), cells, strict=True)) for cells in ROWS[1:]]
HTML = page(ROWS)


@pytest.mark.parametrize("write", [write_html, write_mhtml, write_xml, write_sylk])
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_under_a_workbooks_name_is_read(tmp_path: Path, write: Any, packed: bool) -> None:
    content = made(tmp_path / "list.xls", write)
    (tmp_path / "list.xls").write_bytes(gzip.compress(content) if packed else content)
    result = staged(tmp_path / "list.xls")
    assert (result.serials(), result.codes()) == (["A1", "0012"], {})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HTML.encode("utf-16"), id="html_in_utf_16"),
        pytest.param(HTML.replace("utf-8", "windows-1252").replace("Export", "Größe").encode("cp1252"), id="html_cp1252"),
        pytest.param(HTML[HTML.index("<table") :], id="html_without_head"),
        pytest.param(f"<div>\r\n\t{HTML[HTML.index('<table') :]}</div>", id="html_in_a_division"),
        pytest.param(HTML.replace("</td>", "").replace("</tr>", "").replace("</table></html>", ""), id="html_without_ends"),
        pytest.param(f"<!-- made by X -->{HTML}", id="html_behind_a_remark"),
        pytest.param(f'<?xml version="1.0"?>{HTML}', id="xhtml"),
        pytest.param(HTML.replace("<table>", "<table><tr><td>menu<table>") + "</td></tr></table>", id="html_in_a_table"),
        pytest.param(HTML.upper().replace("UTF-8", "utf-8").replace("SERIALNUMBER", "SerialNumber"), id="html_in_capitals"),
        pytest.param(json.dumps(PACKS), id="json_list"),
        pytest.param(json.dumps(PACKS).encode("utf-16"), id="json_in_utf_16"),
        pytest.param("\ufeff" + json.dumps({"data": {"items": PACKS}, "count": 2}), id="json_with_an_envelope"),
        pytest.param("\n".join(map(json.dumps, PACKS)), id="json_lines"),
        pytest.param(json.dumps(ROWS), id="json_of_lists"),
        pytest.param(
            json.dumps({"product_code": GTIN, "batch": "B1", "expiry_date": "281130", "serials": ["A1", "0012"]}),
            id="json_of_serials",
        ),
        pytest.param(
            json.dumps({"orders": [{"gtin": GTIN, "lots": [{"lot": "B1", "exp": "281130",
                        "packs": [{"sn": "A1", "tags": ["x"]}, {"sn": "0012"}]}]}]}),
            id="json_in_levels",
        ),
        pytest.param(
            "<list>" + "".join(
                f"<pack><serial>{s}</serial><gtin>{GTIN}</gtin><batch>B1</batch><expiry>281130</expiry></pack>"
                for s in ("A1", "0012")
            ) + "</list>",
            id="xml_of_elements",
        ),
        pytest.param(
            f'<l:list xmlns:l="u"><l:batch gtin="{GTIN}" lot="B1" exp="281130"><l:pack serial="A1"/><l:pack serial="0012"/>'
            "</l:batch></l:list>",
            id="xml_of_attributes",
        ),
        pytest.param(
            f"<order><gtin>{GTIN}</gtin><batch>B1</batch><expiry>281130</expiry><serials><serial>A1</serial>"
            "<serial>0012</serial></serials></order>",
            id="xml_of_serials",
        ),
        pytest.param(
            sheet(NAMES, row(*zip(("String",) * 4, ROWS[1], strict=True)),
                  row(("String", "0012"), ("Number", int(GTIN)), ("String", "B1"), ("DateTime", "2028-11-30T00:00:00.000"),
                      Index=7)),
            id="xml_spreadsheet_with_numbers_and_dates",
        ),
        pytest.param(
            "ID;PWXL;N;E\r\nP;PGeneral\r\nP;Pdd.mm.yyyy\r\n" + "".join(
                f'C;Y1;X{x};K"{n}"\r\n' for x, n in enumerate(HEAD, 1)
            ) + f'C;Y2;X1;K"A1"\r\nC;X2;K{int(GTIN)}\r\nC;X3;K"B1"\r\nF;P1;FG0G;X4\r\nC;K47087\r\n'
            f'C;Y3;X1;K"0012"\r\nC;X2;K"{GTIN}"\r\nC;X3;K"B1"\r\nC;X4;K281130\r\nE\r\n',
            id="sylk_with_numbers_and_dates",
        ),
    ],
)  # fmt: skip
def test_a_table_of_any_make_is_read(tmp_path: Path, content: str | bytes) -> None:
    (tmp_path / "list").write_bytes(content.encode() if isinstance(content, str) else content)
    result = staged(tmp_path / "list")
    assert (sorted(result.serials()), result.codes()) == (["0012", "A1"], {})
    assert [(b.gtin, b.batch, b.expiry) for b in result.batches] == [(GTIN, "B1", "281130")]


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        pytest.param(json.dumps([{**PACKS[0], "serialNumber": 12}]), {2: "serial_numeric_cell"}, id="json_number"),
        pytest.param(json.dumps([PACKS[0], {"gtin": GTIN}]), {3: "batch_missing"}, id="json_without_a_serial"),
        pytest.param(
            sheet(NAMES, row(("Number", 12), ("String", GTIN), ("String", "B1"), ("String", "281130"))),
            {2: "serial_numeric_cell"}, id="xml_number",
        ),
        pytest.param(
            sheet(NAMES, row(("Error", "#N/A"), ("String", GTIN), ("String", "B1"), ("String", "281130"))),
            {2: "error_cell"}, id="xml_error",
        ),
        pytest.param(
            f"<table x:str><tr><td>Serial<td>GTIN<td>Batch<td>Expiry<tr><td x:num>12<td>{GTIN}<td>B1<td>281130</table>",
            {2: "serial_numeric_cell"}, id="html_number_of_excel",
        ),
        pytest.param(
            f"<table><tr><td>Serial<td>GTIN<td>Batch<td>Expiry<tr><td>A<td>{GTIN}<td rowspan=2>B1<td>281130"
            f"<tr><td>B<td>{GTIN}<td>281130</table>",
            {3: "merged_cell"}, id="html_cell_over_two_rows",
        ),
    ],
)  # fmt: skip
def test_a_damaged_cell_of_such_a_table_is_a_fault_of_its_row(
    tmp_path: Path, content: str, codes: dict[int, str]
) -> None:
    (tmp_path / "list").write_text(content, "utf-8")
    assert staged(tmp_path / "list").codes() == codes


def book() -> dict[str, bytes]:
    """The parts of a workbook with this list."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as workbook:
        page = workbook.add_worksheet("Serials")
        for number, cells in enumerate(ROWS):
            page.write_row(number, 0, cells)
    with zipfile.ZipFile(made) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, rename: Callable[[str], str], renamed: tuple[str, str] = ("", "")) -> Path:
    """The workbook with other names of its parts; relationships and types follow `renamed`."""
    before, after = (name.encode() for name in renamed)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in book().items():
            info = zipfile.ZipInfo(rename(name))
            info.filename = rename(name)  # the constructor puts slashes in
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content.replace(before, after) if before else content)
    return path


@pytest.mark.parametrize(
    ("rename", "renamed"),
    [
        pytest.param(lambda n: n.replace("/", "\\"), ("", ""), id="backslashes"),
        pytest.param(lambda n: "/" + n, ("", ""), id="leading_slashes"),
        pytest.param(str.lower, ("", ""), id="small_letters"),
        pytest.param(lambda n: n.replace("sharedStrings", "texts"), ("sharedStrings.xml", "texts.xml"), id="strings"),
        pytest.param(lambda n: n.replace("workbook.xml", "book.xml"), ("workbook.xml", "book.xml"), id="workbook"),
        pytest.param(lambda n: n.replace("sheet1.xml", "a.xml"), ("sheet1.xml", "a.xml"), id="sheet"),
        pytest.param(lambda n: n.replace("xl/", ""), ("xl/", ""), id="all_in_the_root"),
        pytest.param(lambda n: n.replace("xl/", "excel/"), ("xl/", "excel/"), id="another_folder"),
    ],
)
def test_a_workbook_packed_in_an_unusual_way_is_read(
    tmp_path: Path, rename: Callable[[str], str], renamed: tuple[str, str]
) -> None:
    result = staged(packed(tmp_path / "list.xlsx", rename, renamed))
    assert (result.serials(), result.codes()) == (["A1", "0012"], {})


def zipped(*names: str, **contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, contents.get(name.replace("[", "").replace("]", "").partition(".")[0], b"x"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.numbers", zipped("Index/Document.iwa", "Index/Tables/DataList.iwa"), "an Apple Numbers document"),
        ("list", zipped("Index/CalculationEngine.iwa"), "an Apple Numbers document"),
        ("list.pages", zipped("Index/Document.iwa"), "Pages or Keynote"),
        ("list.docx", zipped("[Content_Types].xml", "word/document.xml", Content_Types=b"wordprocessingml"), "a Word document"),
        ("list.pptx", zipped("[Content_Types].xml", Content_Types=b"presentationml"), "PowerPoint"),
        ("list.odt", zipped("mimetype", "content.xml", mimetype=b"application/vnd.oasis.opendocument.text"), "OpenDocument"),
        ("list.rtf", b"{\\rtf1\\ansi SerialNumber}", "RTF document"),
        ("list.pdf", b"%PDF-1.7", "a PDF"),
        ("list.csv", b"\xef\xbb\xbf%PDF-1.7", "a PDF"),
        ("list.eml", b"Received: from x\r\nSubject: serials\r\n\r\nsee the attachment", "an e-mail"),
        ("list.url", b"[InternetShortcut]\r\nURL=https://x", "a shortcut"),
        ("list.gsheet", b'{"url": "https://docs.google.com/open?id=1", "doc_id": "1"}', "a link to a Google document"),
        ("list.dif", b"TABLE\r\n0,1\r\n", "a DIF file"),
        ("list.mdb", b"\0\1\0\0Standard Jet DB\0", "an Access database"),
        ("~$list.xlsx", b"\x06Planner" + b" " * 150, r"Import list\.xlsx itself"),
        (".~lock.list.ods#", b",planner,pc,20.11.2026 08:00,file:///;", r"Import list\.ods itself"),
        ("list.xls", b"<html><head><title>Sign in</title></head><body>Password</body></html>", "Sign in"),
        ("list.zip", zipped("list.xlsx", list=zipped("xl/workbook.xml")), "a packed workbook"),
        ("list.xls", b"\x09\x04\x06\x00\x00\x00\x10\x00", "before Excel 97"),
        ("list.fods", b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">', "flat OpenDocument"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_called_by_its_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with refused(SourceError, words):
        staged(tmp_path / name)


@pytest.mark.parametrize(
    "first", ["<GS>", "{GS}", "[FNC1]", "(01)", "ID;Seriennummer"], ids=["angle", "brace", "bracket", "round", "id"]
)
def test_a_list_that_only_begins_like_something_else_is_read_as_a_list(tmp_path: Path, first: str) -> None:
    if first.startswith("ID"):
        content = f"{first};GTIN;Charge;Verfall\n1;A1;{GTIN};B1;281130\n"
    elif first == "(01)":
        content = f"(01){GTIN}(17)281130(10)B1(21)A1\n"
    else:
        content = f"{first}01{GTIN}1728113010B1{first}21A1\n"
    (tmp_path / "list").write_text(content)
    assert staged(tmp_path / "list").serials() == ["A1"]


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\nB,0400", True),
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\nB", True),
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\nB,{GTIN},B1,281130", False),
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\n", False),
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\nTotal 1", False),
        (",".join(HEAD) + f"\nA,{GTIN},B1,281130\n\x1a", False),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_last_line_that_is_cut_is_told(tmp_path: Path, content: str, cut: bool, encoding: str) -> None:
    from importer.sources.opening import SourceOptions, open_source  # noqa: PLC0415  as the outcomes do

    (tmp_path / "list").write_bytes(content.encode(encoding))
    assert open_source(tmp_path / "list", SourceOptions()).reading.cut_off is cut
