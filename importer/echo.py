"""A list as it stands in its file, every row of it, so that it can be written again. Pure; knows no format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What a cell shows that holds an error, such as #N/A."""

    text: str


@dataclass(frozen=True, slots=True)
class EchoSheet:
    """`number` is the sheet's in a row's key, None where it holds no list. `positions` are the roles' columns, from 0.

    `rows` gives each row that holds anything, with its number, once. Cells are text, numbers, truth values, dates,
    ErrorValue or None; of a text list all are text.
    """

    name: str
    hidden: bool
    number: int | None
    header_row: int
    positions: Mapping[str, int]
    rows: Callable[[], Iterator[tuple[int, Sequence[Any]]]]


@dataclass(frozen=True, slots=True)
class Echo:
    """`delimiter` is empty for a workbook."""

    sheets: Sequence[EchoSheet]
    delimiter: str = ""
    headers: Sequence[str] = field(default_factory=tuple)
