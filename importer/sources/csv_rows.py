"""Records into `Rows`: the columns of the four roles, blank rows gone, wrappers taken off, faults named.

Works on whole columns; looks at single rows only where a column can't rule something out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SourceError
from importer.model import Reject
from importer.rows.layout import laid_out
from importer.rows.tables import ROLES, ROWS, Notes, Rows, joined
from importer.sources.csv_records import Ragged, Records
from importer.sources.decoding import MARKED, unmarked
from importer.sources.filling import Filling
from importer.sources.headers import says_nothing
from importer.sources.layout import Layout, noise_in, twins_differ
from importer.sources.noise import NoiseCount
from importer.sources.options import SourceOptions
from importer.sources.returning import Returning, Said

_WRAPPED = r'^\s*="((?:[^"]|"")*)"\s*$'
_NO_CODE = r"^[^0-9]*$|[ :|]"
_NONE = np.empty(0, np.intp)
_PROOFS = {
    "gtin": (8, b"0123456789=\"'().,- Ee+", "[0-9]{4}"),
    "expiry": (4, b"0123456789=\"'-./: TZ", "[0-9]{2}"),
}
"""What shows that a row is a pack: the fewest bytes of such a value, those of a column that needs no closer look, and
what a value holds that is one, however it is written."""
_SUSPICIOUSLY_SHORT = 8
"""A row whose four values have fewer bytes together may be blank: a GTIN alone has as many."""


class Shape:
    """Turns one list's records into rows, batch by batch, in order."""

    def __init__(self, layout: Layout, delimiter: str, width: int, options: SourceOptions, name: str) -> None:
        """`width` is that of the records."""
        self._layout = layout
        self._delimiter = delimiter
        self._name = name
        self._positions = layout.positions
        self._width = max(len(layout.headers), 1)
        self._filling = Filling(layout, options)
        self._noise = noise_in(layout, options)
        self.noise = NoiseCount()
        self.returning = Returning(layout.headers, options.accept)
        needed = max((i + 1 for i, h in enumerate(layout.headers) if not says_nothing(h)), default=self._width)
        self._needed = min(needed, width)
        self._read = width
        #: What the list is in, for messages.
        self.encoding = "utf-8"

    def rows(self, records: Records, *, quoted: bool, damaged: bool) -> Rows:
        """`quoted`: the text holds quotation marks. `damaged`: it holds bytes that could not be decoded."""
        if quoted:
            self._check_swallowed(records)
        pieces = (self._plain_rows(piece, quoted=quoted, damaged=damaged) for piece in self._without_noise(records))
        return joined(list(pieces))

    def _plain_rows(self, records: Records, *, quoted: bool, damaged: bool) -> Rows:
        keep = self._not_blank(records)
        columns = {r: records.columns[p] for r, p in self._positions.items()}
        table = self._table(records.rows, columns)
        if keep is not None:
            table = table.filter(pa.array(keep))
        faults = {**self._twin_faults(records, keep), **self._overflowing(records, keep)}
        if records.ragged:
            table, faults = self._with_ragged(table, records.ragged, faults)
        notes: Notes = {}
        if quoted:
            table, notes = _unwrap(table)
        if damaged:
            table, faults = _show_damage(table, faults, self.encoding)
        table, faults = self._filling.fill(table, faults)
        if self.returning:
            faults = self.returning.held(table, faults, self._said(records))
        return Rows(table, faults, notes)

    def _said(self, records: Records) -> dict[int, Said]:
        """What the list says of rows that the importer has rejected before."""
        said = self.returning.columns(records.columns, records.rows)
        ragged = ((record.row, self.returning.fields(record.fields)) for record in records.ragged)
        return said | {int(row): found for row, found in ragged if found}

    def _without_noise(self, records: Records) -> Iterator[Records]:
        """The records that are rows, in pieces: what a header or a value between them changes counts for the next."""
        records = _padded(records, self._width)
        ragged = {r.row: r.fields for r in records.ragged}
        suspects = self._suspects(records)
        if not len(suspects) and not ragged:
            yield records
            return
        at = {int(records.rows[i]): i for i in suspects.tolist()}
        rows = (
            (row, ragged[row] if row in ragged else [column[at[row]].as_py() for column in records.columns])
            for row in sorted({*at, *ragged})
        )
        noise: list[int] = []
        for row, found in self._noise.find(rows):
            self.noise.add(found.noise, str(row))
            noise.append(row)
            wider = found.width and found.width not in (self._width, self._needed)
            if found.positions or found.said or wider:
                yield without(records, noise, up_to=row)
                self._positions = found.positions or self._positions
                if wider:
                    self._width = self._needed = found.width
                self._filling.say(found.said or {})
                yield from self._without_noise(after(records, row))
                return
        yield without(records, noise)

    def _suspects(self, records: Records) -> npt.NDArray[np.intp]:
        """Rows that may be no packs: without a GTIN, or an expiry, where the list has a column for it.

        Costs 1 ns a row and 0.3 ns a digit where every row has one.
        """
        proof = next((role for role in _PROOFS if role in self._positions), None)
        serials = records.columns[self._positions["serial"]]
        if proof is None:
            return self._suspects_by_serial(serials)
        column = records.columns[self._positions[proof]]
        data, offsets = laid_out(column)
        lengths = np.diff(offsets)
        least, plain, likely = _PROOFS[proof]
        if not len(lengths) or (lengths.min() >= least and not data.tobytes().translate(None, plain)):
            return _NONE
        unlikely = ~pc.match_substring_regex(column, likely).to_numpy(zero_copy_only=False)
        empty = np.flatnonzero(lengths == 0)
        if len(empty):
            words = pc.match_substring_regex(serials.take(pa.array(empty)), _NO_CODE)
            unlikely[empty] = words.to_numpy(zero_copy_only=False)
        return np.flatnonzero(unlikely)

    def _suspects_by_serial(self, serials: Any) -> npt.NDArray[np.intp]:
        """In a list of serials alone: its header again, and what holds blanks or rules. A word may be a serial."""
        header = self._layout.headers[self._layout.positions["serial"]] if self._layout.headers else ""
        hits = pc.equal(serials, header).to_numpy(zero_copy_only=False)
        text = laid_out(serials)[0].tobytes()
        if any(mark in text for mark in (b" ", b":", b"|", b"---", b"===", b"___", b"***")):
            hits = hits | pc.match_substring_regex(serials, _NO_CODE).to_numpy(zero_copy_only=False)
        return np.flatnonzero(hits)

    def _twin_faults(self, records: Records, keep: npt.NDArray[np.bool_] | None) -> dict[int, Reject]:
        """Rows in which two columns of one name say different things."""
        found: dict[int, Reject] = {}
        for role, twins in self._layout.twins.items():
            own = records.columns[self._positions[role]]
            for twin in twins:
                other = records.columns[twin]
                differs = pc.and_(pc.not_equal(own, other), pc.not_equal(pc.utf8_trim_whitespace(other), ""))
                for i in np.flatnonzero(differs.to_numpy(zero_copy_only=False)).tolist():
                    if keep is None or keep[i]:
                        at = i if keep is None else int(np.count_nonzero(keep[:i]))
                        places = (self._positions[role], twin)
                        found.setdefault(at, twins_differ(role, places, (own[i].as_py(), other[i].as_py())))
        return found

    def _table(self, keys: npt.NDArray[np.int64], columns: Mapping[str, Any]) -> Any:
        empty = pa.repeat("", len(keys)) if len(columns) < len(ROLES) else None
        return pa.table([pa.array(keys), *(columns.get(r, empty) for r in ROLES)], schema=ROWS)

    def _not_blank(self, records: Records) -> npt.NDArray[np.bool_] | None:
        """Which records hold anything at all; None where all do."""
        size = np.zeros(len(records.rows), np.int64)
        for position in self._positions.values():
            size += _lengths(records.columns[position])
        suspects = np.flatnonzero(size < _SUSPICIOUSLY_SHORT)
        blank = [i for i in suspects if not any(c[int(i)].as_py().strip() for c in records.columns)]
        if not blank:
            return None
        keep = np.ones(len(size), np.bool_)
        keep[blank] = False
        return keep

    def _overflowing(self, records: Records, keep: npt.NDArray[np.bool_] | None) -> dict[int, Reject]:
        """Rows with something in a field that the header lacks, where most rows have only empty ones there."""
        more = [_lengths(c) > 0 for c in records.columns[self._width :]]
        if self._read < self._needed:  # a header further down has more columns
            hits = np.ones(len(records.rows), np.bool_)
        elif more:
            hits = np.logical_or.reduce(more)
        else:
            return {}
        place = np.arange(len(hits)) if keep is None else np.cumsum(keep) - 1
        found = {}
        for i in map(int, np.flatnonzero(hits)):
            fields = [c[i].as_py() for c in records.columns]
            fault = self._width_fault(Ragged(int(records.rows[i]), self._read, fields))
            if fault:
                found[int(place[i])] = fault
        return found

    def _with_ragged(
        self, table: Any, ragged: Sequence[Ragged], known: Mapping[int, Reject]
    ) -> tuple[Any, dict[int, Reject]]:
        kept = [r for r in ragged if any(f.strip() for f in r.fields)]
        values = {r: [k.fields[p] if p < len(k.fields) else "" for k in kept] for r, p in self._positions.items()}
        arrays = {r: pa.array([_utf8(v) for v in values[r]], pa.string()) for r in values}
        more = self._table(np.array([k.row for k in kept], np.int64), arrays)
        order = pc.sort_indices(pa.concat_arrays([table["key"].combine_chunks(), more["key"].combine_chunks()]))
        merged = pa.concat_tables([table, more]).take(order)
        place = np.empty(len(order), np.int64)
        place[order.to_numpy()] = np.arange(len(order))
        faults = {int(place[i]): fault for i, fault in known.items()}
        for i, record in enumerate(kept, table.num_rows):
            fault = self._width_fault(record)
            if fault:
                faults[int(place[i])] = fault
        return merged, faults

    def _width_fault(self, ragged: Ragged) -> Reject | None:
        """Trailing empty fields are nothing, be they too many or left out."""
        if ragged.width < self._width:
            if ragged.width >= self._needed:
                return None
        elif not any(f.strip() for f in ragged.fields[self._width :]):
            return None
        start = unmarked(self._delimiter.join(ragged.fields)[:60])
        return Reject("row_width", "", {"n": ragged.width, "width": self._width, "value": start})

    def _check_swallowed(self, records: Records) -> None:
        """A field that holds whole rows shows that a quotation mark was left open: those rows would be lost."""
        if self._width == 1:
            return
        for column in records.columns:
            if not _has_line_break(column):
                continue
            for i in np.flatnonzero(pc.match_substring_regex(column, "[\r\n]").to_numpy(zero_copy_only=False)):
                lines = re.split(r"[\r\n]+", column[int(i)].as_py())
                if any(line.count(self._delimiter) >= self._width - 1 for line in lines):
                    raise SourceError(
                        "quote_swallows_rows", name=self._name, row=int(records.rows[i]), start=lines[0][:40]
                    )


