"""What the column of serials shows to be damaged, product by product: which rows are held back, and why.

Pure. A legal serial is never damaged by itself: only what the others of its product look like says so (CONTRACT,
"Suspect values"). A pool of random serials is never suspect, whatever its alphabet and length; each rule says with
what chance it may be. Measured: 0 of 29,909 pools of 10 to 316 serials and 0 of 25 of 10,000 to 1 M were, over ten
alphabets, with serials of 1 to 20 characters, of one length, of any, and of up to five.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1.characters import show
from importer.gs1.suspect import Suspect
from importer.model import Reject
from importer.staging.serial_facts import (
    ENTITY,
    ESCAPE,
    EXACT,
    EXPONENT,
    LABEL_PATTERN,
    NUMBER_DATE,
    WORD_DATE,
    SerialFacts,
    Shapes,
)
from importer.staging.several import Several, parts_of

Mask = npt.NDArray[np.bool_]

_FIRST, _LAST = 4, 3
"""So many digits at least are the first or last ones of random numbers; a counter begins with few, or steps by tens."""
_TWO, _SURE = 2, 5
_FEW, _SOME, _MANY = 8, 20, 30
"""Fewer serials show nothing but what all products show together."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with serials of some products."""

    code: Suspect | Literal["serial_shorter"]
    holds: Callable[[Any], Mask]
    """Which serials of an Arrow column are held back, if they are of these products."""
    values: Mapping[str, Any]
    """What the column shows, for the message."""
    warns: bool = False
    """Whether such rows are sent, with a warning."""


def findings(shapes: Shapes) -> Iterator[Finding]:
    """What is wrong with serials that look like this together."""
    for look in (_common_mark, _exponents, _zeros_behind, _several, _zeros_lost, _dates, _escaped):
        if found := look(shapes):
            yield found


# --- a mark with which every serial begins or ends -----------------------------------------------------------------


def _common_mark(shapes: Shapes) -> Finding | None:
    """Of random serials over all 82 characters, 10 begin alike with a chance of 82**-9."""
    if shapes.rows >= _TWO and shapes.rows in (shapes.decimals, shapes.labelled):
        end_of_all = {"case": "end"} if shapes.decimals else {}
        return Finding(Suspect.COMMON_MARK, _all, {"rows": shapes.rows, **end_of_all})
    end = "" if shapes.end == ord("=") else chr(shapes.end)  # base32 is filled up with =
    mark = chr(shapes.begin) if shapes.begin else end if shapes.end else ""
    if shapes.rows < _TWO or not mark:  # one serial alone shows nothing
        return None
    values = {"rows": shapes.rows, "mark": mark, **({} if shapes.begin else {"case": "end"})}
    return Finding(Suspect.COMMON_MARK, _all, values)


def _all(serials: Any) -> Mask:
    return np.ones(len(serials), np.bool_)


# --- what a spreadsheet makes of long numbers ----------------------------------------------------------------------


def _exponents(shapes: Shapes) -> Finding | None:
    """Random serials over all 82 characters are such with a chance of 1 in 100,000; of letters and digits, none."""
    count, rows = shapes.exponents, shapes.rows
    if not shapes.repeated and count < max(2, rows / 1000):
        return None
    return Finding(Suspect.EXPONENTS, _matching(EXPONENT), {"count": count, "rows": rows})


def _zeros_behind(shapes: Shapes) -> Finding | None:
    """Held back at less than a chance of 1 in 10,000, counted over the serials of more than 15 characters."""
    long = {length: int(count) for length, count in enumerate(shapes.lengths) if length > EXACT and count}
    count, rows = shapes.zeros, sum(long.values())
    if count < _TWO:  # one is an odd value among sound ones
        return None
    expected = sum(rows_of * 10.0 ** (EXACT - length) for length, rows_of in long.items())
    chance = -count * math.log(count / expected) + count - expected if count > expected else 0.0  # Chernoff
    if count == rows:
        chance = -math.log(10) * sum(rows_of * (length - EXACT) for length, rows_of in long.items())
    if chance > math.log(1e-4):
        return None
    return Finding(Suspect.ZEROS_BEHIND, _matching(rf"^[0-9]{{{EXACT}}}0+$"), {"count": count, "rows": rows})


