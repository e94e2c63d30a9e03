"""What was rejected stays rejected when a list of the importer's own comes back, until a person has changed it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from boxes import Box
from commands import Importer
from conftest import StartBox
from lists import HEADER, packs, write_csv
from readback import Report, reports

LOST = ("12", "220", "1.23456789012346E+19")
"""What a spreadsheet has made of 0012, 22E1 and 12345678901234567890; a CSV does not show it any more."""


def damaged(importer: Importer) -> Path:
    """A workbook with two right rows, and three whose serials are numbers."""
    path = importer.cwd / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for number, row in enumerate([*packs(2), *(("", *packs(1)[0][1:]) for _ in LOST)], 1):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value)
        for number, serial in enumerate((12, 220, 12345678901234567890), 3):
            sheet.write_number(number, 0, serial)
    return path


@pytest.fixture
def rejected(importer: Importer, box: Box) -> Report:
    """The report of a run of `damaged`, two of whose rows went out."""
    assert importer("run", damaged(importer), env=box.env).code == 3
    (report,) = reports(importer.cwd / "reports")
    assert [line.serial for line in report.not_assigned] == [*LOST]
    return report


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def saved(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def as_it_is(report: Report) -> Path:
    return report.directory / "not_assigned.csv"


def saved_by_a_spreadsheet(report: Report) -> Path:
    """It shows six digits of a number, and drops the zero in front of a GTIN."""
    rows = rows_of(as_it_is(report))
    rows[1:] = [[row[0].replace(LOST[2], "1,23457E+19"), row[1].lstrip("0"), *row[2:]] for row in rows[1:]]
    return saved(report.directory / "saved.csv", rows, ";")


def as_a_workbook(report: Report) -> Path:
    """The sheet of report.xlsx, in a workbook of its own."""
    book = openpyxl.load_workbook(report.directory / "report.xlsx")
    for name in set(book.sheetnames) - {"Not assigned"}:
        del book[name]
    path = report.directory / "wrong.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("spelled", [as_it_is, saved_by_a_spreadsheet, as_a_workbook])
@pytest.mark.parametrize("ledger", ["importer.db", "other.db"])
def test_unchanged_rows_stay_rejected_for_the_same_reason(
    spelled: Callable[[Report], Path], ledger: str, importer: Importer, rejected: Report, box: Box
) -> None:
    sent = len(box.requests())
    done = importer("run", spelled(rejected), "--ledger", ledger, "--json", env=box.env)
    assert (done.code, done.json["outcomes"]["rejected"], len(box.requests())) == (3, 3, sent)
    again = Report(importer.cwd / done.json["report"])
    before = {line.row: (line.code, line.message) for line in rejected.not_assigned}
    assert [(line.code, line.message) for line in again.not_assigned] == list(before.values())
    assert "They stay rejected until" in done.json["reading"]["remarks"][-1]


def test_a_changed_value_or_an_emptied_code_is_checked_like_any_other(
    importer: Importer, rejected: Report, box: Box
) -> None:
    header, *rows = rows_of(as_it_is(rejected))
    code = header.index("code")
    rows[0][0] = "0012"
    rows[1][code] = ""
    done = importer("run", saved(importer.cwd / "corrected.csv", [header, *rows]), "--json", env=box.env)
    assert (done.json["outcomes"]["assigned"], done.json["outcomes"]["rejected"]) == (2, 1)
    assert {serial for _, serial in box.commissioned()} == {"S00001", "S00002", "0012", "220"}


def test_what_was_not_rejected_goes_out_again(importer: Importer, sandbox: StartBox) -> None:
    box = sandbox("refused=S00002")
    source = write_csv(importer.cwd / "list.csv", [*packs(3), ("has space", *packs(1)[0][1:])])
    importer("run", source, env=box.env)
    (first,) = reports(importer.cwd / "reports")
    assert {line.outcome for line in first.not_assigned} == {"refused", "rejected"}
    done = importer("run", as_it_is(first), "--json", env=box.env)
    assert (done.json["outcomes"]["refused"], done.json["outcomes"]["rejected"]) == (1, 1)


def test_a_fragment_of_a_row_of_the_wrong_width_is_not_sent(importer: Importer, box: Box) -> None:
    source = importer.cwd / "list.csv"
    write_csv(source, packs(2))
    with source.open("a", encoding="utf-8") as file:
        file.write("AB\n")
    importer("run", source, env=box.env)
    (first,) = reports(importer.cwd / "reports")
    for path in (as_it_is(first), first.directory / "list-marked.csv"):
        done = importer("run", path, "--json", env=box.env)
        assert done.json["codes"].get("row_width") == 1
    assert {serial for _, serial in box.commissioned()} == {"S00001", "S00002"}


def test_a_list_that_happens_to_have_such_columns_is_read_like_any_other(importer: Importer, box: Box) -> None:
    header = (*HEADER, "code", "message")
    source = write_csv(importer.cwd / "list.csv", [(*row, "row_width", "n/a") for row in packs(3)], header)
    assert importer("run", source, "--json", env=box.env).json["outcomes"]["assigned"] == 3
    longer = (*HEADER, "outcome", "code", "message")
    rows = [(*row, "rejected", "B-17", "n/a") for row in packs(3, prefix="T")]
    assert importer("run", write_csv(source, rows, longer), "--json", env=box.env).json["outcomes"]["assigned"] == 3
