"""A report as whoever gets it reads it. It uses nothing of the importer, which would share its mistakes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl


@dataclass(frozen=True)
class Line:
    """A row of assigned.csv or not_assigned.csv."""

    serial: str
    gtin: str
    batch: str
    expiry: str
    row: int
    outcome: str
    code: str
    message: str
    chunk: str
    attempts: str
    recorded_at: str
    sheet: str = ""


def unwrapped(field: str) -> str:
    """The value of a field that is wrapped so that no spreadsheet runs it: `="-1"` is -1."""
    if field.startswith('="') and field.endswith('"') and len(field) > 2:
        return field[2:-1].replace('""', '"')
    return field


class Report:
    """The directory of one run's report."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def run(self) -> str:
        return self.directory.name

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "summary.json").read_text("utf-8"))
        return found

    @property
    def outcomes(self) -> dict[str, int]:
        """Those that occur."""
        return {outcome: rows for outcome, rows in self.summary["outcomes"].items() if rows}

    @property
    def assigned(self) -> list[Line]:
        return list(self._lines("assigned.csv"))

    @property
    def not_assigned(self) -> list[Line]:
        return list(self._lines("not_assigned.csv"))

    @property
    def lines(self) -> list[Line]:
        """All rows, in the order of the source."""
        return sorted([*self.assigned, *self.not_assigned], key=lambda line: (line.sheet, line.row))

    def raw(self, name: str) -> list[list[str]]:
        """A list's fields as they stand in the file, with its header."""
        with (self.directory / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file, strict=True))

    def _lines(self, name: str) -> Iterator[Line]:
        _, *rows = self.raw(name)
        for row in rows:
            serial, gtin, batch, expiry, number, *others = map(unwrapped, row)
            yield Line(serial, gtin, batch, expiry, int(number), *others)

    def sheet(self, name: str) -> list[tuple[Any, ...]]:
        """The values of a sheet of report.xlsx, with its header."""
        book = openpyxl.load_workbook(self.directory / "report.xlsx", read_only=True)
        try:
            return list(book[name].iter_rows(values_only=True))
        finally:
            book.close()


def reports(directory: Path) -> list[Report]:
    """The reports of all runs, oldest first."""
    found = [Report(path) for path in directory.iterdir()]
    return sorted(found, key=lambda report: str(report.summary["started_at"]))


def only_report(directory: Path) -> Report:
    (report,) = reports(directory)
    return report
