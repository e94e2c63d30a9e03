"""The events of an EPCIS 2.0 document in JSON or JSON-LD, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]

from importer.sources.epcis import Event, TooLongError, local
from importer.sources.files import cut_off

_PLACES = (
    "epcisBody.eventList.item",
    "epcisBody.queryResults.resultsBody.eventList.item",
    "epcisBody.event",
    "eventList.item",
    "item",
)
"""Where events stand: a document, the answer to a query, and what programs write instead."""


def events(file: BinaryIO, name: str) -> Iterator[Event]:
    """Raises SourceError where the document is damaged."""
    too_long: TooLongError | None = None
    for place in _PLACES:
        found = False
        file.seek(0)
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        try:
            for item in ijson.items(file, place):
                if isinstance(item, dict):
                    found = True
                    yield _event(item)
        except TooLongError as error:
            too_long = error
            if found:
                raise
        except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())[:120]
            raise cut_off(name, reason) from error
        if found:
            return
    if too_long:
        raise too_long


def _event(item: Mapping[str, Any]) -> Event:
    kind = item.get("type") or item.get("@type") or item.get("isA") or "event"
    epcs = item.get("epcList") or ()
    return Event(
        local(str(kind)),
        str(item.get("action") or ""),
        local(str(item.get("bizStep") or "")),
        [str(epc).strip() for epc in epcs] if isinstance(epcs, list) else [str(epcs).strip()],
        _ilmd(item.get("ilmd")),
    )


def _ilmd(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    return {local(name): _text(value) for name, value in data.items() if _text(value)}


def _text(value: Any) -> str:
    """A value, or that of a typed one: {"@value": …}."""
    if isinstance(value, dict):
        value = value.get("@value", "")
    return str(value).strip() if isinstance(value, (str, int)) else ""
