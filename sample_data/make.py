"""Makes the sample lists anew, the same ones each time: made-up products and serials under GS1's prefix for examples.

python sample_data/make.py
"""
# ruff: noqa: S311  its dice decide nothing

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path

import xlsxwriter

HERE = Path(__file__).parent
HEADER = ("SerialNumber", "GTIN", "Batch", "ExpirationDate")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
Row = tuple[str, ...]


def gtin(first13: str) -> str:
    """A GTIN with its check digit."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(first13))
    return first13 + str(-total % 10)


TABLETS, DROPS, SYRINGE = gtin("0952000101001"), gtin("0952000101002"), gtin("0952000102001")


class Line:
    """A packaging line: gives out serials, none of them twice."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def serial(self, length: int = 20) -> str:
        return "".join(self._dice.choices(ALPHABET, k=length))

    def packs(self, count: int, product: str, batch: str, expiry: str) -> list[Row]:
        return [(self.serial(), product, batch, expiry) for _ in range(count)]

    def scatter(self, rows: list[Row], among: list[Row]) -> list[Row]:
        """The rows put in between others, in the order that they have."""
        places = sorted(self._dice.sample(range(1, len(among)), len(rows)), reverse=True)
        mixed = list(among)
        for place, row in zip(places, reversed(rows), strict=True):
            mixed.insert(place, row)
        return mixed


def make_clean() -> None:
    """2,400 packs of three products in five batches, with nothing to complain of."""
    line = Line(1)
    rows = [
        *line.packs(640, TABLETS, "TB2611A", "281130"),
        *line.packs(480, TABLETS, "TB2611B", "281231"),
        *line.packs(512, DROPS, "DR-26/047", "280630"),
        *line.packs(384, DROPS, "DR-26/048", "280731"),
        *line.packs(384, SYRINGE, "SY04719", "290228"),
    ]
    with (HERE / "clean.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(", ".join((*HEADER, "ManufacturingDate")) + "\r\n")
        csv.writer(file).writerows((*row, "261105") for row in rows)


def make_messy() -> None:
    """About 600 rows as they come from a planner's desk: semicolons, German headers, and everything that goes wrong."""
    line = Line(2)
    good = [
        *line.packs(300, TABLETS, "TB2612A", "281231"),
        *((s, g[1:], b, "31.01.2029") for s, g, b, _ in line.packs(200, DROPS, "DR-26/051", "")),
        *line.packs(50, SYRINGE, "SY04720", "290331"),
        *line.packs(6, SYRINGE, "SY03977", "240630"),
        *((s, TABLETS, "TB2612A", "281231") for s in ("00012", "1E5", "NA", '="000777"', '"q', "a;b", "-1")),
    ]
    wrong = [*_wrong_codes(line), *_wrong_rows(line), *_conflict(line), *_duplicates(good)]
    rows = line.scatter([("",), ("", "", "", ""), ("",)], line.scatter(wrong, good))
    with (HERE / "messy.csv").open("w", encoding="utf-8-sig", newline="") as file:
        file.write("Seriennummer;GTIN;Ch.-B.;Verwendbar bis\r\n")
        writer = csv.writer(file, delimiter=";")
        for row in rows:
            if any(row):
                writer.writerow(row)
            else:
                file.write(";".join(row) + "\r\n")
        file.write(f"Summe;;;{len(good) + len(wrong)}\r\n")


def _wrong_codes(line: Line) -> list[Row]:
    batch = ("TB2612A", "281231")
    bad_check = TABLETS[:-1] + str((int(TABLETS[-1]) + 1) % 10)
    serials = [
        f"{line.serial(9)} {line.serial(9)}",
        f"{line.serial(9)}#{line.serial(9)}",
        f"{line.serial(9)}\u0410{line.serial(9)}",
        f"{line.serial(9)}\u00e4{line.serial(9)}",
        line.serial(21),
        line.serial(24),
        "",
        "",
    ]
    return [
        *((line.serial(), bad_check, *batch) for _ in range(3)),
        (line.serial(), "9,52E+12", *batch),
        *((serial, TABLETS, *batch) for serial in serials),
    ]


def _wrong_rows(line: Line) -> list[Row]:
    """A field too few, a field too many, a month that does not exist, a year and month where a date belongs."""
    return [
        (line.serial(), TABLETS, "TB2612A"),
        (line.serial(), TABLETS, "TB2612A", "281231", "see mail"),
        (line.serial(), TABLETS, "TB2612A", "281331"),
        (line.serial(), TABLETS, "TB2612A", "202812"),
    ]


def _conflict(line: Line) -> list[Row]:
    """One pack in two batches: nothing tells which one is right."""
    serial = line.serial()
    return [(serial, TABLETS, "TB2612A", "281231"), (serial, TABLETS, "TB2612B", "281231")]


def _duplicates(good: list[Row]) -> list[Row]:
    return good[10:15]


def make_workbook() -> None:
    """1,200 packs in a workbook with a title; a dozen cells were damaged by the spreadsheet."""
    line = Line(3)
    rows = [
        *line.packs(500, TABLETS, "TB2701A", "290131"),
        *line.packs(400, DROPS, "DR-27/003", "290228"),
        *line.packs(300, SYRINGE, "40720", "290331"),
    ]
    with xlsxwriter.Workbook(str(HERE / "workbook.xlsx")) as book:
        book.set_properties({"created": dt.datetime(2026, 11, 16, tzinfo=dt.UTC)})
        sheet = book.add_worksheet("Serials")
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True})
        sheet.set_column(0, 3, 24, text)
        sheet.write_string(0, 0, "Serial numbers for release, week 47", bold)
        for column, name in enumerate(("Serial number", "GTIN", "Lot", "Expiry date")):
            sheet.write_string(2, column, name, bold)
        for number, row in enumerate(rows, 3):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value, text)
        _damage(sheet)
        book.add_worksheet("Notes").write_string(0, 0, "Exported from the line, then edited by hand.")


def _damage(sheet: xlsxwriter.worksheet.Worksheet) -> None:
    for row, number in ((40, 12), (41, 48151623), (642, 220), (643, 3141592)):
        sheet.write_number(row, 0, number)
    for row, number in ((90, 12345678901234567890), (91, 98765432109876543210)):
        sheet.write_number(row, 0, number)
    for row in (950, 951):
        sheet.write_number(row, 2, 40720)
    for row in (120, 121, 122):
        sheet.write_number(row, 1, int(TABLETS))
    sheet.write_formula(700, 0, "=NA()", None, "#N/A")


if __name__ == "__main__":
    make_clean()
    make_messy()
    make_workbook()
