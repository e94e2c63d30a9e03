"""Records in JSON as a table: a list of objects or of lists, an object that holds one, or an object on each line.

What an object says beside the list of its packs (a batch, an expiry, a GTIN) counts for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from importer.errors import SourceError
from importer.sources.decoding import find_bom, guess_wide
from importer.sources.headers import role_of
from importer.sources.table_book import Table

_DEEPEST = 8
_MOST_COLUMNS = 1000

Record = dict[str, Any]


def read_json(data: bytes, name: str) -> list[Table]:
    """One table, whose first row are the names. Raises SourceError where it is no JSON."""
    text = _text(data)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        value = _lines(text)
        if value is None:
            reason = str(error).splitlines()[0][:80]
            raise SourceError("list_damaged", name=name, reason=f"JSON: {reason}") from error
    if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
        return [Table("JSON", [[_cell(cell) for cell in row] for row in value])]
    records = list(_records(value, {}, 0))
    names = list(dict.fromkeys(name for record in records for name in record))[:_MOST_COLUMNS]
    rows = [[_cell(record.get(name)) for name in names] for record in records]
    return [Table("JSON", [names, *rows] if records else [])]


def _text(data: bytes) -> str:
    marked = find_bom(data)
    if marked:
        return data[marked[1] :].decode(marked[0], "replace")
    return data.decode(guess_wide(data[:8192]) or "utf-8", "replace")


def _lines(text: str) -> list[Any] | None:
    """A value on each line (NDJSON); None where it is none of that either."""
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _records(value: Any, around: Record, depth: int) -> Iterator[Record]:
    """The packs in a value. `around` is what the objects that hold them say of all of them.

    In a list of packs an object without a serial is one that lacks it; a list without any serial holds other things.
    """
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _records(each, around, depth + 1)
        return
    if not isinstance(value, dict):
        return
    own = _flat(value)
    lists = {name: each for name, each in value.items() if _holds_serials(name, each)}
    if not lists:
        yield {**around, **own}
        return
    if _has_serial(own):
        yield {**around, **own}
    shared = {**around, **{name: each for name, each in own.items() if role_of(name) != "serial"}}
    for name, inner in lists.items():
        if isinstance(inner, list) and all(isinstance(one, (str, int, float)) for one in inner):
            yield from ({**shared, name: one} for one in inner)
        else:
            yield from _records(inner, shared, depth + 1)


def _has_serial(record: Mapping[str, Any]) -> bool:
    return any(role_of(name) == "serial" for name in record)


def _holds_serials(name: str, value: Any, depth: int = 0) -> bool:
    """Whether a list holds serials, or packs with one, or whether an object holds such a list."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, list):
        if value and all(isinstance(each, (str, int, float)) for each in value):
            return role_of(name) == "serial"
        return any(isinstance(each, dict) and (_has_serial(_flat(each)) or _in_it(each, depth)) for each in value)
    return isinstance(value, dict) and _in_it(value, depth)


def _in_it(value: Mapping[str, Any], depth: int) -> bool:
    return any(_holds_serials(name, each, depth + 1) for name, each in value.items())


def _holds_list(value: Any, depth: int = 0) -> bool:
    if isinstance(value, list):
        return bool(value)
    return isinstance(value, dict) and depth < _DEEPEST and any(_holds_list(v, depth + 1) for v in value.values())


def _flat(value: Mapping[str, Any], depth: int = 0) -> Record:
    """The plain values of an object, and of objects in it that hold no list."""
    found: Record = {}
    for name, each in value.items():
        if isinstance(each, dict):
            if depth < _DEEPEST and not _holds_list(each):
                found = {**_flat(each, depth + 1), **found}
        elif not isinstance(each, list):
            found[name] = each
    return found


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    return json.dumps(value)[:1000]
