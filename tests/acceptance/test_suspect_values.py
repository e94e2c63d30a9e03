"""What a column shows to be damaged is held back until a person says that it is right."""

from __future__ import annotations

import csv
from pathlib import Path

from commands import Importer
from lists import HEADER, TABLETS, write_csv

COLLAPSED = [("1.23457E+17", TABLETS, "B1", "281130")] * 5
EVENING = [("A1", TABLETS, "B2", "2028-11-29T23:00:00Z")]


def test_damaged_serials_are_held_back_and_none_of_them_is_a_duplicate(importer: Importer, tmp_path: Path) -> None:
    done = importer("run", "--sandbox", "--json", str(write_csv(tmp_path / "list.csv", COLLAPSED, HEADER)))
    assert done.code == 3
    summary = done.json
    assert summary["outcomes"]["rejected"] == 5
    assert summary["codes"] == {"suspect_exponents": 5}
    held = next((importer.cwd / "reports").glob("*/not_assigned.csv"))
    with held.open(encoding="utf-8-sig", newline="") as file:
        (row, *_) = csv.DictReader(file)
    assert "5 of 5" in row["message"]
    assert "--accept suspect_exponents" in row["message"]


def test_what_a_person_accepts_is_sent_and_the_run_says_so(importer: Importer, tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "list.csv", [*COLLAPSED, *EVENING], HEADER))
    accept = ["--accept", "suspect_exponents", "--accept", "suspect_time_of_day"]
    done = importer("run", "--sandbox", "--json", *accept, path)
    assert (done.code, done.json["outcomes"]["assigned"], done.json["outcomes"]["duplicate"]) == (0, 2, 4)
    assert {batch["expiry_date"] for batch in done.json["batches"]} == {"281130", "281129"}
    assert done.json["warnings"] == {"suspect_exponents": 5, "suspect_time_of_day": 1, "serial_looks_damaged": 5}
    assert done.json["settings"]["input"]["accept"] == ["suspect_exponents", "suspect_time_of_day"]


def test_check_shows_what_would_be_held_back(importer: Importer, tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "list.csv", COLLAPSED, HEADER))
    assert importer("check", path).code == 3
    assert importer("check", "--accept", "suspect_exponents", path).code == 0


def test_a_code_that_can_t_be_accepted_names_those_that_can(importer: Importer, tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "list.csv", COLLAPSED, HEADER))
    done = importer("run", "--sandbox", "--accept", "suspect_exponent", path)
    assert done.code == 2
    assert "suspect_exponents" in done.err


def test_the_rows_that_were_held_back_go_out_when_they_are_accepted(importer: Importer, tmp_path: Path) -> None:
    importer("run", "--sandbox", str(write_csv(tmp_path / "list.csv", COLLAPSED, HEADER)))
    held = next((importer.cwd / "reports").glob("*/not_assigned.csv"))
    assert importer("run", "--sandbox", str(held)).code == 3
    assert importer("run", "--sandbox", "--accept", "suspect_exponents", str(held)).code == 0
