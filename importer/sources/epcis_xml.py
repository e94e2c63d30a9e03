"""The events and master data of an EPCIS document in XML (1.0 to 2.0), one at a time. Entities and DTDs are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from importer.sources.epcis_events import KINDS, Event, local
from importer.sources.epcis_history import Vocabulary
from importer.sources.xml_bounds import MOST_NESTED, WatchedXml, sound_xml

_WRAPPERS = ("extension", "baseExtension")
_LISTS = ("childEPCs", "outputEPCList")
_CONTAINERS = ("EventList", "VocabularyElementList")


def events(file: BinaryIO, name: str) -> Iterator[Event]:
    """Raises SourceError where the document is damaged, or declares entities."""
    for element, parent in _elements(file, name, KINDS):
        if local(element.tag) in KINDS:
            yield _event(element)
        elif local(parent.tag) == "EventList" and not any(local(e.tag) in KINDS for e in element):
            yield Event(local(element.tag))


def vocabulary(file: BinaryIO, name: str) -> Iterator[Vocabulary]:
    """The elements of the document's master data. Raises as `events` does."""
    for element, _ in _elements(file, name, frozenset({"VocabularyElement"})):
        if local(element.tag) == "VocabularyElement":
            yield _vocabulary(element)


def _elements(file: BinaryIO, name: str, wanted: Collection[str]) -> Iterator[tuple[Any, Any]]:
    """Elements of these names, other than inside of one another, and what else a list holds; each with its parent."""
    watched = WatchedXml(file, name)
    parents: list[tuple[Any, str]] = []
    inside = 0
    with sound_xml(name):
        for kind, element in watched.elements():
            if kind == "start":
                watched.silent = 0
                name_of_it = local(element.tag)
                parents.append((element, name_of_it))
                if len(parents) > MOST_NESTED:
                    raise watched.too_deep()
                inside += name_of_it in wanted
                continue
            tag = parents.pop()[1]
            is_wanted = tag in wanted
            inside -= is_wanted
            if inside:
                continue
            parent, holder = parents[-1] if parents else (None, "")
            listed = holder in _CONTAINERS
            if is_wanted or listed:
                yield element, parent
                element.clear()
                if parent is not None and listed:
                    parent.clear()


def _event(element: Any) -> Event:
    event = Event(local(element.tag))
    _fill(event, element)
    return event


def _fill(event: Event, element: Any) -> None:  # noqa: C901, PLR0912  one branch for each name that an event knows
    for child in element:
        name, text = local(child.tag), (child.text or "").strip()
        if name in _WRAPPERS:
            _fill(event, child)
        elif name == "action":
            event.action = text
        elif name == "bizStep":
            event.step = local(text)
        elif name == "disposition":
            event.disposition = local(text)
        elif name == "eventTime":
            event.time = text
        elif name == "eventID":
            event.id = text
        elif name == "epcList":
            event.epcs = [*event.epcs, *_texts(child)]
        elif name in _LISTS:
            event.others = [*event.others, *_texts(child)]
        elif name == "inputEPCList":
            event.inputs = [*event.inputs, *_texts(child)]
        elif name.endswith(("quantityList", "QuantityList")):
            event.quantities += len(child)
        elif name == "ilmd":
            event.data[:0] = _data(child)
        elif name == "errorDeclaration":
            event.declares_error = True
            corrected = [each for each in child.iter() if local(each.tag) == "correctiveEventID"]
            event.corrected_by = [text for each in corrected if (text := (each.text or "").strip())]
        elif text and not len(child):
            event.data.append((child.tag, text))


def _texts(element: Any) -> list[str]:
    return [(child.text or "").strip() for child in element]


def _data(ilmd: Any) -> list[tuple[str, str]]:
    """Names and values, also of what stands in an `extension` or in a vendor's own element."""
    return [(each.tag, text) for each in ilmd.iter() if not len(each) and (text := (each.text or "").strip())]


def _vocabulary(element: Any) -> Vocabulary:
    attributes = [
        (each.get("id", ""), (each.text or "").strip()) for each in element.iter() if local(each.tag) == "attribute"
    ]
    return Vocabulary(element.get("id", ""), attributes)
