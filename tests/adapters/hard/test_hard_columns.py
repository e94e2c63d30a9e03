"""Each hard column, in each format that can hold it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hard_columns import COLUMNS, Column
from hard_files import BOOKS, WRITERS
from outcomes import staged

_FORMS = {**WRITERS, **BOOKS}


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("column", [pytest.param(column, id=column.id) for column in COLUMNS])
def test_each_hard_column_comes_to_what_it_must(column: Column, form: str, tmp_path: Path) -> None:
    if column.cells and form not in BOOKS:
        pytest.skip("a text holds no native cells")
    path = tmp_path / "list"
    _FORMS[form](path, column.rows())
    found = staged(path)
    assert {row - 1: code for row, code in found.codes().items()} == dict(column.codes)
    assert {code: found.notes.get(code, 0) for code in column.warnings} == dict(column.warnings)
    expiries = [found.batches[group].expiry for _, (_, group) in sorted(found.sent.items())]
    assert not column.sent or expiries == list(column.sent)
