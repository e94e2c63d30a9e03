"""Lists to import, with made-up products under GS1's prefix for examples, and good check digits."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter

HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
Row = tuple[str, ...]


def gtin_of(first13: str) -> str:
    """A GTIN with its check digit."""
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(first13))
    return first13 + str(-total % 10)


TABLETS, DROPS, SYRINGE = (gtin_of(f"095200010{number}") for number in ("1001", "1002", "2001"))
BATCH, EXPIRY = "B1", "491130"
HARD_SERIALS = ("00012", "1E5", "NA", "null", "=1+1", '"q', "a,b", "-1")
"""What pandas and spreadsheets spoil."""


def packs(
    count: int, gtin: str = TABLETS, batch: str = BATCH, expiry: str = EXPIRY, *, prefix: str = "S", first: int = 1
) -> list[Row]:
    """Rows for so many packs: S00001, S00002, …"""
    return [(f"{prefix}{number:05}", gtin, batch, expiry) for number in range(first, first + count)]


def write_csv(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_xlsx(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    """Every cell is a text cell."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        text = book.add_format({"num_format": "@"})
        for number, row in enumerate([header, *rows]):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value, text)
    return path
