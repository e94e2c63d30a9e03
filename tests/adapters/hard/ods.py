"""Writes .ods: one sheet of texts, numbers and `Shown` cells, as LibreOffice does it (OpenDocument 1.3, part 3)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from shown import Shown, moment_of

_SPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "number": "urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0",
}
_ROOT = " ".join(f'xmlns:{name}="{space}"' for name, space in _SPACES.items()) + ' office:version="1.3"'
_PARTS = {
    "yyyy": '<number:year number:style="long"/>',
    "yy": "<number:year/>",
    "mmmm": '<number:month number:textual="true" number:style="long"/>',
    "mmm": '<number:month number:textual="true"/>',
    "mm": '<number:month number:style="long"/>',
    "dd": '<number:day number:style="long"/>',
    "hh": '<number:hours number:style="long"/>',
}
_TOKEN = re.compile(r"y+|m+|d+|h+|.")
_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:media-type="{_TYPE}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""


def write_ods(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    forms = list(dict.fromkeys(cell.form for row in rows for cell in row if isinstance(cell, Shown)))
    styles = "".join(_style(number, form) for number, form in enumerate(forms))
    body = "".join(f"<table:table-row>{''.join(_cell(cell, forms) for cell in row)}</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ROOT}><office:automatic-styles>{styles}'
        f'</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="Sheet1">'
        f"<table:table-column/>{body}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _TYPE, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr("styles.xml", f'<?xml version="1.0" encoding="UTF-8"?><office:document-styles {_ROOT}/>')
        archive.writestr("content.xml", content)


def _style(number: int, form: str) -> str:
    parts = "".join(_PARTS.get(token, f"<number:text>{escape(token)}</number:text>") for token in _TOKEN.findall(form))
    return (
        f'<number:date-style style:name="N{number}">{parts}</number:date-style>'
        f'<style:style style:name="ce{number}" style:family="table-cell" style:data-style-name="N{number}"/>'
    )


def _cell(value: Any, forms: Sequence[str]) -> str:
    if isinstance(value, Shown):
        moment = moment_of(value).isoformat()
        return (
            f'<table:table-cell table:style-name="ce{forms.index(value.form)}" office:value-type="date" '
            f"office:date-value={quoteattr(moment)}><text:p>{escape(value.form)}</text:p></table:table-cell>"
        )
    if isinstance(value, str):
        lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
        return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
