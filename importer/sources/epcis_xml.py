"""The events of an EPCIS document in XML (1.0 to 2.0), one at a time. Entities and DTDs are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from importer.errors import SourceError
from importer.sources.epcis import Event, local
from importer.sources.files import cut_off


def events(file: BinaryIO, name: str) -> Iterator[Event]:
    """Raises SourceError where the document is damaged, or declares entities."""
    try:
        parts: list[Any] = []
        for kind, element in iterparse(file, ("start", "end"), forbid_dtd=True):
            if kind == "start":
                parts.append(element)
                continue
            parts.pop()
            if parts and local(parts[-1].tag) == "EventList":
                yield from _event(element)
                parts[-1].clear()
    except ParseError as error:
        raise cut_off(name, error) from error
    except DefusedXmlException as error:
        raise SourceError(
            f"{name} declares a document type or entities, which no EPCIS document needs: export it without."
        ) from error


def _event(element: Any) -> Iterator[Event]:
    if local(element.tag) == "extension" and len(element) == 1:  # TransformationEvent and the like in 1.2
        yield from _event(element[0])
        return
    event = Event(local(element.tag))
    for child in element:
        name = local(child.tag)
        if name == "action":
            event.action = (child.text or "").strip()
        elif name == "bizStep":
            event.step = local(child.text or "")
        elif name == "epcList":
            event.epcs = [(epc.text or "").strip() for epc in child]
        elif name in ("ilmd", "extension"):
            event.data = {**event.data, **_ilmd(child)}
    yield event


def _ilmd(element: Any) -> dict[str, str]:
    inside = element if local(element.tag) == "ilmd" else next((e for e in element if local(e.tag) == "ilmd"), ())
    found = {}
    for child in inside:
        if local(child.tag) == "extension":
            found.update({local(e.tag): (e.text or "").strip() for e in child})
        else:
            found[local(child.tag)] = (child.text or "").strip()
    return found