def _zeros_lost(shapes: Shapes) -> Finding | None:
    """Numbers of one length, but for some that are shorter, as those are whose leading zeros a spreadsheet dropped.
    Where others have kept theirs, a shorter one is an odd value among sound ones: a warning.

    A counter is told apart by being dense, or by beginning with few digits: 1 to 1000, 99,900 to 100,899.
    """
    numbers = shapes.numbers
    rows = int(numbers.sum())
    length = int(numbers.argmax())
    shorter = int(numbers[:length].sum())
    if rows < _FEW or not shorter or numbers[length + 1 :].any():
        return None
    if (shapes.lengths - shapes.others)[length + 1 :].any():
        return None
    others = int(shapes.others.sum()) - int(shapes.others[length])
    if others > 0.02 * rows or (shapes.lengths - shapes.others)[:length].sum() != shorter:
        return None
    dense = rows >= 10.0**length / 100
    if dense or np.count_nonzero(shapes.first) < _FIRST or np.count_nonzero(shapes.last) < _LAST:
        return None
    if shorter > _most_shorter(rows):
        return None
    if shorter > _TWO and numbers[length - 1] < shorter / 2:
        return None
    values = {"rows": rows, "whole": int(numbers[length]), "usual": length, "shorter": shorter}
    holds = _matching(rf"^[0-9]{{1,{length - 1}}}$")
    if shapes.padded:
        return Finding("serial_shorter", holds, values, warns=True)
    return Finding(Suspect.ZEROS_LOST, holds, values)


def _most_shorter(rows: int) -> float:
    """A tenth of random digits begin with a zero; in few rows more may by chance, but so may lengths that vary."""
    if rows < _SOME:
        return max(1.0, 0.15 * rows)
    return 0.2 * rows if rows < _MANY else min(0.3 * rows, rows / 10 + 1 + 3 * math.sqrt(0.09 * rows))


def _dates(shapes: Shapes) -> Finding | None:
    """Serials that are only punctuated like dates (12-34-56) tell that none is meant."""
    least = max(2, shapes.rows / 1000)
    numbers = shapes.number_dates if shapes.number_dates >= least and not shapes.punctuated else 0
    words = shapes.word_dates if shapes.word_dates >= least else 0
    if not numbers and not words:
        return None
    patterns = [NUMBER_DATE] * bool(numbers) + [WORD_DATE] * bool(words)
    return Finding(Suspect.DATES, _matching("|".join(patterns)), {"count": numbers + words, "rows": shapes.rows})


# --- what programs make of marks ------------------------------------------------------------------------------------


def _escaped(shapes: Shapes) -> Finding | None:
    """A random serial over all 82 characters holds &lt; with a chance of 1 in 3 million; that five with a % all look
    like escapes, of 1 in 10**11.
    """
    entities = shapes.entities if shapes.entities >= max(_TWO, shapes.rows / 1000) else 0
    escapes = shapes.escapes if shapes.escapes >= _SURE and shapes.escapes == shapes.percents else 0
    if not entities and not escapes:
        return None
    patterns = [ENTITY] * bool(entities) + [ESCAPE] * bool(escapes)
    return Finding(Suspect.ESCAPED, _matching("|".join(patterns)), {"count": entities + escapes, "rows": shapes.rows})


# --- several serials in a cell -------------------------------------------------------------------------------------


