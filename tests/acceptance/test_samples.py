"""What the sample lists hold, and what becomes of it: sample_data/make.py says how each was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from commands import Importer
from readback import Report

SAMPLES = Path(__file__).parents[2] / "sample_data"


def test_the_clean_sample_is_assigned_whole(importer: Importer, report: Callable[[], Report]) -> None:
    done = importer("run", "--sandbox", SAMPLES / "clean.csv")
    assert (done.code, report().outcomes) == (0, {"assigned": 2400})
    assert len(report().summary["batches"]) == 5


def test_of_the_messy_sample_each_row_that_is_wrong_says_why(importer: Importer, report: Callable[[], Report]) -> None:
    done = importer("run", "--sandbox", SAMPLES / "messy.csv")
    assert (done.code, report().outcomes) == (3, {"assigned": 563, "duplicate": 5, "rejected": 18})
    assert report().summary["codes"] == {
        "conflict_in_source": 2,
        "expiry_impossible": 1,
        "expiry_yyyymm": 1,
        "gtin_check_digit": 3,
        "gtin_exponent": 1,
        "row_width": 2,
        "serial_character": 3,
        "serial_lookalike": 1,
        "serial_missing": 2,
        "serial_too_long": 2,
    }
    serials = {line.serial for line in report().assigned}
    assert {"00012", "1E5", "NA", "000777", '"q', "a;b", "-1"} <= serials


def test_of_the_workbook_only_the_damaged_cells_are_left_out(importer: Importer, report: Callable[[], Report]) -> None:
    done = importer("run", "--sandbox", SAMPLES / "workbook.xlsx")
    assert (done.code, report().outcomes) == (3, {"assigned": 1191, "rejected": 9})
    assert [(line.row, line.code) for line in report().not_assigned] == [
        (41, "serial_numeric_cell"),
        (42, "serial_numeric_cell"),
        (91, "serial_digits_lost"),
        (92, "serial_digits_lost"),
        (643, "serial_numeric_cell"),
        (644, "serial_numeric_cell"),
        (701, "error_cell"),
        (951, "batch_numeric_cell"),
        (952, "batch_numeric_cell"),
    ]
