"""What the serials of each product look like together, gathered in one pass over the columns, in flat memory.

Pure, and of no opinion: `suspects` says what is damaged. Batches of letters and digits alone that are all of one width,
as nearly all are, cost about 10 ns a row; what can only be found in others is looked for in those alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1.characters import ALPHANUMERIC
from importer.gs1.codes import LONGEST
from importer.rows.layout import laid_out
from importer.staging.several import SHORTEST, parts_of

LENGTHS = LONGEST + 1
EXACT = 15
"""A spreadsheet keeps so many digits of a number."""
MOST_PRODUCTS = 1 << 12
"""The products beyond so many are looked at as one."""

EXPONENT = r"^-?[0-9](?:[.,][0-9]+[Ee][+-]?|[Ee][+-])[0-9]{1,3}$"
WORD_DATE = r"^(?:[0-9]{1,2}-)?[A-Z][a-z]{2}(?:-[0-9]{2,4})?$"
NUMBER_DATE = r"^[0-9]{1,4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/|[.][0-9]{1,2}[.])[0-9]{1,4}$"
"""Anything that is punctuated like a date in digits, also where it is none."""

DECIMALS = r"^[0-9]+[.,]0+$"
LABEL = r"^(?i:s/?n[ro]?|s/no|ser(?:ial)?(?:no|nr|number)?|seriennummer|serie|nr|no|u?id|21)[.:=]+"

ENTITY = r"&(?:amp|lt|gt|quot|apos|nbsp);"
PERCENT = "%"
ESCAPE = r"^(?:[^%]*%(?:2[0-9A-Fa-f]|3[A-Fa-f]|40|5[B-Fb-f]|60|7[B-Eb-e]))+[^%]*$"
"""Each % stands before the code of a mark: of random serials over 82 characters that hold a %, 1 in 150."""

LABEL_PATTERN = re.compile(LABEL)
_DAMAGED = ("zeros", "exponents", "number_dates", "punctuated", "word_dates")
_COUNTED = (*_DAMAGED, "decimals", "labelled", "entities", "percents", "escapes")
_MARK = np.ones(256, np.bool_)
_MARK[list(ALPHANUMERIC.encode())] = False
_MOST_EXPONENTS = 1000
_MOST_CELLS = 2000
"""Cells of a product that are taken apart, for each separator."""
_MIXED = 0
_NOT_YET = -1

Slots = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Shapes:
    """Of a product, or of all of them together."""

    lengths: Counts
    """Rows by length."""
    numbers: Counts
    """Rows that are digits alone by length, of batches whose serials are not all of one length."""
    others: Counts
    """The other rows of these batches by length."""
    first: Counts
    """The rows of `numbers` by their first digit, and by their last:"""
    last: Counts
    padded: bool
    """Whether a row of digits alone begins with a zero."""
    zeros: int
    """Rows of more than fifteen digits whose digits behind the fifteenth are all zeros."""
    exponents: int
    number_dates: int
    punctuated: int
    """Rows that are punctuated like the dates in digits and are none, of batches that hold such dates."""
    word_dates: int
    repeated: bool
    """Whether one exponent is there twice."""
    begin: int
    """The mark with which every serial begins; 0 for none."""
    end: int
    decimals: int
    """Rows of digits with decimals of zeros behind, as a program writes a number: 12345.0."""
    labelled: int
    """Rows that begin with the name of what follows: SN:12345."""
    entities: int
    """Rows with a character as HTML writes it: &amp;"""
    percents: int
    """Rows with a %, and those in which each is a character as addresses have it: %2F"""
    escapes: int
    plain: Counts
    """Rows of letters and digits alone by length."""
    cells: dict[int, list[int]]
    """Cells that fall apart into parts of one length, by it: all of them, and those that leave little doubt."""

    @property
    def rows(self) -> int:
        return int(self.lengths.sum())


@dataclass(slots=True)
class SerialFacts:
    """Gathers. Rows are added with the number of their product, which is an index into `products()`."""

    _tables: dict[str, Any] = field(default_factory=dict)
    _size: int = 0
    _exponents: dict[int, set[str]] = field(default_factory=dict)
    _cells: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    _looked: dict[int, int] = field(default_factory=dict)

    def add(self, serials: Any, products: Slots, *, plain: bool, damaged: npt.NDArray[np.bool_] | None) -> None:
        """Add rows: an Arrow column of legal serials, the product of each, whether all are letters and digits alone,
        and which look like what a spreadsheet makes of a code.
        """
        if not len(serials):
            return
        self._grow(int(products.max()) + 1)
        data, offsets = laid_out(serials)
        lengths = np.diff(offsets)
        width = int(lengths[0]) if (lengths == lengths[0]).all() else 0
        block = data.reshape(-1, width) if width else None
        first, last = (data[offsets[:-1]], data[offsets[1:] - 1]) if block is None else (block[:, 0], block[:, -1])
        counts = self._add("lengths", lengths if block is None else width, products)
        self._find_padded(serials, (first == ord("0")) & (lengths > 1), products)
        if lengths.max() > EXACT:
            self._find_zeros(serials, (last == ord("0")) & (lengths > EXACT), products)
        if block is None:
            self._find_numbers(serials, lengths, first, last, products)
        if plain:
            self._tables["plain"][: self._size] += counts
            present = counts.any(axis=1)
            self._tables["begin"][: self._size][present] = _MIXED
            self._tables["end"][: self._size][present] = _MIXED
            return
        if (last == ord("0")).all():
            self._add_rows("decimals", products[_matches(serials, DECIMALS)])
        if LABEL_PATTERN.match(serials[0].as_py()):
            self._add_rows("labelled", products[_matches(serials, LABEL)])
        self._find_escapes(serials, data, products)
        self._find_marks("begin", first, products)
        self._find_marks("end", last, products)
        self._find_cells(serials, data, offsets, width, products)
        if damaged is not None and damaged.any():
            self._find_damaged(serials, products, damaged)

    def products(self) -> list[Shapes]:
        return [self._shapes(slot) for slot in range(self._size)]

    def together(self) -> Shapes:
        """The facts of all products as of one."""
        shapes = self.products()
        cells: dict[int, list[int]] = {}
        for shape in shapes:
            for length, (every, sure) in shape.cells.items():
                known = cells.setdefault(length, [0, 0])
                known[0], known[1] = known[0] + every, known[1] + sure
        ends = {name: {getattr(shape, name) for shape in shapes if shape.rows} for name in ("begin", "end")}
        marks: dict[str, Any] = {name: found.pop() if len(found) == 1 else _MIXED for name, found in ends.items()}
        summed = ("lengths", "numbers", "others", "first", "last", "plain")
        counted = _COUNTED
        sums: dict[str, Any] = {name: np.sum([getattr(shape, name) for shape in shapes], axis=0) for name in summed}
        counts: dict[str, Any] = {name: sum(getattr(shape, name) for shape in shapes) for name in counted}
        return Shapes(
            **sums,
            **counts,
            **marks,
            padded=any(shape.padded for shape in shapes),
            repeated=any(shape.repeated for shape in shapes),
            cells=cells,
        )

    def _shapes(self, slot: int) -> Shapes:
        row = {name: table[slot] for name, table in self._tables.items()}
        whole = ("lengths", "numbers", "others", "first", "last", "plain")
        single: dict[str, Any] = {name: max(int(row[name]), 0) for name in row if name not in whole}
        return Shapes(
            **{name: row[name] for name in whole},
            **{name: value for name, value in single.items() if name not in ("padded", "repeated")},
            padded=bool(row["padded"]),
            repeated=bool(row["repeated"]),
            cells=self._cells.get(slot, {}),
        )

    def _grow(self, size: int) -> None:
        if size <= self._size:
            return
        room = max(size, 2 * self._size)
        shapes = {
            **dict.fromkeys(("lengths", "numbers", "others", "plain"), (LENGTHS,)),
            **dict.fromkeys(("first", "last"), (10,)),
            **dict.fromkeys(_COUNTED, ()),
            **dict.fromkeys(("begin", "end", "padded", "repeated"), ()),
        }
        if not self._tables or room > len(self._tables["lengths"]):
            for name, shape in shapes.items():
                fresh = np.full((room, *shape), _NOT_YET if name in ("begin", "end") else 0, np.int64)
                if name in self._tables:
                    fresh[: self._size] = self._tables[name][: self._size]
                self._tables[name] = fresh
        self._size = size

    def _add(self, name: str, values: npt.NDArray[Any] | int, products: Slots) -> Counts:
        """Count rows by product and value in a table; give what was added."""
        table = self._tables[name]
        width = table.shape[1]
        if isinstance(values, int):
            counts = np.zeros((self._size, width), np.int64)
            counts[:, values] = np.bincount(products, minlength=self._size)
        else:
            counts = np.bincount(products * width + values, minlength=self._size * width).reshape(self._size, width)
        table[: self._size] += counts
        return counts

    def _add_rows(self, name: str, products: Slots) -> None:
        self._tables[name][: self._size] += np.bincount(products, minlength=self._size)

    def _find_padded(self, serials: Any, zero: npt.NDArray[np.bool_], products: Slots) -> None:
        """Look for a zero in front of digits, in products for which none is known yet."""
        rows = np.flatnonzero(zero)
        rows = rows[self._tables["padded"][products[rows]] == 0]
        if len(rows):
            numbers = rows[_are_numbers(serials.take(pa.array(rows)))]
            self._tables["padded"][products[numbers]] = 1

    def _find_zeros(self, serials: Any, zero: npt.NDArray[np.bool_], products: Slots) -> None:
        rows = np.flatnonzero(zero)
        if len(rows):
            tails = _matches(serials.take(pa.array(rows)), rf"^[0-9]{{{EXACT}}}0+$")
            self._add_rows("zeros", products[rows[tails]])

    def _find_numbers(
        self, serials: Any, lengths: npt.NDArray[Any], first: Bytes, last: Bytes, products: Slots
    ) -> None:
        mask = _are_numbers(serials)
        self._add("others", lengths[~mask], products[~mask])
        self._add("numbers", lengths[mask], products[mask])
        self._add("first", first[mask] - ord("0"), products[mask])
        self._add("last", last[mask] - ord("0"), products[mask])

    def _find_escapes(self, serials: Any, data: Bytes, products: Slots) -> None:
        if (data == ord("&")).any():
            self._add_rows("entities", products[_matches(serials, ENTITY)])
        if (data == ord("%")).any():
            self._add_rows("percents", products[_matches(serials, PERCENT)])
            self._add_rows("escapes", products[_matches(serials, ESCAPE)])

    def _find_marks(self, name: str, chars: Bytes, products: Slots) -> None:
        """Note the mark with which all serials of a product begin, or end."""
        table = self._tables[name]
        rows = np.flatnonzero(table[products] != _MIXED)
        if not len(rows):
            return
        marks = np.where(_MARK[chars[rows]], chars[rows], _MIXED).astype(np.int64)
        lowest, highest = np.full(len(table), 256), np.full(len(table), _NOT_YET)
        np.minimum.at(lowest, products[rows], marks)
        np.maximum.at(highest, products[rows], marks)
        seen = highest >= 0
        same = seen & (lowest == highest) & ((table == _NOT_YET) | (table == lowest))
        table[seen] = np.where(same[seen], lowest[seen], _MIXED)

    def _find_cells(
        self, serials: Any, data: Bytes, offsets: npt.NDArray[np.int32], width: int, products: Slots
    ) -> None:
        """Look for cells in which marks stand between parts of one length."""
        lengths = np.diff(offsets)
        marks = np.flatnonzero(_MARK[data])
        # 48 ns a row for serials with a dash, 58 with a table of the row of each byte
        rows = marks // width if width else np.repeat(np.arange(len(lengths)), lengths)[marks]
        count = np.bincount(rows, minlength=len(lengths))
        bare = count == 0
        self._add("plain", lengths[bare], products[bare])
        first = np.zeros(len(lengths), np.int64)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        first[rows[starts]] = marks[starts] - offsets[rows[starts]]
        even = lengths == (count + 1) * first + count
        dotted = (count > 1) & (lengths == 2 * first + count)  # A1..A9
        found = np.flatnonzero((even | dotted) & (first >= SHORTEST))
        between = products[found] * 256 + data[offsets[found] + first[found]]
        for key in np.unique(between).tolist():
            left = _MOST_CELLS - self._looked.get(key, 0)
            for row in found[between == key][: max(left, 0)].tolist():
                self._looked[key] = self._looked.get(key, 0) + 1
                if several := parts_of(serials[row].as_py()):
                    known = self._cells.setdefault(key >> 8, {}).setdefault(several.length, [0, 0])
                    known[0], known[1] = known[0] + 1, known[1] + several.sure

    def _find_damaged(self, serials: Any, products: Slots, damaged: npt.NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(damaged)
        column = serials.take(pa.array(rows))
        exponents = _matches(column, EXPONENT)
        words = _matches(column, WORD_DATE) & ~exponents
        dates = ~exponents & ~words
        self._add_rows("exponents", products[rows[exponents]])
        self._add_rows("word_dates", products[rows[words]])
        self._add_rows("number_dates", products[rows[dates]])
        if dates.any():
            punctuated = _matches(serials, NUMBER_DATE) & ~damaged
            self._add_rows("punctuated", products[punctuated])
        for row in np.flatnonzero(exponents).tolist():
            seen = self._exponents.setdefault(int(products[rows[row]]), set())
            text = column[row].as_py()
            if text in seen:
                self._tables["repeated"][products[rows[row]]] = 1
            elif len(seen) < _MOST_EXPONENTS:
                seen.add(text)


def _are_numbers(serials: Any) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.ascii_is_decimal(serials).to_numpy(zero_copy_only=False)
    return found


def _matches(column: Any, pattern: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.match_substring_regex(column, pattern).to_numpy(zero_copy_only=False)
    return found
