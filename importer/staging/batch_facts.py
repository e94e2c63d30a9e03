"""What the batches of a list look like together: batch numbers that a spreadsheet has damaged, or that are slips.

Pure; over the distinct batches of a source, of which there are few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from importer.gs1.characters import show
from importer.gs1.suspect import Suspect
from importer.model import Batch, Reject
from importer.staging.serial_facts import EXPONENT, WORD_DATE

_EXPONENT, _DATE = re.compile(EXPONENT), re.compile(WORD_DATE)
_MARKS = "'\"=*"
_COUNTED = re.compile(r"(.*?)([0-9]{1,9})", re.DOTALL)
_SERIES = 10
"""So many batches at least: one pack each of ten consecutive batches is hardly a shipment."""
_FEW_TIMES = 10
"""A slip has at most one row for so many of the batch that was meant."""
_MOST = 10_000
"""Batches of one product among which slips are looked for."""


def suspects(batches: Sequence[Batch]) -> dict[int, Reject]:
    """Batches that are suspect, by their number, with the reason."""
    names = {batch.batch for batch in batches}
    found: dict[int, Reject] = {}
    for code, wrong, values in _findings(names):
        for number, batch in enumerate(batches):
            if batch.batch in wrong:
                found.setdefault(number, Reject(code.value, "batch", {"value": show(batch.batch), **values}))
    return found


def _findings(names: Collection[str]) -> Iterable[tuple[Suspect, Collection[str], Mapping[str, Any]]]:
    rows = len(names)
    for mark in _MARKS:
        if names and all(name.startswith(mark) for name in names):
            yield Suspect.COMMON_MARK, names, {"rows": rows, "mark": mark}
    exponents = {name for name in names if _EXPONENT.match(name)}
    if len(exponents) > 1:
        yield Suspect.EXPONENTS, exponents, {"count": len(exponents), "rows": rows}
    dates = {name for name in names if _DATE.match(name) and not name.isalpha()}
    if len(dates) > 1:
        yield Suspect.DATES, dates, {"count": len(dates), "rows": rows}


def warnings(batches: Sequence[Batch], rows: Mapping[int, int]) -> dict[str, int]:
    """Rows by code of what a planner should compare: `batch_under_two_products`, `batch_counts_up`, and
    `batch_differs_in_a_digit` for a few rows whose batch number differs in one digit from that of many, with the same
    product and expiry. `rows` by number of the batch.
    """
    found: dict[str, int] = {}
    products = defaultdict(set)
    for batch in batches:
        products[batch.batch].add(batch.gtin)
    shared = sum(rows.get(n, 0) for n, batch in enumerate(batches) if len(products[batch.batch]) > 1)
    if shared:
        found["batch_under_two_products"] = shared
    alike: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, batch in enumerate(batches):
        alike[batch.gtin, batch.expiry].append(number)
    slips = sum(_rows_of_slips(numbers, batches, rows) for numbers in alike.values() if 1 < len(numbers) <= _MOST)
    if slips:
        found["batch_differs_in_a_digit"] = slips
    if counting := _counting(batches, rows):
        found["batch_counts_up"] = counting
    return found


def _counting(batches: Sequence[Batch], rows: Mapping[int, int]) -> int:
    """Batches of a row each, numbered without a gap: what a spreadsheet makes of a batch that is dragged down."""
    alike: defaultdict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for number, batch in enumerate(batches):
        counted = _COUNTED.fullmatch(batch.batch)
        if counted and rows.get(number) == 1:
            stem, digits = counted.groups()
            width = len(digits) if digits.startswith("0") else 0
            alike[batch.gtin, batch.expiry, stem, width].append(int(digits))
    series = (found for found in alike.values() if len(found) >= _SERIES)
    return sum(len(found) for found in series if max(found) - min(found) + 1 == len(found))


def _rows_of_slips(numbers: Sequence[int], batches: Sequence[Batch], rows: Mapping[int, int]) -> int:
    """The rows of batches that are a tenth of another one at most, from which they differ in one digit."""
    without: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number in numbers:
        name = batches[number].batch
        for at, char in enumerate(name):
            if char.isdigit():
                without[name[:at], name[at + 1 :]].append(number)
    slips = set()
    for group in without.values():
        most = max(rows.get(number, 0) for number in group)
        slips |= {number for number in group if 0 < rows.get(number, 0) * _FEW_TIMES <= most}
    return sum(rows[number] for number in slips)
