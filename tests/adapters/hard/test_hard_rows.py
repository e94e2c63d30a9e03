"""Each hard row and cell, in each format in which it occurs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hard_cells import CELLS, Cell
from hard_files import FILES, OFFICE, WRITERS, cells, texts
from hard_rows import GTIN, ROWS, Row
from outcomes import Staged, staged
from python_calamine import load_workbook

from importer.words.language import language

_BOOKS = ("xlsxwriter", "openpyxl", "xlsb")


@cache
def found(name: str, form: str) -> Staged:
    """What becomes of the rows (name: rows or cells), all of them in one list."""
    if form.startswith("office_"):
        return staged(office(name, form))
    with TemporaryDirectory() as directory:
        path = Path(directory) / "list"
        WRITERS[form](path, texts() if name == "rows" else cells())
        return staged(path)


def office(name: str, form: str) -> Path:
    extension = form.removeprefix("office_")
    return (FILES / "office" if extension == "xlsx" else FILES) / f"{name}.{extension}"


def check(case: Row | Cell, at: int, result: Staged, code: str) -> None:
    key = at + 2
    if code:
        assert key in result.rejects
        assert result.rejects[key].code == code
        assert code != case.code or case.words in language("en").say(result.rejects[key])
        return
    serial, batch = result.sent[key]
    told = {"GTIN": result.batches[batch].gtin, "batch": result.batches[batch].batch}
    told["expiry"] = result.batches[batch].expiry
    what, _, value = case.sent.rpartition(" ")
    assert told.get(what, serial) == value


_FORMS = [*WRITERS, *(f"office_{extension}" for extension in OFFICE)]
_BOOK_FORMS = [form for form in _FORMS if form in _BOOKS or form.startswith("office_")]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("at", [pytest.param(at, id=row.id) for at, row in enumerate(ROWS)])
def test_each_hard_row_comes_to_what_it_must(at: int, form: str) -> None:
    check(ROWS[at], at, found("rows", form), ROWS[at].code)


@pytest.mark.parametrize("form", _BOOK_FORMS)
@pytest.mark.parametrize("at", [pytest.param(at, id=cell.id) for at, cell in enumerate(CELLS)])
def test_each_hard_cell_comes_to_what_it_must(at: int, form: str) -> None:
    cell = CELLS[at]
    check(cell, at, found("cells", form), (form == "office_ods" and cell.in_ods) or cell.code)


@pytest.mark.parametrize("form", _BOOKS)
def test_a_row_of_nothing_but_errors_is_a_row(tmp_path: Path, form: str) -> None:
    good = ["A1", GTIN, "B1", "281130"]
    WRITERS[form](tmp_path / "list", [good, ["=!#N/A"] * 4, ["B1", *good[1:]]])
    assert staged(tmp_path / "list").codes() == {3: "error_cell"}


@pytest.mark.parametrize("extension", OFFICE)
@pytest.mark.parametrize(("name", "cases"), [("rows", ROWS), ("cells", CELLS)])
def test_the_files_of_libreoffice_are_those_of_the_tables(name: str, cases: list[Any], extension: str) -> None:
    rows = load_workbook(str(office(name, f"office_{extension}"))).get_sheet_by_index(0).to_python()
    assert [row[4] for row in rows[1:]] == [case.id for case in cases], "run tests/adapters/hard/hard_files.py"
