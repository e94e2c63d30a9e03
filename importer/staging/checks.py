"""Rows are held against the GS1 rules by whole columns; one by one are looked at only those that fail.

Pure: columns in; good rows, rejects and counts out. `gs1` holds the rules, this module only finds where to ask it.
What takes more than one row to see (duplicates, two expiries of a batch) is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importer.gs1 import codes as gs1_codes
from importer.gs1.characters import show, trim
from importer.gs1.nothing import means_nothing
from importer.gs1.suspect import Suspect
from importer.model import Parsed, Reject
from importer.rows.tables import REJECTS, ROWS
from importer.staging.serial_column import Serials, read_serials, unscan
from importer.staging.several import several_in
from importer.staging.suspects import several_serials
from importer.words.recording import recorded

_FEW = pa.dictionary(pa.int32(), pa.string())

CHECKED = pa.schema(
    [("key", pa.int64()), ("serial", pa.string()), ("gtin", _FEW), ("batch", _FEW), ("expiry", _FEW)],
)
"""Rows that passed, in the form that is sent. A dictionary has no value twice, but may have one that no row uses."""

_MAY_HOLD_SEVERAL = ("serial_character", "serial_lookalike", "serial_too_long")

_Indices = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Section `input` of the configuration, as far as single values are concerned."""

    gtin_check_digit: gs1_codes.CheckDigit = "error"
    expired: gs1_codes.OnExpired = "warn"
    date_order: gs1_codes.DateOrder = ""
    day_00: gs1_codes.Day00 = "keep"
    accept: Collection[str] = ()
    """Codes of `Suspect` that a person has said to be right."""

    def accepting(self, codes: Collection[str]) -> CheckSettings:
        return replace(self, accept=frozenset({*self.accept, *codes}))


@dataclass(frozen=True, slots=True)
class Checked:
    """`table`: the good rows, schema CHECKED. `rejects`: all others, schema REJECTS, values as read. Both in the order
    of the source. `notes`: good rows by code of repair or warning.

    `restorable`, schema CHECKED: the rows rejected as `expiry_zero_lost`, with the zero restored. They are right in
    every other respect, and stand in `rejects` too: who sees the whole batch can take them back.
    """

    table: Any
    rejects: Any
    notes: Counter[str]
    restorable: Any
    plain: bool = False
    """Whether all serials are letters and digits alone."""
    damaged: npt.NDArray[np.bool_] | None = None
    """The good rows whose serial looks like what a spreadsheet makes of a code; None for none."""


@dataclass(frozen=True, slots=True)
class _Few:
    """A column of few distinct values: the result of each, and which row has which."""

    indices: _Indices
    results: Sequence[Parsed | Reject]

    def rejects(self) -> dict[int, Reject]:
        bad = np.array([isinstance(result, Reject) for result in self.results], dtype=np.bool_)
        if not bad.any():
            return {}
        rows = np.flatnonzero(bad[self.indices])
        found = zip(rows.tolist(), self.indices[rows].tolist(), strict=True)
        return {row: result for row, at in found if isinstance(result := self.results[at], Reject)}

    def count_notes(self, rows: _Indices | slice) -> Counter[str]:
        notes: Counter[str] = Counter()
        if any(isinstance(result, Parsed) and result.notes for result in self.results):
            counts = np.bincount(self.indices[rows], minlength=len(self.results)).tolist()
            for result, count in zip(self.results, counts, strict=True):
                if isinstance(result, Parsed) and count:
                    notes.update(dict.fromkeys(result.notes, count))
        return notes

    def encode(self, rows: _Indices | slice) -> Any:
        """Give the values of these rows, none of which is rejected."""
        places: dict[str, int] = {}
        parsed = (result.value if isinstance(result, Parsed) else None for result in self.results)
        to_place = [-1 if value is None else places.setdefault(value, len(places)) for value in parsed]
        indices = self.indices[rows]
        if to_place != list(range(len(to_place))):
            indices = np.array(to_place, dtype=np.int32)[indices]
        return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(list(places), pa.string()))


