"""Serials that spreadsheets and careless readers spoil arrive at the API and in the report as they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Importer
from conftest import StartBox
from lists import BATCH, EXPIRY, HARD_SERIALS, TABLETS, write_csv, write_xlsx
from readback import Report, reports

ROWS = [(serial, TABLETS, BATCH, EXPIRY) for serial in HARD_SERIALS]
WRITERS = [pytest.param((write_csv, "list.csv"), id="csv"), pytest.param((write_xlsx, "list.xlsx"), id="xlsx")]
Writer = tuple[Callable[..., Path], str]


@pytest.mark.parametrize("writer", WRITERS)
def test_they_arrive_as_they_stand(
    writer: Writer, importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    box = sandbox()
    write, name = writer
    done = importer("run", write(importer.cwd / name, ROWS), env=box.env)
    assert done.code == 0
    assert box.commissioned() == {(TABLETS, serial) for serial in HARD_SERIALS}
    assert [line.serial for line in report().assigned] == list(HARD_SERIALS)

    fields = [row[0] for row in report().raw("assigned.csv")[1:]]
    assert [field for field in fields if field not in HARD_SERIALS] == ['="=1+1"', '="-1"']

    header, *cells = report().sheet("Assigned")
    column = [str(name).casefold() for name in header].index("serialnumber")
    assert [row[column] for row in cells] == list(HARD_SERIALS)
    assert all(isinstance(value, str) for value in (row[column] for row in cells))


def test_those_that_were_not_assigned_go_through_the_report_and_back_in(
    importer: Importer, sandbox: StartBox, report: Callable[[], Report]
) -> None:
    refusing, box = sandbox(*(f"refused={serial}" for serial in HARD_SERIALS), file="refusing.db"), sandbox()
    source = write_csv(importer.cwd / "list.csv", ROWS)
    assert importer("run", source, env={**refusing.env, "IMPORTER_LIMITS__MAX_FAILURE_PERCENT": "0"}).code == 3
    assert [line.serial for line in report().not_assigned] == list(HARD_SERIALS)

    again = report().directory / "not_assigned.csv"
    assert importer("run", again, "--report-dir", "again", env=box.env).code == 0
    assert box.commissioned() == {(TABLETS, serial) for serial in HARD_SERIALS}
    (second,) = reports(importer.cwd / "again")
    assert [line.serial for line in second.assigned] == list(HARD_SERIALS)
