from __future__ import annotations

import pytest

from importer.sources.month_cells import shows_month
from importer.sources.sheet_xlsx import column_letters, column_number


@pytest.mark.parametrize(
    "form",
    [
        *("mmm-yy", r"mmm\-yy", "mm/yyyy", r"mm\/yyyy;@", "[$-407]mmmm yyyy;@", "yyyy-mm", "MMMM YYYY", "m.yyyy"),
        *('yyyy"年"m"月"', "[$-409]mmm yy;@", '"exp. "mm/yy'),
    ],
)
def test_a_format_that_shows_only_month_and_year_is_known(form: str) -> None:
    assert shows_month(form)


@pytest.mark.parametrize(
    "form",
    [
        *("General", "@", "0.00", "dd.mm.yyyy", "d-mmm", "d-mmm-yy", "mm:ss", "h:mm", "yyyy", "mmm", "m/d/yy h:mm"),
        *("[$-F800]dddd, mmmm dd, yyyy", "[h]:mm:ss", '"my"0', ""),
    ],
)
def test_any_other_format_is_none(form: str) -> None:
    assert not shows_month(form)


@pytest.mark.parametrize(("number", "letters"), [(0, b"A"), (25, b"Z"), (26, b"AA"), (701, b"ZZ"), (702, b"AAA")])
def test_columns_have_letters(number: int, letters: bytes) -> None:
    assert column_letters(number) == letters
    assert column_number(letters) == number
