"""A text list with three more columns: outcome, code and message of each row. UTF-8 with BOM, its own delimiter."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from importer.reports.columns import FIELDS
from importer.reports.marks import Cursor
from importer.reports.spelling import restored, spelled
from importer.rows.tables import Echo, EchoSheet

_ADDED = ("outcome", "code", "message")
_AT_ONCE = 1 << 13
_NAMES = {field: header for header, field in FIELDS.items()}


def marked_lines(echo: Echo, cursor: Cursor) -> Iterator[tuple[int, bytes]]:
    """Blocks of lines, and how many rows with an outcome each holds. Columns of these names in the list are written
    over, so that a list that comes back marked for a second time has them once. An empty row stays empty.
    """
    sheet = echo.sheets[0]
    width = max(len(echo.headers), 1)
    places = {h.strip().lower(): at for at, h in enumerate(echo.headers) if h.strip().lower() in _ADDED}
    yield 0, b"\xef\xbb\xbf"
    if not sheet.header_row:
        yield 0, _lines([[*_own_header(sheet, width), *_ADDED]], echo.delimiter)
    rows = sheet.rows()
    while some := list(islice(rows, _AT_ONCE)):
        marks = [cursor.at(row) for row, _ in some]
        found = [
            _ADDED if row == sheet.header_row else (m.outcome, m.code, m.message) if m else None
            for (row, _), m in zip(some, marks, strict=True)
        ]
        lines = [
            _with(fields, added, width, places) if added and fields else fields
            for (_, fields), added in zip(some, found, strict=True)
        ]
        yield sum(m is not None for m in marks), _lines(lines, echo.delimiter)


def _own_header(sheet: EchoSheet, width: int) -> list[str]:
    roles = {at: role for role, at in sheet.positions.items()}
    return [_NAMES.get(roles.get(at, ""), f"column {at + 1}") for at in range(width)]


def _with(fields: Sequence[str], added: Sequence[str], width: int, places: dict[str, int]) -> list[str]:
    line = [*fields, *[""] * (width - len(fields))]
    while len(line) > width and not line[-1].strip():
        line.pop()
    for name, value in zip(_ADDED, added, strict=True):
        if name in places and len(fields) <= width:
            line[places[name]] = value
        elif name not in places:
            line.append(value)
    return line


def _lines(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    """Values that a spreadsheet would run are made harmless, and read back as they were."""
    flat = pa.array([_utf8(field) for fields in rows for field in fields], pa.string())
    spelt = iter(spelled(restored(flat)).to_pylist())
    out = io.StringIO()
    for fields in rows:
        out.write(delimiter.join(islice(spelt, len(fields))) + "\r\n")
    return out.getvalue().encode()


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
