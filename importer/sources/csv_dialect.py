"""How a text list is written: encoding, delimiter, where its data begins. Looks at the head of it only."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import mode

from importer.errors import SourceError
from importer.model import Message
from importer.sources import decoding
from importer.sources.csv_plain import FIELD_END, Plain, has_escapes, is_quoted_row, likely
from importer.sources.headers import known_headers, may_be_left_out
from importer.sources.layout import Layout, find_layout, score
from importer.sources.options import SourceOptions

DELIMITERS = (",", ";", "\t", "|")
ONE_COLUMN = "\x1f"
"""A delimiter that no list holds: a list of one column is not cut at the commas that serials may contain."""
_LOOKED_AT = 200
_SEP = re.compile(r'"?sep=(.)"?(\r\n|\n|\r)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`bom` bytes to leave out at the start, then `body` bytes of UTF-8 to skip before the first row of data.

    `width` is that of its records: more than the header has where rows end with empty fields that it lacks, less where
    all of them leave out its last columns, as optional ones may be.
    `rows_before` are the rows that those hold, as a spreadsheet numbers them: it does not show a line `sep=;`.
    """

    encoding: str
    bom: int
    delimiter: str
    body: int
    rows_before: int
    width: int
    layout: Layout
    #: What is taken off before it is CSV; `body` counts bytes of what is left.
    plain: Plain = field(default_factory=Plain)


