"""Cells that hold several serials: a list with a separator, line breaks, or a range from one to another.

Pure; one cell at a time. A legal cell may be one odd serial as well: what the others of its column look like decides,
which `suspects` sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from importer.gs1.characters import OUTER

SHORTEST = 3
"""Characters of a part; shorter ones fall together by chance."""

_TWO = 2
_RANGE = re.compile(r"[-\u2013\u2014\u2192\u2026]|\.\.|\bbis\b|\bto\b|\bdo\b|\bau?\b")
_LEGAL = re.compile(r"(?P<between>[;,/+&|:-]|\.{2,3})")
_EDGE = ";,"
_LISTED = ";,"
_RANGES = ("-", "..", "...")
_HEAD = re.compile(r"([A-Za-z]*)([0-9]+)")
_CODE = re.compile(r"[0-9A-Za-z]{1,20}")
_LONGEST = 100_000
_LIST = re.compile(r"[;,|\t\r\n]")
_BLANKS = re.compile(rf"[{re.escape(OUTER)}]+")
_BREAKS = re.compile(r" ?[;,|/\t\r\n+&]+ ?| *(?:-|\u2013|\u2014|\u2192|\.\.\.?|\u2026|\bbis\b|\bto\b|\bdo\b|\bau?\b) *")


@dataclass(frozen=True, slots=True)
class Several:
    """What a cell falls apart into."""

    parts: tuple[str, ...]
    sure: bool
    """Whether it leaves little doubt by itself: a list with ; or , or a range that counts up."""
    spans: bool = False
    """Whether it is a range, which holds more than its two parts."""

    @property
    def length(self) -> int:
        return len(self.parts[0])


def parts_of(text: str) -> Several | None:
    """Take a legal serial apart at one kind of mark, into letters and digits of one length; None if it isn't so."""
    text = text.strip(_EDGE)
    marks = {match["between"] for match in _LEGAL.finditer(text)}
    if len(marks) != 1:
        return None
    (mark,) = marks
    parts = tuple(text.split(mark))
    if len(parts) < _TWO or {len(part) for part in parts} != {len(parts[0])} or len(parts[0]) < SHORTEST:
        return None
    if not all(_CODE.fullmatch(part) for part in parts):
        return None
    counts = _counts_up(parts) or (mark.startswith("..") and parts[0] < parts[-1])
    spans = mark in _RANGES and len(parts) == _TWO and counts
    return Several(parts, sure=mark in _LISTED or counts, spans=spans)


def several_in(text: str) -> Several | None:
    """Take apart what is no legal serial as a whole: too long, or with line breaks or blanks between."""
    if len(text) > _LONGEST:
        return None
    text = text.strip(OUTER + _EDGE)
    parts = tuple(part for part in _BREAKS.split(text) if part)
    if len(parts) == 1:
        parts = tuple(_BLANKS.split(text))
    if len(parts) < _TWO or not all(_CODE.fullmatch(part) for part in parts):
        return None
    even = {len(part) for part in parts} == {len(parts[0])} and len(parts[0]) >= SHORTEST
    if not even and not _one_family(parts):
        return None
    counts = _counts_up(parts)
    if not counts and not _LIST.search(text):  # a blank or dash may stand between groups of one serial: 1234 5678
        return None
    spans = len(parts) == _TWO and counts and bool(_RANGE.search(text))
    return Several(parts, sure=True, spans=spans)


def _counts_up(parts: tuple[str, ...]) -> bool:
    """Whether the parts are one letter sequence with rising numbers behind it, or rising numbers that begin alike."""
    found = [_HEAD.fullmatch(part) for part in parts]
    heads = {match[1] for match in found if match}
    if None in found or len(heads) != 1:
        return False
    numbers = [match[2] for match in found if match]
    alike = len(heads.pop()) > 1 or len({number[: len(number) // 2] for number in numbers}) == 1
    values = [int(number) for number in numbers]
    return alike and all(one < other for one, other in pairwise(values))


def _one_family(parts: tuple[str, ...]) -> bool:
    """Whether numbers of different length stand behind the same letters: A9, A10."""
    found = [_HEAD.fullmatch(part) for part in parts]
    heads = {match[1] for match in found if match}
    return None not in found and len(heads) == 1 and len(heads.pop()) > 1