def parsers(settings: CheckSettings, today: date) -> dict[str, Callable[[str], Parsed | Reject]]:
    """By role. Serials have none: they are read by whole columns."""
    return {
        "gtin": partial(gs1_codes.parse_gtin, check_digit=settings.gtin_check_digit),
        "batch": partial(_parse_batch, accept=settings.accept),
        "expiry": partial(
            gs1_codes.parse_expiry,
            today=today,
            date_order=settings.date_order,
            day_00=settings.day_00,
            expired=settings.expired,
            accept=settings.accept,
        ),
    }


def _parse_batch(text: str, *, accept: Collection[str]) -> Parsed | Reject:
    value, _ = trim(text)
    found = gs1_codes.parse_batch(text)
    if not means_nothing(value):
        return found
    if Suspect.PLACEHOLDER not in accept:
        return Reject(Suspect.PLACEHOLDER.value, "batch", {"value": show(value)})
    return replace(found, notes=(*found.notes, Suspect.PLACEHOLDER.value)) if isinstance(found, Parsed) else found


def check(table: Any, faults: Mapping[int, Reject], settings: CheckSettings, today: date) -> Checked:
    """Check rows: a Table or RecordBatch of schema ROWS, and `faults`, which the source found, by position in it.

    A row that is wrong in several ways has one reject: the source's, else that of its GTIN, batch, expiry or serial,
    in this order; `expiry_zero_lost` comes last.
    """
    as_read = {name: _flat(table.column(name)) for name in ROWS.names}
    columns, serials, faults = _read_serials(as_read, faults, settings, today)
    few = _read_few(columns, settings, today)
    reasons = _reasons(few, serials, faults)
    good: _Indices | slice = slice(None)
    if reasons:
        mask = np.ones(table.num_rows, dtype=np.bool_)
        mask[list(reasons)] = False
        good = np.flatnonzero(mask)
    damaged = serials.notes.get("serial_looks_damaged")
    return Checked(
        table=_sent_form(columns["key"], serials.column, {role: few[role].encode(good) for role in few}, good),
        rejects=_rejects(as_read, reasons),
        notes=_count_notes(few, serials, good),
        restorable=_restorable(columns, few, serials, reasons, settings, today),
        plain=not serials.notes,
        damaged=damaged[good] if damaged is not None and damaged.any() else None,
    )


def faults_of(
    table: Any, faults: Mapping[int, Reject], settings: CheckSettings, today: date
) -> dict[int, list[Reject]]:
    """All that is wrong with each row by itself, by position: one reject for a cell at most, the source's first. Of a
    row that is wrong as a whole (too many fields) nothing else is said. `expiry_zero_lost` is among them, though the
    rest of a batch may prove the zero.
    """
    as_read = {name: _flat(table.column(name)) for name in ROWS.names}
    columns, serials, faults = _read_serials(as_read, faults, settings, today)
    found = {row: [fault] for row, fault in sorted(faults.items())}
    few = _read_few(columns, settings, today)
    for rejects in (few["gtin"].rejects(), few["batch"].rejects(), few["expiry"].rejects(), serials.rejects):
        for row, reject in rejects.items():
            known = found.setdefault(row, [])
            if all(one.role not in ("", reject.role) for one in known):
                known.append(reject)
    return found


def _read_serials(
    columns: dict[str, Any], faults: Mapping[int, Reject], settings: CheckSettings, today: date
) -> tuple[dict[str, Any], Serials, Mapping[int, Reject]]:
    """The column of serials, and all columns and faults without the scans in it."""
    serials = read_serials(columns["serial"])
    if serials.rejects:
        columns, serials, faults = _without_scans(columns, serials, faults, settings, today)
        if Suspect.SEVERAL_SERIALS not in settings.accept:
            serials = _with_several(columns["serial"], serials)
    return columns, serials, faults


def _with_several(column: Any, serials: Serials) -> Serials:
    """Say of cells that are no serial as a whole, but hold several, that this is what they do."""
    rows = sorted(row for row, found in serials.rejects.items() if found.code in _MAY_HOLD_SEVERAL)
    texts = column.take(pa.array(rows, pa.int64())).to_pylist()
    found = {row: (text, several_in(text)) for row, text in zip(rows, texts, strict=True)}
    rejects = {row: several_serials(text, several) for row, (text, several) in found.items() if several}
    return replace(serials, rejects={**serials.rejects, **rejects}) if rejects else serials


