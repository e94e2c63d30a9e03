"""A list without a header, recognised by its values: only where no other reading is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEAST_ROWS = 3
_LEAST_SERIAL = 8
_GTIN_LENGTHS = (8, 12, 13, 14)
_DATE = re.compile(
    r"\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
    r"|20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])"
    r"|([0-2]?\d|3[01])[./](0?[1-9]|1[0-2])[./]20\d\d"
    r"|(0?[1-9]|1[0-2])/20\d\d"
)
_CODE = re.compile(r"[!-~]{1,20}")


def recognise(records: Sequence[Sequence[str]], wanted: Sequence[str]) -> dict[str, int] | None:
    """The position of each wanted role, or None where there is any doubt.

    There must be as many columns as roles, a proven GTIN and a date in every row from the first one on, and of the
    other two columns one that never repeats and one that does.
    """
    rows = [[c.strip() for c in r] for r in records if any(c.strip() for c in r)]
    if len(rows) < _LEAST_ROWS or {len(r) for r in rows} != {len(wanted)}:
        return None
    columns = dict(enumerate(zip(*rows, strict=True)))
    found: dict[str, int] = {}
    for role, test in (("gtin", is_gtin), ("expiry", _is_date)):
        fits = [p for p, column in columns.items() if all(map(test, column))]
        if len(fits) != (role in wanted):
            return None
        for position in fits:
            found[role] = position
            del columns[position]
    return _codes(columns, found, wanted)


def _codes(columns: dict[int, tuple[str, ...]], found: dict[str, int], wanted: Sequence[str]) -> dict[str, int] | None:
    if not all(_CODE.fullmatch(v) for column in columns.values() for v in column):
        return None
    serials = [p for p, column in columns.items() if len(set(column)) == len(column)]
    batches = [p for p, column in columns.items() if len(set(column)) * 2 <= len(column)]
    if len(serials) != 1 or len(batches) != ("batch" in wanted) or len(columns) != 1 + len(batches):
        return None
    if not found and not _alike(columns[serials[0]]):
        return None
    return {**found, "serial": serials[0], **({"batch": batches[0]} if batches else {})}


def _alike(serials: Sequence[str]) -> bool:
    """Nothing proves that the first row is no header, except that it is made like all the others."""
    return (
        len({len(s) for s in serials}) == 1
        and len(serials[0]) >= _LEAST_SERIAL
        and all(any(c.isdigit() for c in s) for s in serials)
    )


def is_gtin(text: str) -> bool:
    """Whether the check digit proves it (GS1 General Specifications, 7.9)."""
    if not (text.isascii() and text.isdigit() and len(text) in _GTIN_LENGTHS and text.strip("0")):
        return False
    digits = [int(c) for c in text.zfill(14)]
    return sum(d * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits)) % 10 == 0


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None
