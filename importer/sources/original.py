"""Reads a list once more as it stands in its file, titles, blank rows and sheets without a list included."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from importer.rows.tables import ErrorValue, Original, OriginalSheet
from importer.sources.corrections import corrected
from importer.sources.csv_dialect import ONE_COLUMN
from importer.sources.csv_list import DelimitedList, fill, text_of_list
from importer.sources.csv_plain import FIELD_END
from importer.sources.csv_records import Body, RecordReader
from importer.sources.decoding import unmarked
from importer.sources.files import unpacked
from importer.sources.opening import open_list
from importer.sources.options import SourceOptions
from importer.sources.workbook_list import WorkbookList


def read_original(path: Path, options: SourceOptions) -> Original:
    """The list, text or workbook, read as `open_source` reads it, with the corrections of a person in their cells.

    Raises SourceError, also while rows are read.
    """
    source = open_list(path, options)
    if isinstance(source, WorkbookList):
        found = _of_workbook(source)
    elif isinstance(source, DelimitedList):
        found = _of_text(path, source)
    else:
        raise TypeError(f"a list of {source.reading.format} can't be given back")
    return corrected(found, options.edits) if options.edits else found


def _of_workbook(source: WorkbookList) -> Original:
    return Original([_sheet(source, *each) for each in source.every_sheet])


def _sheet(source: WorkbookList, index: int, name: str, hidden: bool) -> OriginalSheet:
    found = source.list_on(index)
    number, layout, first = found or (None, None, 0)

    def rows() -> Iterator[tuple[int, Sequence[Any]]]:
        sheet, facts = source.load(index)
        left = sheet.start[1] if sheet.start else 0
        errors: dict[int, dict[int, str]] = {}
        for (row, column), what in facts.missing.items():
            errors.setdefault(row, {})[column] = what
        for row, cells in enumerate(sheet.iter_rows(), 1):
            values: list[Any] = [None] * left + [None if v == "" else v for v in cells]
            for column, what in errors.get(row, {}).items():
                values += [None] * (column + 1 - len(values))
                values[column] = ErrorValue(what) if what else None
            if any(v is not None for v in values):
                yield row, values

    positions = {role: first + p for role, p in layout.positions.items()} if layout else {}
    return OriginalSheet(name, hidden, number, layout.header_row if layout else 0, positions, rows)


def _of_text(path: Path, source: DelimitedList) -> Original:
    dialect, layout = source.dialect, source.dialect.layout

    def rows() -> Iterator[tuple[int, Sequence[str]]]:
        with unpacked(path, source.kind) as file:
            text, stream = text_of_list(file, dialect)
            head = fill(stream, dialect.body).decode("utf-8", "replace")
            yield from enumerate(_title_rows(head, dialect.delimiter, dialect.rows_before), 1)
            body = Body(stream, dialect.delimiter, dialect.width, path.name)
            for records in RecordReader(body, dialect.delimiter, dialect.width, dialect.rows_before + 1, path.name):
                ragged = [(r.row, r.fields) for r in records.ragged]
                columns = [column.to_pylist() for column in records.columns]
                plain = zip(records.rows.tolist(), zip(*columns, strict=True), strict=True)
                for row, fields in sorted([*plain, *ragged], key=lambda item: item[0]) if ragged else plain:
                    yield row, [unmarked(field) for field in fields] if text.damaged else fields

    sheet = OriginalSheet("", False, 0, layout.header_row, layout.positions, rows)
    delimiter = "," if dialect.delimiter in (ONE_COLUMN, FIELD_END) else dialect.delimiter
    return Original([sheet], delimiter, tuple(layout.headers))


def _title_rows(head: str, delimiter: str, rows: int) -> list[list[str]]:
    """The records above the data; a first line that declares the separator is none of them."""
    found = list(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter))
    return list(islice(found, len(found) - rows, None))
