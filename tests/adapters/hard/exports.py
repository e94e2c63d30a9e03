"""Writes a list as systems export it under a workbook's name: HTML, MHTML, XML Spreadsheet 2003, SYLK. Texts only."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

Grid = Sequence[Sequence[str]]


def write_html(path: Path, rows: Grid) -> None:
    path.write_text(page(rows), "utf-8")


def page(rows: Grid) -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    head = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>Export</title>'
    return f"<html xmlns:x='urn:schemas-microsoft-com:office:excel'><head>{head}</head><table>{lines}</table></html>"


def write_mhtml(path: Path, rows: Grid) -> None:
    body = base64.encodebytes(page(rows).encode()).decode()
    path.write_text(
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="--part"\n\n----part\n'
        'Content-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: base64\n'
        f"Content-Location: file:///C:/x/sheet001.htm\n\n{body}\n----part--\n"
    )


def write_xml(path: Path, rows: Grid) -> None:
    ss = "urn:schemas-microsoft-com:office:spreadsheet"
    cell = '<Cell><Data ss:Type="String">{}</Data></Cell>'
    lines = "".join(f"<Row>{''.join(cell.format(escape(c)) if c else '<Cell/>' for c in row)}</Row>" for row in rows)
    path.write_text(
        f'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="{ss}" xmlns:ss="{ss}">'
        f'<Worksheet ss:Name="Serials"><Table>{lines}</Table></Worksheet></Workbook>',
        "utf-8",
    )


def write_sylk(path: Path, rows: Grid) -> None:
    lines = ["ID;PWXL;N;E"]
    for y, row in enumerate(rows, 1):
        lines += [f'C;Y{y};X{x};K"{cell.replace(";", ";;")}"' for x, cell in enumerate(row, 1) if cell]
    path.write_text("\r\n".join([*lines, "E", ""]), "utf-8")