def _padded(records: Records, width: int) -> Records:
    """The records with empty columns behind their own, up to a width."""
    more = width - len(records.columns)
    if more <= 0:
        return records
    return Records(records.rows, [*records.columns, *[pa.repeat("", len(records.rows))] * more], records.ragged)


def without(records: Records, noise: Collection[int], up_to: int | None = None) -> Records:
    """The records but those of some row numbers; up to a row, where one is given."""
    if not noise and up_to is None:
        return records
    plain = ~np.isin(records.rows, np.fromiter(noise, np.int64))
    if up_to is not None:
        plain &= records.rows < up_to
    ragged = [r for r in records.ragged if r.row not in noise and (up_to is None or r.row < up_to)]
    return _some(records, plain, ragged)


def after(records: Records, row: int) -> Records:
    """The records below a row."""
    return _some(records, records.rows > row, [r for r in records.ragged if r.row > row])


def _some(records: Records, plain: npt.NDArray[np.bool_], ragged: Sequence[Ragged]) -> Records:
    mask = pa.array(plain)
    return Records(records.rows[plain], [column.filter(mask) for column in records.columns], ragged)


def _lengths(column: Any) -> npt.NDArray[np.int32]:
    return np.diff(laid_out(column)[1])


def _has_line_break(column: Any) -> bool:
    data = column.buffers()[2]
    text = b"" if data is None else data.to_pybytes()
    return b"\n" in text or b"\r" in text


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _unwrap(table: Any) -> tuple[Any, Notes]:
    """Take the wrapper `="0012"` off, with which a list protects its codes from the spreadsheet."""
    unwrapped = np.zeros(table.num_rows, np.bool_)
    for place, role in enumerate(ROLES, 1):
        column = table[role]
        hits = pc.match_substring_regex(column, _WRAPPED)
        if pc.any(hits).as_py():
            inner = pc.replace_substring(pc.replace_substring_regex(column, _WRAPPED, r"\1"), '""', '"')
            table = table.set_column(place, ROWS.field(role), pc.if_else(hits, inner, column))
            unwrapped |= hits.to_numpy()
    return table, {"formula_wrapper": unwrapped} if unwrapped.any() else {}


def _show_damage(table: Any, faults: Mapping[int, Reject], encoding: str) -> tuple[Any, dict[int, Reject]]:
    found = dict(faults)
    for place, role in enumerate(ROLES, 1):
        hits = np.flatnonzero(pc.match_substring_regex(table[role], MARKED).to_numpy(zero_copy_only=False))
        if not len(hits):
            continue
        values = table[role].to_pylist()
        for i in map(int, hits):
            values[i] = unmarked(values[i])
            found.setdefault(i, Reject("undecodable", role, {"value": values[i][:60], "encoding": encoding}))
        table = table.set_column(place, ROWS.field(role), pa.array(values, pa.string()))
    return table, found
