"""Opens workbooks of every kind, after a look at whether they can be opened at all. Knows no list."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from xml.parsers.expat import ExpatError

from python_calamine import CalamineError, PasswordError, load_workbook

from importer.errors import SourceError
from importer.sources.files import DAMAGED, TABLES, Kind, damaged, members, most_unpacked, unpacked, unpacks_too_far
from importer.sources.sheet_binary import xls_errors, xlsb_errors
from importer.sources.sheet_ods import Extent, error_cells, extent
from importer.sources.sheet_xlsx import SheetFacts, sheet_facts
from importer.sources.table_book import MOST_BYTES, TableBook
from importer.sources.workbook_parts import Book, plain_name, usual_parts

MOST_UNPACKED = 1 << 30
MOST_CELLS = 60_000_000
MOST_REPEATED = 100_000
MOST_SHEETS = 500
_PIECE = 1 << 20
_ERRORS = {Kind.ODS: error_cells, Kind.XLS: xls_errors, Kind.XLSB: xlsb_errors}
_DRAINED = ("sharedstrings.xml", "content.xml")


class Worksheet(Protocol):
    """A sheet that was read whole, as python-calamine gives it."""

    @property
    def start(self) -> tuple[int, int] | None: ...

    @property
    def merged_cell_ranges(self) -> Sequence[tuple[tuple[int, int], tuple[int, int]]] | None: ...

    def iter_rows(self) -> Iterator[list[Any]]: ...


class Workbook(Protocol):
    """A workbook, as python-calamine gives it."""

    @property
    def sheet_names(self) -> list[str]: ...

    @property
    def sheets_metadata(self) -> Sequence[Any]: ...

    def get_sheet_by_index(self, index: int) -> Worksheet: ...


def open_book(path: Path, kind: Kind, inside: Kind, encoding: str | None) -> Workbook:
    """The workbook, opened, or the tables of a text; its sheets are not read yet."""
    if inside in TABLES:
        return _open_tables(path, kind, inside, encoding)
    if kind is not Kind.XLS:
        _check_size(path, kind)
    book = parts_of(path, kind)
    with readable(path):
        workbook = cast(Workbook, load_workbook(str(book) if isinstance(book, Path) else book))
    if len(workbook.sheet_names) > MOST_SHEETS:
        raise SourceError("sheets_too_many", name=path.name, n=len(workbook.sheet_names), most=MOST_SHEETS)
    return workbook


def _open_tables(path: Path, kind: Kind, inside: Kind, encoding: str | None) -> TableBook:
    from importer.sources import table_html, table_json, table_sylk, table_xml  # noqa: PLC0415  seldom needed

    try:
        with unpacked(path, kind) as file:
            data = b"".join(_pieces(file, MOST_BYTES + 1))
    except DAMAGED as error:
        raise damaged(path, error) from error
    if len(data) > MOST_BYTES:
        raise SourceError("table_too_large", name=path.name, most=MOST_BYTES, kind=inside.value)
    if inside is Kind.HTML:
        tables = table_html.read_html(data, encoding)
    elif inside is Kind.MHTML:
        tables = table_html.read_mhtml(data, encoding)
    elif inside is Kind.SYLK:
        tables = table_sylk.read_sylk(data, encoding)
    elif inside is Kind.JSON:
        tables = table_json.read_json(data, path.name)
    elif inside is Kind.SPREADSHEET_XML:
        tables = table_xml.read_spreadsheet(data, path.name)
    else:
        tables = table_xml.read_records(data, path.name)
    book = TableBook(tables)
    if not book.sheet_names:
        title = table_html.title_of(data) if inside is Kind.HTML else ""
        titled = {"case": "titled", "title": title} if title else {}
        raise SourceError("list_without_table", name=path.name, kind=inside.value, **titled)
    return book


def _pieces(file: BinaryIO, most: int) -> Iterator[bytes]:
    """At most so many bytes. Asked for all of them at once, Python takes the memory for all of them first."""
    while most > 0 and (piece := file.read(min(most, _PIECE))):
        most -= len(piece)
        yield piece


def parts_of(path: Path, kind: Kind) -> Book:
    """The workbook with its parts under their usual names."""
    if kind not in (Kind.XLSX, Kind.XLSM, Kind.XLSB):
        return path
    try:
        return usual_parts(path)
    except (*DAMAGED, NotImplementedError, RuntimeError) as error:
        raise SourceError("list_damaged", name=path.name, reason=str(error)) from error


def load_sheet(path: Path, kind: Kind, workbook: Workbook, index: int) -> tuple[Worksheet, SheetFacts]:
    """One sheet, read whole, and what it says besides, where that is understood."""
    if isinstance(workbook, TableBook):
        return workbook.get_sheet_by_index(index), SheetFacts(missing=workbook.errors(index))
    facts = sheet_facts(parts_of(path, kind), path.name, index) if kind in (Kind.XLSX, Kind.XLSM) else SheetFacts()
    if kind in _ERRORS:
        facts.missing = _ERRORS[kind](path, index)
    if facts.rows * facts.width > MOST_CELLS:
        raise SourceError(
            "sheet_too_wide",
            name=path.name,
            sheet=workbook.sheet_names[index],
            row=facts.rows,
            column=facts.width,
        )
    with readable(path):
        return workbook.get_sheet_by_index(index), facts


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever the reader of workbooks raises, panics included, as a sentence."""
    try:
        yield
    except PasswordError as error:
        raise SourceError("workbook_protected", name=path.name) from error
    except (CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise SourceError("workbook_unreadable", name=path.name, reason=reason) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise SourceError("workbook_damaged", name=path.name) from error


def _check_size(path: Path, kind: Kind) -> None:
    parts = members(path)
    if any(m.flag_bits & 1 for m in parts):
        raise SourceError("workbook_protected", name=path.name)
    size = sum(m.file_size for m in parts)
    if size > MOST_UNPACKED:
        raise SourceError("workbook_too_large", name=path.name, size=size, most=MOST_UNPACKED)
    if size > most_unpacked(path.stat().st_size):
        raise unpacks_too_far(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if plain_name(name).lower().endswith(_DRAINED):
                    _drain(archive, name)
        found = extent(path) if kind is Kind.ODS else Extent()
    except (*DAMAGED, NotImplementedError, RuntimeError, ExpatError, LookupError, ValueError) as error:
        raise SourceError("list_damaged", name=path.name, reason=str(error)) from error
    if found.cells > MOST_CELLS or found.repeated > MOST_REPEATED:
        raise SourceError("cells_repeated", name=path.name, n=found.cells, repeated=found.repeated)


def _drain(archive: zipfile.ZipFile, name: str) -> None:
    """Unpack once without keeping it: a directory that lies about a size is found out."""
    with archive.open(name) as part:
        while part.read(1 << 20):
            pass