def find_dialect(head: bytes, options: SourceOptions, name: str, *, whole: bool) -> Dialect:
    """Find out how a list is written, from its first bytes, which are the `whole` of it or not.

    Of several code pages that one is taken in which most headers are known.
    """
    encodings, bom = encodings_of(head, options, name, whole=whole)
    failure: SourceError | None = None
    found: list[tuple[int, Dialect]] = []
    for encoding in encodings:
        text = head[bom:].decode(encoding, "importer.mark").rstrip("\0\x1a\r\n") + "\n" * whole
        if decoding.is_binary(text[: decoding.HEAD // 4].encode("utf-8", "replace")):
            raise SourceError("list_no_text", name=name)
        if not whole and not re.search("[\r\n]", text):
            raise SourceError("list_line_too_long", name=name, most=decoding.HEAD)
        try:
            dialect = _find_plain(text, options, name, whole=whole)
        except SourceError as error:
            failure = failure or error
            continue
        layout = dialect.layout
        if len(encodings) > 1 and any(decoding.unmarked(h) != h for h in layout.headers):
            continue
        dialect = replace(dialect, encoding=encoding, bom=bom)
        if encoding == encodings[0]:
            return dialect
        found.append((known_headers(layout.headers, options.columns), dialect))
    if not found:
        raise failure or SourceError("list_encoding_in_doubt", name=name)
    best = max(found, key=lambda f: f[0])[1]  # the first of those that know as many
    remark = Message("encoding_by_headers", "", {"name": name, "encoding": best.encoding})
    return replace(best, layout=replace(best.layout, remarks=[*best.layout.remarks, remark]))


def _find_plain(text: str, options: SourceOptions, name: str, *, whole: bool) -> Dialect:
    """As it stands, or once something is taken off, of which the header must be the proof."""
    escapes = Plain(escapes=has_escapes(text))
    try:
        found = _dialect(text, escapes, options, name, whole=whole)
        more = _one_column(text, found)
        return _dialect(text, more, options, name, whole=whole) if more else found
    except SourceError:
        for plain in likely(text):
            with suppress(SourceError):
                dialect = _dialect(text, plain, options, name, whole=whole)
                if dialect.width > 1 and dialect.layout.header_row:
                    return dialect
        raise


def _one_column(text: str, found: Dialect) -> Plain | None:
    """What has to be taken off where the list was in one column of a spreadsheet, although its header can be read."""
    lines = re.split("\r\n|\r|\n", text)
    below = [line for line in lines[found.rows_before :] if line.strip()][:_LOOKED_AT]
    if len(found.layout.headers) > 1 and below:
        if all(line.startswith(("'", '"')) for line in below) and all(map(is_quoted_row, below[:-1] or below)):
            return Plain(quoted_rows=True)
        if all(line.rstrip().endswith(tuple(DELIMITERS)) for line in (lines[found.rows_before - 1], *below[:-1])):
            ends = {line.rstrip()[-1] for line in below[:-1] or below}
            return Plain(trailing=True) if ends and found.delimiter not in ends else None
    return None


def _dialect(text: str, plain: Plain, options: SourceOptions, name: str, *, whole: bool) -> Dialect:
    text = plain.text(text)
    delimiters = FIELD_END if plain.delimiter else DELIMITERS
    delimiter, body, width, layout = _find_delimiter(text, delimiters, options, name, whole=whole)
    return Dialect("", 0, delimiter, body, layout.skip, width, layout, plain)


def encodings_of(head: bytes, options: SourceOptions, name: str, *, whole: bool) -> tuple[tuple[str, ...], int]:
    """The encodings that are possible, likeliest first, and the length of the byte order mark."""
    marked = decoding.find_bom(head)
    if options.encoding:
        declared = decoding.check_declared(options.encoding, name)
        if marked and (declared in ("utf-16", "utf-32", "utf-8-sig") or marked[0] == declared):
            return marked[:1], marked[1]
        return (declared,), 0
    if marked:
        return marked[:1], marked[1]
    wide = decoding.guess_wide(head)
    if wide:
        return (wide,), 0
    return (("utf-8",) if decoding.is_utf8(head, whole=whole) else ("utf-8", *decoding.CODE_PAGES)), 0


def _find_delimiter(
    text: str, delimiters: Sequence[str], options: SourceOptions, name: str, *, whole: bool
) -> tuple[str, int, int, Layout]:
    separator = _SEP.match(text)
    begin = separator.end() if separator else 0
    found: list[tuple[int, int, str, int, Layout]] = []
    failures: list[tuple[int, SourceError]] = []
    for delimiter in separator[1] if separator else delimiters:
        records, ends = split(text[begin:], delimiter, whole=whole)
        try:
            layout = find_layout(records, options, name)
        except SourceError as error:
            likeness = max((score(r, options.columns) for r in records[:50]), default=0)
            failures.append((likeness, error))
            continue
        skipped = begin + (ends[layout.skip - 1] if layout.skip else 0)
        found.append((len(layout.headers), _width(records, layout), delimiter, skipped, layout))
    if not found:
        raise max(failures, key=lambda f: f[0])[1]
    _, width, delimiter, skipped, layout = max(found, key=lambda f: f[0])
    skipped = len(text[:skipped].encode("utf-8", "replace"))
    return delimiter if width > 1 else ONE_COLUMN, skipped, width, layout


def _width(records: list[list[str]], layout: Layout) -> int:
    width = max(len(layout.headers), 1)
    rows = [r for r in records[layout.skip :] if any(c.strip() for c in r)]
    usual = mode(map(len, rows)) if rows else width
    if all(len(r) < width for r in rows) and all(map(may_be_left_out, layout.headers[usual:])):
        return usual
    padded = [len(r) for r in rows if len(r) > width and not any(c.strip() for c in r[width:])]
    return mode(padded) if len(padded) * 2 > len(rows) else width


def split(text: str, delimiter: str, *, whole: bool) -> tuple[list[list[str]], list[int]]:
    """The first records, blank ones too, and where each ends in the text. A record that is cut off is left out."""
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for line in io.StringIO(text, newline=""):
            position += len(line)
            yield line

    records: list[list[str]] = []
    ends: list[int] = []
    try:
        for record in csv.reader(lines(), delimiter=delimiter):
            if position == len(text) and not whole:
                break
            records.append(record)
            ends.append(position)
            if len(records) == _LOOKED_AT:
                break
    except csv.Error:
        pass
    return records, ends
