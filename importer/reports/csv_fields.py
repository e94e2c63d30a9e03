"""How a value is spelled in a CSV field: quoted by RFC 4180, and harmless to a spreadsheet. Whole columns at a time.

A field that a spreadsheet would run as a formula becomes the text formula `="…"`, which it shows as the value, and
which `sources` and `reading.py` read back as the value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from importer.rows.layout import laid_out

_SPECIAL = b'",;|\t\r\n'
"""What makes a field quoted. `;`, `|` and tab are no delimiters here, but where they are a spreadsheet's own, quotes
keep what follows them from becoming a cell that starts with `=`."""

_SPECIALS = [bytes([special]) for special in _SPECIAL]
_HAS_SPECIAL = '[",;|\t\r\n]'
_RUNS = (
    "^[\\x00-\\x20\\x{7f}-\\x{a0}\\x{1680}\\x{2000}-\\x{200f}\\x{2028}-\\x{202f}\\x{205f}-\\x{2064}\\x{3000}\\x{feff}]*"
    "[=+\\-@\\x{ff1d}\\x{ff0b}\\x{ff0d}\\x{ff20}]|^[\\t\\r\\n]"
)
"""A formula's first character (or its full-width form), perhaps behind blanks that a spreadsheet drops."""

_SUSPECT_FIRST = np.zeros(256, dtype=bool)
_SUSPECT_FIRST[[*range(0x21), *b"=+-@", *range(0x7F, 0x100)]] = True
_SPECIAL_BYTE = np.zeros(256, dtype=bool)
_SPECIAL_BYTE[list(_SPECIAL)] = True


def spelled(values: pa.StringArray) -> pa.StringArray:
    """Each value as the field that holds it. Clean values, nearly all, cost one look at their bytes."""
    suspects = _suspects(values)
    if not suspects.any():
        return values
    mask = pa.array(suspects)
    return pc.replace_with_mask(values, mask, _spelled_one_by_one(values.filter(mask)))


def restored(fields: pa.StringArray) -> pa.StringArray:
    """The values again, from fields whose CSV quotes a CSV reader has taken off."""
    wrapped = pc.and_(pc.starts_with(fields, '="'), pc.and_(pc.ends_with(fields, '"'), _longer_than(fields, 2)))
    if not pc.any(wrapped).as_py():
        return fields
    inner = pc.utf8_slice_codeunits(fields.filter(wrapped), 2, -1)
    return pc.replace_with_mask(fields, wrapped, pc.replace_substring(inner, '""', '"'))


def _suspects(values: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Which values need a closer look."""
    found = np.zeros(len(values), dtype=bool)
    data, offsets = laid_out(values)
    filled = np.flatnonzero(np.diff(offsets))
    found[filled] = _SUSPECT_FIRST[data[offsets[filled]]]
    text = data.tobytes()
    if any(special in text for special in _SPECIALS):
        found[np.searchsorted(offsets, np.flatnonzero(_SPECIAL_BYTE[data]), side="right") - 1] = True
    return found


def _spelled_one_by_one(values: pa.StringArray) -> pa.StringArray:
    """What `spelled` means, without a short cut."""
    runs = pc.match_substring_regex(values, _RUNS)
    text = pc.if_else(runs, _enclosed('="', values), values)
    quoted = pc.or_(runs, pc.match_substring_regex(values, _HAS_SPECIAL))
    return pc.if_else(quoted, _enclosed('"', text), text)


def _enclosed(opening: str, values: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(opening, pc.replace_substring(values, '"', '""'), '"', "")


def _longer_than(values: pa.StringArray, length: int) -> pa.BooleanArray:
    return pc.greater(pc.binary_length(values), length)