def _several(shapes: Shapes) -> Finding | None:
    """Cells that fall apart into what the other serials look like, or most of which are lists or ranges."""
    plain = shapes.plain
    alone = int(plain.sum())
    usual = {length for length in shapes.cells if alone and plain[length] >= 0.6 * alone}
    every = bool(usual) and alone > 1 and 2 * alone >= shapes.rows
    others = shapes.rows - shapes.exponents  # which are no serials that these could look like
    sure = sum(count for _, count in shapes.cells.values())
    lengths = {
        length
        for length, (_, surely) in shapes.cells.items()
        if (length in usual and (every or surely)) or (surely and 2 * sure >= others)
    }
    if not lengths:
        return None

    def holds(serials: Any) -> Mask:
        return np.array(
            [_is_several(text, lengths, usual if every else set()) for text in serials.to_pylist()], np.bool_
        )

    return Finding(Suspect.SEVERAL_SERIALS, holds, {})


def _is_several(text: str, lengths: Collection[int], unsure: Collection[int]) -> bool:
    found = None if text.isalnum() else parts_of(text)
    return found is not None and found.length in lengths and (found.sure or found.length in unsure)


def _matching(pattern: str) -> Callable[[Any], Mask]:
    def holds(serials: Any) -> Mask:
        found: Mask = pc.match_substring_regex(serials, pattern).to_numpy(zero_copy_only=False)
        return found

    return holds


# --- all products --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """Of some rows, those that are held back, by place; how many are sent with a warning, also since a person has
    accepted them, by code.
    """

    held: dict[int, Finding] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)


class Suspects:
    """The rows that are suspect, by their serial and product alone. Of several findings the first one counts."""

    def __init__(self, facts: SerialFacts) -> None:
        shapes = facts.products()
        everywhere = list(findings(facts.together())) if shapes else []
        self._by_product: dict[int, list[Finding]] = {}
        for product, shape in enumerate(shapes):
            own = list(findings(shape))
            known = {finding.code for finding in own}
            own += [f for f in everywhere if f.code not in known and _counts_for(f.code, shape)]
            if own:
                self._by_product[product] = own

    def __bool__(self) -> bool:
        return bool(self._by_product)

    def find(self, serials: Any, products: npt.NDArray[np.int32], accept: Collection[str]) -> Found:
        """Look at the rows of a column."""
        found = Found()
        order = np.argsort(products, kind="stable")
        present, starts = np.unique(products[order], return_index=True)
        for product, rows in zip(present.tolist(), np.split(order, starts[1:]), strict=True):
            own = self._by_product.get(product, ())
            if not own:
                continue
            column = serials.take(pa.array(rows))
            for finding in own:
                suspect = rows[finding.holds(column)].tolist()
                if finding.warns or finding.code in accept:
                    found.warnings[str(finding.code)] += len(suspect)
                    continue
                for row in suspect:
                    found.held.setdefault(row, finding)
        return found


def _counts_for(code: str, shape: Shapes) -> bool:
    """Whether a product has too few rows to show by itself what all products show together."""
    return code != Suspect.ZEROS_LOST or int(shape.numbers.sum()) < _FEW


def reject(finding: Finding, serial: str) -> Reject:
    """Why a row is held back."""
    values = {"value": show(serial), **finding.values}
    if finding.code == Suspect.SEVERAL_SERIALS:
        return several_serials(serial, parts_of(serial))
    if finding.code == Suspect.COMMON_MARK and "mark" not in values:
        label = LABEL_PATTERN.match(serial)
        values["mark"] = label[0] if label else serial[len(serial.rstrip("0")) - 1 :]
    if finding.code == Suspect.ZEROS_LOST:
        values["length"] = len(serial)
    return Reject(str(finding.code), "serial", values)


def several_serials(text: str, found: Several | None) -> Reject:
    """Why a cell that holds several serials is held back."""
    parts = {"case": "range"} if found is None or found.spans else {"parts": len(found.parts)}
    return Reject(Suspect.SEVERAL_SERIALS.value, "serial", {"value": show(text), **parts})
