"""A number or a moment in a cell, and the format in which the spreadsheet shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

_DAY_ZERO = dt.datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet's clock has no zone


@dataclass(frozen=True)
class Shown:
    """`value` is a spreadsheet's number: days since 30 December 1899."""

    value: float
    form: str


def shown(moment: dt.datetime, form: str) -> Shown:
    return Shown((moment - _DAY_ZERO) / dt.timedelta(days=1), form)


def moment_of(cell: Shown) -> dt.datetime:
    return _DAY_ZERO + dt.timedelta(days=cell.value)
