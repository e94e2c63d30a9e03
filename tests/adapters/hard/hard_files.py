"""Writes the hard rows in each format. As a program, it makes the files that only LibreOffice can write, and an .xlsb:

python tests/adapters/hard/hard_files.py
"""

from __future__ import annotations

import csv
import datetime as dt
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from hard_cells import CELLS
from hard_rows import GTIN, ROWS
from ods import write_ods
from shown import Shown
from xls import write_xls
from xlsb import write_xlsb

FILES = Path(__file__).parent / "files"
HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate", "Case")


def texts() -> list[list[str]]:
    """The hard rows; what is left open is something of each row's own."""
    return [
        [
            f"OK{number}" if row.serial is None else row.serial,
            GTIN if row.gtin is None else row.gtin,
            f"L{number}" if row.batch is None else row.batch,
            "281130" if row.expiry is None else row.expiry,
            row.id,
        ]
        for number, row in enumerate(ROWS)
    ]


def cells() -> list[list[Any]]:
    return [
        [
            f"OK{number}" if cell.serial is None else cell.serial,
            GTIN if cell.gtin is None else cell.gtin,
            f"L{number}" if cell.batch is None else cell.batch,
            "281130" if cell.expiry is None else cell.expiry,
            cell.id,
        ]
        for number, cell in enumerate(CELLS)
    ]


def write_csv(path: Path, rows: Sequence[Sequence[Any]], delimiter: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([HEADER, *rows])


def write_xlsxwriter(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([HEADER, *rows]):
            for place, value in enumerate(row):
                if isinstance(value, str) and value[:2] == "=!":
                    sheet.write_formula(number, place, f"={value[2:]}", None, value[2:])
                elif isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif isinstance(value, Shown):
                    sheet.write_number(number, place, value.value, workbook.add_format({"num_format": value.form}))
                else:
                    sheet.write(number, place, value)


def write_openpyxl(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for number, row in enumerate([HEADER, *rows], 1):
        for place, value in enumerate(row, 1):
            cell = sheet.cell(number, place)
            error = isinstance(value, str) and value[:2] == "=!"
            cell.value = value.value if isinstance(value, Shown) else value[2:] if error else value
            if isinstance(value, str):
                cell.data_type = "e" if error else "s"
            elif isinstance(value, dt.date):
                cell.number_format = "dd.mm.yyyy"
            elif isinstance(value, Shown):
                cell.number_format = value.form
    workbook.save(path)


WRITERS: dict[str, Callable[[Path, Sequence[Sequence[Any]]], None]] = {
    "csv": write_csv,
    "csv_semicolon_utf16": lambda path, rows: write_csv(path, rows, ";", "utf-16"),
    "tab_with_mark": lambda path, rows: write_csv(path, rows, "\t", "utf-8-sig"),
    "xlsxwriter": write_xlsxwriter,
    "openpyxl": write_openpyxl,
    "xlsb": lambda path, rows: write_xlsb(path, [HEADER, *rows]),
}
BOOKS: dict[str, Callable[[Path, Sequence[Sequence[Any]]], None]] = {
    **{name: WRITERS[name] for name in ("xlsxwriter", "openpyxl", "xlsb")},
    "xls": lambda path, rows: write_xls(path, [HEADER, *rows]),
    "ods": lambda path, rows: write_ods(path, [HEADER, *rows]),
}
"""Formats of workbooks, which show numbers in formats of their own."""
OFFICE = ("xls", "ods", "xlsx")


def make() -> None:
    write_xlsb(FILES / "cells.xlsb", [HEADER, *cells()])
    with tempfile.TemporaryDirectory() as directory:
        for name, rows in (("rows", texts()), ("cells", cells())):
            path = Path(directory) / f"{name}.xlsx"
            write_xlsxwriter(path, rows)
            for extension in OFFICE:
                target = FILES if extension != "xlsx" else FILES / "office"
                command = ["soffice", "--headless", "--convert-to", extension, "--outdir", str(target), str(path)]
                subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    make()
