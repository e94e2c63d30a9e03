"""Rows that are kept as they were read are the rows that the file gives, part by part and one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.readers.opening import open_source
from importer.sources.options import SourceOptions
from importer.web.as_read import AsRead, Keeping

HEADER = "SerialNumber,GTIN,Batch,ExpirationDate\n"


@pytest.fixture
def kept(tmp_path: Path) -> AsRead:
    path = tmp_path / "list.csv"
    rows = "".join(f"S{number},09520001010019,B1,281231{',more' if number == 77 else ''}\n" for number in range(90_000))
    path.write_text(HEADER + rows)
    keeping = Keeping(open_source(path, SourceOptions()), tmp_path / "rows.arrow")
    assert sum(rows.table.num_rows for rows in keeping) == 90_000
    assert keeping.kept
    return keeping.kept


def test_they_can_be_read_again_and_again(kept: AsRead) -> None:
    for _ in range(2):
        rows = list(kept)
        assert sum(one.table.num_rows for one in rows) == 90_000
        assert [fault.code for one in rows for fault in one.faults.values()] == ["row_width"]
        assert rows[-1].table["serial"][-1].as_py() == "S89999"


def test_single_rows_are_found_by_their_keys_wherever_they_stand(kept: AsRead) -> None:
    found = kept.rows([90_001, 79, 2, 90_002, 1])
    assert found.table["key"].to_pylist() == [2, 79, 90_001]
    assert found.table["serial"].to_pylist() == ["S0", "S77", "S89999"]
    assert {place: fault.code for place, fault in found.faults.items()} == {1: "row_width"}


def test_what_still_reads_them_may_go_on_when_they_are_forgotten(kept: AsRead, tmp_path: Path) -> None:
    rows = iter(kept)
    first = next(rows)
    kept.forget()
    assert not (tmp_path / "rows.arrow").exists()
    assert first.table.num_rows + sum(one.table.num_rows for one in rows) == 90_000


def test_a_disk_that_takes_no_more_costs_nothing_but_speed(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}S1,09520001010019,B1,281231\n")
    keeping = Keeping(open_source(path, SourceOptions()), tmp_path / "missing" / "rows.arrow")
    assert [rows.table.num_rows for rows in keeping] == [1]
    assert keeping.kept is None
