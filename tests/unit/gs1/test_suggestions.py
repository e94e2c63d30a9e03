from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from importer.gs1.suggestions import looks_like, suggested

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("code", "role", "text", "values", "expected"),
    [
        pytest.param("serial_character", "serial", "S 1 2", {}, "S12", id="spaces"),
        pytest.param("serial_character", "serial", "S\u00a01", {}, "S1", id="no-break space"),
        pytest.param("serial_lookalike", "serial", "АB1", {}, "AB1", id="Cyrillic"),  # noqa: RUF001
        pytest.param("batch_lookalike", "batch", "B–1", {}, "B-1", id="dash"),  # noqa: RUF001
        pytest.param("serial_character", "serial", "S#1", {}, None, id="nothing that it could be"),
        pytest.param("serial_too_long", "serial", "A" * 21, {}, None, id="too long"),
        pytest.param("serial_character", "serial", "A " * 21, {}, None, id="too long without its spaces"),
        pytest.param("gtin_lookalike", "gtin", "0952000101OO19", {}, "09520001010019", id="letter O"),
        pytest.param("gtin_check_digit", "gtin", "09520001010018", {}, None, id="a wrong check digit proves nothing"),
        pytest.param("expiry_zero_lost", "expiry", "80131", {}, "080131", id="zero of a date"),
        pytest.param("suspect_common_mark", "serial", "'A1", {"mark": "'"}, "A1", id="mark"),
        pytest.param("suspect_common_mark", "serial", "A1=", {"mark": "=", "case": "end"}, "A1", id="mark behind"),
        pytest.param("suspect_zeros_lost", "serial", "123", {"usual": 6}, "000123", id="zeros of a serial"),
        pytest.param("serial_missing", "serial", "", {}, None, id="nothing there"),
        pytest.param("row_width", "", "", {}, None, id="no cell is to blame"),
    ],
)
def test_a_suggestion_is_legal_or_none(
    code: str, role: str, text: str, values: dict[str, Any], expected: str | None
) -> None:
    assert suggested(code, role, text, values, today=TODAY) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("09520001010018", True),
        ("09520001011019", True),
        ("09520001001019", True),
        ("09520001010019", False),
        ("09520002010018", False),
        ("9520001010019", False),
    ],
)
def test_a_gtin_with_one_slip_looks_like_a_known_one(value: str, expected: bool) -> None:
    assert looks_like(value, "09520001010019") is expected
