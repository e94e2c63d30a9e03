"""The events and master data of an EPCIS 2.0 document in JSON or JSON-LD, one at a time: a document, the answer to a
query, a list of events, a single one, or one of these on each line (NDJSON).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]

from importer.sources.decoding import find_bom, guess_wide
from importer.sources.epcis_events import KINDS, Event, TooLongError, local
from importer.sources.epcis_history import Vocabulary
from importer.sources.files import cut_off
from importer.sources.json_bounds import WatchedJson

_PLACES = ("epcisBody.eventList.item", "epcisBody.queryResults.resultsBody.eventList.item", "item", "")
"""Where events are: a document, the answer to a query, a list, and whatever else is looked through as a whole."""
_LISTS = ("childEPCs", "outputEPCList")
_LEAD = 1 << 16
_KNOWN = frozenset({
    "type", "@type", "isA", "action", "bizStep", "disposition", "eventTime", "eventID", "id", "@id", "epcList",
    "inputEPCList", "ilmd", "errorDeclaration", "extension", "baseExtension", "recordTime", "eventTimeZoneOffset",
    *_LISTS,
})  # fmt: skip


def events(document: BinaryIO, name: str) -> Iterator[Event]:
    """Raises SourceError where the document is damaged."""
    file = WatchedJson(_in_utf8(document), name)
    try:
        start = _start(file)
        yield from _found(file, start, lines=_is_lines(file, start))
    except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
        raise cut_off(name, " ".join(str(error).split())[:120]) from error


def vocabulary(document: BinaryIO, name: str) -> Iterator[Vocabulary]:
    """The elements of the document's master data. Raises as `events` does."""
    file = WatchedJson(_in_utf8(document), name)
    try:
        start = _start(file)
        lines = _is_lines(file, start)
        file.seek(start)
        for each in ijson.items(file, "epcisHeader.epcisMasterData.vocabularyList.item", multiple_values=lines):
            elements = each.get("vocabularyElementList") if isinstance(each, dict) else None
            yield from map(_vocabulary, elements if isinstance(elements, list) else [])
    except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
        raise cut_off(name, " ".join(str(error).split())[:120]) from error


def _in_utf8(document: BinaryIO) -> BinaryIO:
    """The document, or what UTF-16 or UTF-32 says, which is rare and decoded as a whole."""
    document.seek(0)
    head = document.read(_LEAD)
    document.seek(0)
    marked = find_bom(head)
    wide = marked[0] if marked else guess_wide(head)
    if wide in (None, "utf-8"):
        return document
    return io.BytesIO(document.read().decode(wide, "replace").lstrip("\ufeff").encode())


def _start(file: WatchedJson) -> int:
    file.seek(0)
    return 3 if file.read(3) == b"\xef\xbb\xbf" else 0


def _is_lines(file: WatchedJson, start: int) -> bool:
    """Whether the first line is a value of its own and another one follows it."""
    file.seek(start)
    lines = [line for line in file.read(_LEAD).splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].lstrip().startswith(b"{"):  # noqa: PLR2004  one value and the next one
        return False
    return lines[0].rstrip().endswith(b"}") and lines[1].lstrip().startswith(b"{")


def _found(file: WatchedJson, start: int, *, lines: bool) -> Iterator[Event]:
    too_long: TooLongError | None = None
    for place in ("",) if lines else _PLACES:
        found = False
        file.seek(start)
        try:
            for item in ijson.items(file, place, multiple_values=lines):
                for event in _unfold(item):
                    found = True
                    yield event
        except TooLongError as error:
            too_long = error
            if found:
                raise
        if found:
            return
    if too_long:
        raise too_long


def _vocabulary(element: Any) -> Vocabulary:
    attributes = element.get("attributes") or [] if isinstance(element, dict) else []
    pairs = [(str(a.get("id") or ""), _text(a.get("attribute"))) for a in attributes if isinstance(a, dict)]
    return Vocabulary(str(element.get("id") or "") if isinstance(element, dict) else "", pairs)


def _unfold(item: Any) -> Iterator[Event]:
    """The events in a value: it may be one, or a document, a list or a graph of them."""
    if isinstance(item, list):
        for each in item:
            yield from _unfold(each)
    elif isinstance(item, dict):
        inner = [item[name] for name in ("epcisBody", "queryResults", "resultsBody", "eventList", "event", "@graph")
                 if name in item]  # fmt: skip
        if not inner:
            yield _event(item)
        for each in inner:
            yield from _unfold(each)
    else:
        yield Event("no event")


def _event(item: Mapping[str, Any]) -> Event:
    kind = item.get("type") or item.get("@type") or item.get("isA") or "event"
    if isinstance(kind, list):
        kind = next((k for k in kind if local(str(k)) in KINDS), kind[0] if kind else "event")
    event = Event(local(str(kind)))
    _fill(event, item)
    return event


def _fill(event: Event, item: Mapping[str, Any]) -> None:
    event.action = _text(item.get("action")) or event.action
    event.step = local(_text(item.get("bizStep"))) or event.step
    event.disposition = local(_text(item.get("disposition"))) or event.disposition
    event.time = _text(item.get("eventTime")) or event.time
    event.id = _text(item.get("eventID") or item.get("id") or item.get("@id")) or event.id
    event.epcs = [*event.epcs, *_texts(item.get("epcList"))]
    event.others = [*event.others, *(epc for name in _LISTS for epc in _texts(item.get(name)))]
    event.inputs = [*event.inputs, *_texts(item.get("inputEPCList"))]
    event.quantities += sum(len(v) for k, v in item.items() if k.lower().endswith("quantitylist") and v)
    event.data = [*event.data, *_data(item.get("ilmd"))]
    declaration = item.get("errorDeclaration")
    if isinstance(declaration, dict):
        event.declares_error = True
        event.corrected_by = _texts(declaration.get("correctiveEventIDs"))
    for name in ("extension", "baseExtension"):
        if isinstance(item.get(name), dict):
            _fill(event, item[name])
    event.data += [(name, _text(value)) for name, value in item.items() if name not in _KNOWN and _text(value)]


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [_text(each.get("id") or each) if isinstance(each, dict) else str(each).strip() for each in values]


def _data(ilmd: Any) -> list[tuple[str, str]]:
    """Names and values, also of what stands in an `extension` or in a vendor's own object."""
    if not isinstance(ilmd, dict):
        return []
    found: list[tuple[str, str]] = []
    for name, value in ilmd.items():
        if isinstance(value, dict) and "@value" not in value:
            found += _data(value)
        else:
            values = value if isinstance(value, list) else [value]
            found += [(name, text) for each in values if (text := _text(each))]
    return found


def _text(value: Any) -> str:
    """A value, or that of a typed one: {"@value": …}."""
    if isinstance(value, dict):
        value = value.get("@value", "")
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
