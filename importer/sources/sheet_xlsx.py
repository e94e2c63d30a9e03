"""What the XML of an .xlsx sheet says that the spreadsheet reader keeps to itself: errors, hidden rows, its extent.

Scans the packed sheet as a stream, and looks closer only at blocks that hold what is searched for.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO

from importer.errors import SourceError
from importer.sources.workbook_parts import Book

_BLOCK = 1 << 18
_CARRY = 1 << 15
_LETTERS = 26
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_NUMBER = re.compile(rb'\sr="(\d{1,10})"')
_HIDDEN = re.compile(rb'\shidden="(?:1|true)"')
_WIDE = re.compile(rb' r="([A-Z]{2,4})\d{1,10}"[^>]*(?<!/)>')
_ERROR = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\st="e")[^>]*\sr="([A-Z]{1,3})(\d{1,7})"[^>]*>(.{0,2000}?)</(?:\w+:)?c>', re.DOTALL
)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_NO_VALUE = re.compile(
    rb'<(?:\w+:)?c\b[^>]*\sr="([A-Z]{1,3})(\d{1,7})"[^>]*>'
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*"([^"]*)"')


@dataclass(slots=True)
class SheetFacts:
    """Rows count from 1, columns from 0. `missing` is what a cell shows instead of a value; "" is a bare formula."""

    hidden_rows: set[int] = field(default_factory=set)
    missing: dict[tuple[int, int], str] = field(default_factory=dict)
    rows: int = 0
    width: int = _LETTERS


def sheet_facts(book: Book, name: str, index: int) -> SheetFacts:
    """Scan the sheet at that place in the workbook. An unusual workbook gives fewer facts, not wrong ones."""
    facts = SheetFacts()
    try:
        with zipfile.ZipFile(book) as archive:
            member = member_of(archive, index)
            if member is None:
                return facts
            with archive.open(member) as stream:
                _scan(stream, facts)
    except (zipfile.BadZipFile, OSError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError("list_damaged", name=name, reason=str(error)) from error
    return facts


def member_of(archive: zipfile.ZipFile, index: int) -> str | None:
    """The name of a sheet's part, found the way that the format prescribes: by relation, not by number."""
    relations = "xl/_rels/workbook.xml.rels"
    if not {"xl/workbook.xml", relations} <= set(archive.namelist()):
        return None
    sheets = [attributes(m) for m in _SHEET.findall(archive.read("xl/workbook.xml"))]
    if index >= len(sheets):
        return None
    return related(archive, relations, next((v for k, v in sheets[index].items() if k.endswith(":id")), ""))


def related(archive: zipfile.ZipFile, relations: str, name: str) -> str | None:
    """The part of a workbook that goes by this name among its relations, if there is one."""
    found = [attributes(m) for m in _RELATION.findall(archive.read(relations))]
    target = next((r.get("Target", "") for r in found if r.get("Id") == name), "")
    member = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    return member if member in archive.namelist() else None


def attributes(tag: bytes) -> dict[str, str]:
    return {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in _ATTRIBUTE.findall(tag)}


def _scan(stream: IO[bytes], facts: SheetFacts) -> None:
    carry = b""
    while block := stream.read(_BLOCK):
        text = carry + block
        cut = max(text.rfind(b"/c>") + 3, text.rfind(b":c>") + 3, text.rfind(b"<row"), len(text) - _CARRY)
        _look(text[:cut], facts)
        carry = text[cut:]
    _look(carry, facts)


def _look(text: bytes, facts: SheetFacts) -> None:
    last = text.rfind(b"row ")
    if last >= 0 and (number := _NUMBER.search(text, last)):
        facts.rows = max(facts.rows, int(number[1]))
    for wide in _WIDE.finditer(text):
        facts.width = max(facts.width, column_number(wide[1]) + 1)
    if b"hidden=" in text:
        for tag in _ROW.findall(text):
            if _HIDDEN.search(tag) and (number := _NUMBER.search(tag)):
                facts.hidden_rows.add(int(number[1]))
    if b't="e"' in text:
        for column, row, inner in _ERROR.findall(text):
            value = _VALUE.search(inner)
            facts.missing[int(row), column_number(column)] = (value[1] if value else b"#ERROR").decode(
                "ascii", "replace"
            )
    if b"<f" in text or b":f" in text:
        for column, row in _NO_VALUE.findall(text):
            facts.missing.setdefault((int(row), column_number(column)), "")


def column_letters(number: int) -> bytes:
    """0 is A, 25 is Z, 26 is AA."""
    letters = b""
    number += 1
    while number:
        number, letter = divmod(number - 1, _LETTERS)
        letters = bytes([65 + letter]) + letters
    return letters


def column_number(letters: bytes) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * _LETTERS + letter - 64
    return number - 1