def _without_scans(
    columns: dict[str, Any], serials: Serials, faults: Mapping[int, Reject], settings: CheckSettings, today: date
) -> tuple[dict[str, Any], Serials, Mapping[int, Reject]]:
    """Take apart the scanned codes that stand in place of serials; one that can't be is a fault of its row."""

    @cache
    def same(role: str, ours: str, theirs: str) -> bool:
        return gs1_codes.same_value(role, ours, theirs, today=today, date_order=settings.date_order)

    found = unscan(columns, serials.rejects.keys() - faults.keys(), same)
    if not found:
        return columns, serials, faults
    read = np.zeros(len(columns["serial"]), dtype=np.bool_)
    read[found.rows] = True
    again = read_serials(found.columns["serial"])
    again = replace(again, notes={**again.notes, "serial_from_scan": read})
    return dict(found.columns), again, {**found.rejects, **faults}


def _flat(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.fill_null("") if column.null_count else column


def _read_few(columns: Mapping[str, Any], settings: CheckSettings, today: date) -> dict[str, _Few]:
    few = {}
    for role, parse in parsers(settings, today).items():
        encoded = columns[role].dictionary_encode()
        few[role] = _Few(encoded.indices.to_numpy(), [parse(text) for text in encoded.dictionary.to_pylist()])
    return few


def _reasons(few: Mapping[str, _Few], serials: Serials, faults: Mapping[int, Reject]) -> dict[int, Reject]:
    """Give each rejected row its one reason: a later update wins."""
    expiries = few["expiry"].rejects()
    reasons = {row: reject for row, reject in expiries.items() if reject.code == "expiry_zero_lost"}
    reasons.update(serials.rejects)
    reasons.update({row: reject for row, reject in expiries.items() if reject.code != "expiry_zero_lost"})
    reasons.update(few["batch"].rejects())
    reasons.update(few["gtin"].rejects())
    reasons.update(faults)
    return reasons


def _sent_form(keys: Any, serials: Any, encoded: Mapping[str, Any], rows: _Indices | slice) -> Any:
    if not isinstance(rows, slice):
        taken = pa.array(rows)
        keys, serials = keys.take(taken), serials.take(taken)
    arrays = {"key": keys, "serial": serials, **encoded}
    return pa.record_batch([arrays[name] for name in CHECKED.names], schema=CHECKED)


def _rejects(columns: Mapping[str, Any], reasons: Mapping[int, Reject]) -> Any:
    rows = sorted(reasons)
    taken = pa.array(rows, pa.int64())
    codes = pa.array([reasons[row].code for row in rows], pa.string())
    details = pa.array([recorded(reasons[row]) for row in rows], pa.string())
    return pa.record_batch([*(columns[name].take(taken) for name in ROWS.names), codes, details], schema=REJECTS)


def _count_notes(few: Mapping[str, _Few], serials: Serials, good: _Indices | slice) -> Counter[str]:
    notes: Counter[str] = Counter()
    for column in few.values():
        notes += column.count_notes(good)
    return notes + Counter({code: int(np.count_nonzero(mask[good])) for code, mask in serials.notes.items()})


def _restorable(
    columns: Mapping[str, Any],
    few: Mapping[str, _Few],
    serials: Serials,
    reasons: Mapping[int, Reject],
    settings: CheckSettings,
    today: date,
) -> Any:
    rows = np.array(sorted(row for row in reasons if reasons[row].code == "expiry_zero_lost"), dtype=np.int64)
    texts = columns["expiry"].take(pa.array(rows)).to_pylist()
    restored = [gs1_codes.restored_expiry(text, today=today, day_00=settings.day_00) for text in texts]
    expiry = pa.array(restored, pa.string()).dictionary_encode()
    encoded = {"gtin": few["gtin"].encode(rows), "batch": few["batch"].encode(rows), "expiry": expiry}
    return _sent_form(columns["key"], serials.column, encoded, rows)
