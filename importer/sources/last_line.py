"""Whether the end of a CSV was cut off: its last line lacks a line end, and something of what the other lines have."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOKS_AT = 1 << 16
"""Bytes at the end of the file."""
_ENOUGH = 5
"""Rows that show how long the last field always is."""
_DOS_END_OF_FILE = "\x1a"


@dataclass(frozen=True, slots=True)
class Cut:
    """The last line, and how many fields it has instead of how many; as many where the last field itself is cut."""

    line: str
    fields: int
    expected: int


def cut_short(path: Path, encoding: str, delimiter: str) -> Cut | None:
    """How the last line of a text is cut; None: it is whole, as far as can be seen.

    Without a line end, it has fewer fields than all others, or a last field shorter than that of all others, which are
    of one length. Raises OSError where the file can't be read.
    """
    *others, last = _lines(path, encoding) or [""]
    if not last.strip():
        return None
    rows = [row for row in csv.reader(others, delimiter=delimiter or "\t") if any(row)]
    (cells,) = list(csv.reader([last], delimiter=delimiter or "\t"))
    if not rows:
        return None
    fewest = min(map(len, rows))
    if len(cells) < fewest or (len(cells) == fewest and _last_is_short(rows[-_ENOUGH * 10 :], cells)):
        return Cut(last, len(cells), fewest)
    return None


def _lines(path: Path, encoding: str) -> Sequence[str]:
    """The last lines, the very last one empty where the file ends with a line end; without one that is read in part."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = file.seek(max(0, size - _LOOKS_AT) & ~3)
        text = file.read().decode(encoding or "utf-8", "replace").rstrip(_DOS_END_OF_FILE)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[1:] if start else lines


def _last_is_short(rows: Sequence[Sequence[str]], cells: Sequence[str]) -> bool:
    """The header, if it is among the rows, is as long as it likes."""
    lengths = {len(row[-1]) for row in rows[1:]}
    return len(rows) > _ENOUGH and len(lengths) == 1 and len(cells[-1]) < min(lengths)
