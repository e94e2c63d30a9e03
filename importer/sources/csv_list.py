"""A list as text: CSV and its kin, also packed. Reads it as a stream; memory does not grow with its size."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from importer.errors import SourceError
from importer.model import Reading, Sheet
from importer.rows.tables import Rows
from importer.sources.csv_dialect import Dialect, find_dialect
from importer.sources.csv_plain import plain_stream
from importer.sources.csv_records import Body, RecordReader
from importer.sources.csv_rows import Shape
from importer.sources.decoding import HEAD, Transcoded
from importer.sources.files import DAMAGED, Kind, damaged, unpacked
from importer.sources.noise import NoiseCount, is_total
from importer.sources.options import SourceOptions
from importer.sources.returning import Returning

_TAIL = 1 << 16
_DELIMITER_NAMES = {"\t": "tab", "\x1f": ""}
MOST_BLANK = 2_000_000
"""A spreadsheet writes 1,048,576 where all of an empty column was formatted."""


def open_delimited(path: Path, kind: Kind, options: SourceOptions) -> DelimitedList:
    """Look at the head of a text list and find out how it is written."""
    try:
        with unpacked(path, kind) as file:
            head = fill(file, HEAD)
        dialect = find_dialect(head, options, path.name, whole=len(head) < HEAD)
        cut_off = kind is Kind.TEXT and is_cut_off(path, dialect)
    except DAMAGED as error:
        raise damaged(path, error) from error
    return DelimitedList(path, kind, dialect, options, cut_off=cut_off)


class DelimitedList:
    """A `Source` (see tables.py)."""

    sheet_names: Sequence[str] = ("",)

    def __init__(
        self, path: Path, kind: Kind, dialect: Dialect, options: SourceOptions, *, cut_off: bool = False
    ) -> None:
        self._cut_off = cut_off
        self._path = path
        self.kind = kind
        self.dialect = dialect
        self._options = options
        self._noise = NoiseCount()
        self._returning = Returning(dialect.layout.headers, options.accept)

    @property
    def reading(self) -> Reading:
        dialect, layout = self.dialect, self.dialect.layout
        return Reading(
            format="csv" if self.kind is Kind.TEXT else f"csv.{self.kind}",
            encoding=dialect.encoding,
            delimiter=dialect.plain.name or _DELIMITER_NAMES.get(dialect.delimiter, dialect.delimiter),
            sheets=(Sheet("", layout.header_row, layout.columns, layout.headers),),
            remarks=(
                *layout.remarks,
                *self._noise.remarks(self._path.name),
                *self._returning.remarks(self._path.name),
            ),
            cut_off=self._cut_off,
        )

    def __iter__(self) -> Iterator[Rows]:
        read = 0
        try:
            with unpacked(self._path, self.kind) as file:
                for rows in self._rows(file):
                    read += rows.table.num_rows
                    if rows.table.num_rows:
                        yield rows
        except DAMAGED as error:
            raise damaged(self._path, error) from error
        if not read:
            raise SourceError("list_without_rows", name=self._path.name)

    def _rows(self, file: BinaryIO) -> Iterator[Rows]:
        dialect, layout, name = self.dialect, self.dialect.layout, self._path.name
        text, plain = text_of_list(file, dialect)
        head = fill(plain, dialect.body)
        assert len(head) == dialect.body
        body = Body(plain, dialect.delimiter, dialect.width, name)
        shape = Shape(layout, dialect.delimiter, dialect.width, self._options, name)
        shape.encoding = dialect.encoding
        self._noise, self._returning = shape.noise, shape.returning
        blank = 0
        for records in RecordReader(body, dialect.delimiter, dialect.width, dialect.rows_before + 1, name):
            rows = shape.rows(records, quoted=body.quoted, damaged=text.damaged)
            blank = 0 if rows.table.num_rows else blank + len(records.rows) + len(records.ragged)
            if blank > MOST_BLANK:
                raise SourceError("blank_rows", name=name, most=MOST_BLANK)
            yield rows


def text_of_list(file: BinaryIO, dialect: Dialect) -> tuple[Transcoded, BinaryIO]:
    """The list in UTF-8, from its first line on, and as plain CSV."""
    file.read(dialect.bom)
    text = Transcoded(file, dialect.encoding)
    return text, plain_stream(cast(BinaryIO, text), dialect.plain)


def is_cut_off(path: Path, dialect: Dialect) -> bool:
    """Whether the last line has no end and too few fields, as where a list is still being written or was cut off.

    A line that ends a quoted field with line breaks in it is not told from one: then the fields of its end count.
    """
    with unpacked(path, Kind.TEXT) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - _TAIL, dialect.bom) // 4 * 4 if size > _TAIL else 0)
        text = file.read().decode(dialect.encoding, "replace").lstrip("\ufeff")
    line = re.split("[\r\n]", text)[-1]
    if not line.strip("\0\x1a ") or dialect.width <= 1:
        return False
    fields = next(csv.reader([dialect.plain.text(line)], delimiter=dialect.delimiter), [])
    needed = max(dialect.layout.positions.values()) + 1
    return (
        len(fields) < min(needed, dialect.width) and fields[:1] != dialect.layout.headers[:1] and not is_total(fields)
    )


def fill(file: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes, or all there are: a packed or transcoded stream may give fewer at once."""
    pieces = []
    while size > 0 and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
