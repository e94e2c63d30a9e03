"""Writes EPCIS documents, in JSON (2.0) and XML (1.2), from the same few facts. Shares nothing with what reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

SGTIN = "urn:epc:id:sgtin:4006381.033393."
_STEP = "urn:epcglobal:cbv:bizstep:"


@dataclass(frozen=True)
class Event:
    """An event of a pack's life. `data` are names and values of its ilmd."""

    serials: str
    action: str = "ADD"
    step: str = "commissioning"
    at: str = "07:00"
    id: str = ""
    data: str = "cbvmda:lotNumber=B1 cbvmda:itemExpirationDate=2028-11-30"
    disposition: str = ""
    wrong: bool = False
    corrected_by: str = ""
    kind: str = "ObjectEvent"

    @property
    def epcs(self) -> list[str]:
        return [s if ":" in s or "(" in s else SGTIN + s for s in self.serials.split()]

    @property
    def pairs(self) -> list[list[str]]:
        return [pair.split("=") for pair in self.data.split()]


def as_json(event: Event) -> dict[str, object]:
    found: dict[str, object] = {
        "type": event.kind, "eventTime": f"2026-11-20T{event.at}:00Z", "eventTimeZoneOffset": "+00:00",
        "recordTime": f"2026-11-2{1 + event.wrong}T00:00:00Z", "action": event.action,
        "childEPCs" if event.kind == "AggregationEvent" else "epcList": event.epcs,
    }  # fmt: skip
    more = {"bizStep": event.step, "disposition": event.disposition, "eventID": event.id, "ilmd": dict(event.pairs)}
    found |= {name: value for name, value in more.items() if value}
    if event.kind == "TransformationEvent":
        found["inputEPCList"] = found.pop("epcList")
    if event.wrong:
        found["errorDeclaration"] = {
            "declarationTime": "2026-11-20T12:00:00Z", "reason": "incorrect_data",
            "correctiveEventIDs": event.corrected_by.split(),
        }  # fmt: skip
    return found


def json_document(*events: Event, header: object = None) -> str:
    body = {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
            "schemaVersion": "2.0", "epcisBody": {"eventList": [as_json(event) for event in events]}}  # fmt: skip
    return json.dumps({**({"epcisHeader": header} if header else {}), **body})


def as_xml(event: Event) -> str:
    epcs = "".join(f"<epc>{escape(epc)}</epc>" for epc in event.epcs)
    names = {"AggregationEvent": "childEPCs", "TransformationEvent": "inputEPCList"}
    declared = ""
    if event.wrong:
        ids = "".join(f"<correctiveEventID>{each}</correctiveEventID>" for each in event.corrected_by.split())
        declared = f"<errorDeclaration><declarationTime>2026-11-20T12:00:00Z</declarationTime>{ids}</errorDeclaration>"
    base = f"<eventID>{event.id}</eventID>" * bool(event.id) + declared
    ilmd = "".join(f"<{name}>{value}</{name}>" for name, value in event.pairs)
    inner = (
        f"<eventTime>2026-11-20T{event.at}:00.000Z</eventTime>"
        f"<recordTime>2026-11-2{1 + event.wrong}T00:00:00Z</recordTime>"
        "<eventTimeZoneOffset>+00:00</eventTimeZoneOffset>"
        + f"<baseExtension>{base}</baseExtension>" * bool(base)
        + f"<{names.get(event.kind, 'epcList')}>{epcs}</{names.get(event.kind, 'epcList')}>"
        + f"<action>{event.action}</action>"
        + f"<bizStep>{_STEP}{event.step}</bizStep>" * bool(event.step)
        + f"<disposition>urn:epcglobal:cbv:disp:{event.disposition}</disposition>" * bool(event.disposition)
        + f"<extension><ilmd>{ilmd}</ilmd></extension>" * bool(ilmd)
    )
    wrap = ("<extension>", "</extension>") if event.kind == "TransformationEvent" else ("", "")
    return f"{wrap[0]}<{event.kind}>{inner}</{event.kind}>{wrap[1]}"


def xml_document(*events: Event, header: str = "", encoding: str = "UTF-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" '
        f'xmlns:cbvmda="urn:epcglobal:cbv:mda" xmlns:v="urn:vendor" schemaVersion="1.2">{header}<EPCISBody>'
        f"<EventList>{''.join(map(as_xml, events))}</EventList></EPCISBody></epcis:EPCISDocument>"
    )


def master_data(name: str, attributes: Sequence[Sequence[str]]) -> tuple[object, str]:
    """One element of a vocabulary, as the header of a document in JSON and in XML."""
    pairs = [{"id": key, "attribute": value} for key, value in attributes]
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:EPCClass",
                  "vocabularyElementList": [{"id": name, "attributes": pairs}]}  # fmt: skip
    lines = "".join(f'<attribute id="{key}">{value}</attribute>' for key, value in attributes)
    xml = (
        f"<EPCISHeader><extension><EPCISMasterData><VocabularyList>"
        f'<Vocabulary type="urn:epcglobal:epcis:vtype:EPCClass"><VocabularyElementList>'
        f'<VocabularyElement id="{name}">{lines}</VocabularyElement></VocabularyElementList>'
        f"</Vocabulary></VocabularyList></EPCISMasterData></extension></EPCISHeader>"
    )
    return {"epcisMasterData": {"vocabularyList": [vocabulary]}}, xml
