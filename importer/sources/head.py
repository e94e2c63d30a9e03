"""The first rows of every sheet as they stand in the file, whether a list is recognised in them or not: what a person
picks the header and the columns from. Guesses the delimiter of a text where no header proves it; nothing is sent by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from python_calamine import SheetTypeEnum, SheetVisibleEnum

from importer.errors import SourceError
from importer.rows.tables import HeadSheet
from importer.sources import decoding
from importer.sources.csv_dialect import DELIMITERS, encodings_of, find_dialect, split
from importer.sources.files import TABLES, WORKBOOKS, Kind, kind_inside, kind_of, unpacked
from importer.sources.layout import HEADER_WITHIN
from importer.sources.options import SourceOptions

ROWS = HEADER_WITHIN
"""Of a sheet: a header further down is not looked for."""
_SHEETS = 50
_COLUMNS = 100
_LONGEST = 120


def read_head(path: Path, options: SourceOptions) -> list[HeadSheet]:
    """Empty for what has no columns to choose from (EPCIS). Raises SourceError where the file can't be read at all."""
    kind = kind_of(path)
    inside = kind_inside(path, kind)
    if inside is Kind.TEXT:
        return [_of_text(path, kind, options)]
    return list(_of_workbook(path, kind, inside, options)) if inside in WORKBOOKS | TABLES else []


def _of_workbook(path: Path, kind: Kind, inside: Kind, options: SourceOptions) -> Iterator[HeadSheet]:
    from importer.sources.workbook_opening import load_sheet, open_book, readable  # noqa: PLC0415  heavy
    from importer.sources.workbook_rows import text_of  # noqa: PLC0415

    book = open_book(path, kind, inside, options.encoding)
    for index, about in islice(enumerate(book.sheets_metadata), _SHEETS):
        if about.typ != SheetTypeEnum.WorkSheet:
            continue
        sheet, _ = load_sheet(path, inside, book, index)
        left = sheet.start[1] if sheet.start else 0
        with readable(path):
            rows = [[*[""] * left, *map(text_of, row)] for row in islice(sheet.iter_rows(), ROWS)]
        yield HeadSheet(about.name, about.visible != SheetVisibleEnum.Visible, _cut(rows))


def _of_text(path: Path, kind: Kind, options: SourceOptions) -> HeadSheet:
    with unpacked(path, kind) as file:
        data = file.read(decoding.HEAD)
        whole = not file.read(1)
    with suppress(SourceError):
        dialect = find_dialect(data, options, path.name, whole=whole)
        text = dialect.plain.text(data[dialect.bom :].decode(dialect.encoding, "replace"))
        return HeadSheet("", False, _cut(split(text, dialect.delimiter, whole=whole)[0]))
    encodings, bom = encodings_of(data, options, path.name, whole=whole)
    text = data[bom:].decode(encodings[0], "replace")
    if decoding.is_binary(text[: decoding.HEAD // 4].encode("utf-8", "replace")):
        raise SourceError("list_no_text", name=path.name)
    cut = [split(text, delimiter, whole=whole)[0][:ROWS] for delimiter in DELIMITERS]
    return HeadSheet("", False, _cut(max(cut, key=_fit)))


def _fit(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many rows have the width that most have, of those that are cut at all."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width, count = widths.most_common(1)[0] if widths else (1, 0)
    return count, width


def _cut(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[cell[:_LONGEST] for cell in row[:_COLUMNS]] for row in rows[:ROWS]]
