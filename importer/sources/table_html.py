"""The tables of an HTML page, which many systems call .xls, and of the pages in an MHTML file.

A page writes texts, so what it shows of a code is all of it, but for cells to which Excel has added a number.
"""

from __future__ import annotations

import email
import email.policy
import re
from contextlib import suppress
from html import unescape
from html.parser import HTMLParser
from typing import Any

from importer.errors import SourceError
from importer.sources.decoding import CODE_PAGES, find_bom, guess_wide, is_utf8
from importer.sources.table_book import Table

_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.{0,400}?)</title", re.IGNORECASE | re.DOTALL)
_TITLE_WITHIN = 1 << 16
_HEAD = 8192
_CELLS = ("td", "th")
_SKIPPED = ("script", "style", "head", "title")
_BREAKS = ("br", "p", "div", "li")
_MOST_SPAN = 10_000
_MOST_TABLES = 500
_LONGEST_SPAN = 9


def read_html(data: bytes, encoding: str | None) -> list[Table]:
    """The tables of a page, in their order; a table inside of another one's cell is a table of its own."""
    parser = _Page()
    parser.feed(_text(data, encoding))
    parser.close()
    return parser.tables


def title_of(data: bytes) -> str:
    """What a page calls itself, in a few words."""
    found = _TITLE.search(data[:_TITLE_WITHIN])
    return " ".join(unescape(found[1].decode("utf-8", "replace")).split())[:80] if found else ""


def read_mhtml(data: bytes, encoding: str | None) -> list[Table]:
    """The tables of all pages that a web archive holds."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    found: list[Table] = []
    for part in message.walk():
        if part.get_content_type() == "text/html":
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found += read_html(content, encoding or part.get_content_charset())
    for number, table in enumerate(found, 1):
        table.name = f"table {number}"
    return found


def _text(data: bytes, encoding: str | None) -> str:
    marked = find_bom(data)
    if marked:
        return data[marked[1] :].decode(marked[0], "replace")
    declared = _CHARSET.search(data[:_HEAD])
    names = [encoding, guess_wide(data[:_HEAD]), declared[1].decode("ascii", "replace") if declared else None]
    for name in names:
        with suppress(LookupError, UnicodeDecodeError):
            if name:
                return data.decode(name)
    return data.decode("utf-8" if is_utf8(data, whole=True) else CODE_PAGES[0], "replace")


class _Open:
    """A table whose end has not come yet."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.merged: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self.covered: dict[int, set[int]] = {}
        self.cell: list[str] | None = None
        self.span = (1, 1)
        self.number: str | None = None

    def start_row(self) -> None:
        self.end_cell()
        self.rows.append([])

    def start_cell(self, attributes: dict[str, str | None]) -> None:
        self.end_cell()
        if not self.rows:
            self.rows.append([])
        self.cell = []
        self.span = _span(attributes.get("rowspan")), _span(attributes.get("colspan"))
        self.number = attributes["x:num"] or "" if "x:num" in attributes else None

    def end_cell(self) -> None:
        if self.cell is None:
            return
        row = self.rows[-1]
        covered = self.covered.get(len(self.rows) - 1, set())
        while len(row) in covered:
            row.append(None)
        at, text = len(row), "".join(self.cell)
        lines = [" ".join(line.replace("\xa0", " ").split()) for line in text.split("\v")]
        self.cell = None
        row.append(_value("\n".join(line for line in lines if line), self.number))
        down, across = self.span
        row.extend([None] * (across - 1))
        top = len(self.rows) - 1
        if down > 1 or across > 1:
            self.merged.append(((top, at), (top + down - 1, at + across - 1)))
        for below in range(top + 1, top + down):
            self.covered.setdefault(below, set()).update(range(at, at + across))


class _Page(HTMLParser):
    """Collects the tables. Ends of cells and rows may be missing, as HTML allows."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self._open: list[_Open] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipped += tag in ("script", "style")
        elif tag == "table":
            if len(self.tables) + len(self._open) >= _MOST_TABLES:
                raise SourceError("tables_too_many", most=_MOST_TABLES)
            self._open.append(_Open())
        elif self._open and tag == "tr":
            self._open[-1].start_row()
        elif self._open and tag in _CELLS:
            self._open[-1].start_cell(dict(attrs))
        elif tag in _BREAKS and self._open and self._open[-1].cell is not None:
            self._open[-1].cell.append("\v")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._skipped = max(self._skipped - 1, 0)
        elif self._open and tag in (*_CELLS, "tr"):
            self._open[-1].end_cell()
        elif self._open and tag == "table":
            self._end_table()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1].cell is not None and not self._skipped:
            self._open[-1].cell.append(data)

    def close(self) -> None:
        super().close()
        while self._open:
            self._end_table()

    def _end_table(self) -> None:
        table = self._open.pop()
        table.end_cell()
        self.tables.append(Table(f"table {len(self.tables) + 1}", table.rows, table.merged))


def _span(text: str | None) -> int:
    text = (text or "").strip()
    return min(max(int(text), 1), _MOST_SPAN) if _is_span(text) else 1


def _is_span(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_SPAN


def _value(text: str, number: str | None) -> Any:
    """A cell's text; where Excel has added the number behind it (x:num), that number."""
    if number is None:
        return text or None
    try:
        return float(number or text)
    except ValueError:
        return text or None
