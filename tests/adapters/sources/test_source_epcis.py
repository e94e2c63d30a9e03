from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from saying import refused, said

from importer.errors import SourceError
from importer.rows.tables import Source
from importer.sources import epcis_events, epcis_json, epcis_xml
from importer.sources.opening import SourceOptions, open_source

EPC = "urn:epc:id:sgtin:0952010.010114."
GTIN = "00952010101146"
ADD = "<action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>"
LOT = "<cbvmda:lotNumber>B1</cbvmda:lotNumber>"
EXPIRY = "<cbvmda:itemExpirationDate>2028-11-30</cbvmda:itemExpirationDate>"
ILMD = f"<ilmd>{LOT}{EXPIRY}</ilmd>"
URN, URI = "urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-"
DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>{before}<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" '
    'xmlns:cbvmda="urn:epcglobal:cbv:mda" schemaVersion="1.2"><EPCISBody><EventList>{events}</EventList></EPCISBody>'
    "</epcis:EPCISDocument>"
)
GOOD = [(1, "A1", "", "B1", "2028-11-30")]


def epc_list(*serials: str) -> str:
    return f"<epcList>{''.join(f'<epc>{EPC}{serial}</epc>' for serial in serials)}</epcList>"


def xml_event(*serials: str, rest: str = ADD, ilmd: str = f"<extension>{ILMD}</extension>") -> str:
    return f"<ObjectEvent><eventTime>2026-11-20T10:00:00Z</eventTime>{epc_list(*serials)}{rest}{ilmd}</ObjectEvent>"


def json_event(*serials: str, **more: Any) -> dict[str, Any]:
    ilmd = {"cbvmda:lotNumber": "B1", "cbvmda:itemExpirationDate": "2028-11-30"}
    event = {"type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning", "ilmd": ilmd}
    return {**event, "epcList": [EPC + serial for serial in serials], **more}


def opened(tmp_path: Path, content: str | dict[str, Any], **options: Any) -> Source:
    path = tmp_path / "events.dat"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return open_source(path, SourceOptions(**options))


def read(source: Source) -> list[tuple[Any, ...]]:
    found = [row for rows in source for row in rows.table.to_pylist()]
    return [(r["key"], r["serial"], r["batch"], r["expiry"]) for r in found]


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
            "schemaVersion": "2.0", "epcisBody": {"eventList": list(events)}}  # fmt: skip


ONE = [(1, "A1", "B1", "2028-11-30"), (2, "A2", "B1", "2028-11-30")]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(xml_event("A1", "A2"), id="1.2"),
        pytest.param(xml_event("A1", "A2", ilmd=ILMD), id="2.0"),
        pytest.param(xml_event("A1", "A2").replace(URN, URI), id="CBV 2"),
        pytest.param(xml_event("A1", "A2").replace("30<", "30T00:00:00.000+01:00<"), id="expiry with time"),
    ],
)  # fmt: skip
def test_commissioning_events_in_xml_are_rows(tmp_path: Path, event: str) -> None:
    assert read(opened(tmp_path, DOCUMENT.format(before="", events=event))) == ONE


EVENTS = {"eventList": [json_event("A1", "A2")]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(document(json_event("A1", "A2")), id="a document"),
        pytest.param(document(json_event("A1", "A2", bizStep=URN + "commissioning")), id="URN"),
        pytest.param(document(json_event("A1", "A2", bizStep=URI + "commissioning")), id="URI"),
        pytest.param(document(json_event("A1"), json_event("A2")), id="two events"),
        pytest.param(
            {"type": "EPCISQueryDocument", "epcisBody": {"queryResults": {"resultsBody": EVENTS}}}, id="an answer"
        ),
        pytest.param(
            document(json_event("A1", "A2", epcList=[f"https://id.gs1.org/01/{GTIN}/21/A{n}" for n in (1, 2)])),
            id="Digital Links",
        ),
    ],
)  # fmt: skip
def test_commissioning_events_in_json_are_rows(tmp_path: Path, content: dict[str, Any]) -> None:
    assert read(opened(tmp_path, content)) == ONE


def test_other_events_and_other_things_are_counted_and_left_out(tmp_path: Path) -> None:
    events = [
        xml_event("X1", rest=ADD.replace("commissioning", "decommissioning")),
        xml_event("X2", rest=ADD.replace("ADD", "OBSERVE")),
        "<AggregationEvent><parentID>urn:epc:id:sscc:0614141.1234567890</parentID><action>ADD</action></AggregationEvent>",
        f"<ObjectEvent><epcList><epc>urn:epc:id:sscc:0614141.1234567890</epc></epcList>{ADD}</ObjectEvent>",
        xml_event("A1"),
    ]
    source = opened(tmp_path, DOCUMENT.format(before="", events="".join(events)))
    assert read(source) == [(4, "A1", "B1", "2028-11-30")]
    others = "1 ObjectEvent ADD decommissioning, 1 ObjectEvent OBSERVE commissioning and 1 AggregationEvent ADD"
    assert tuple(map(said, source.reading.remarks)) == (
        f"events.dat: events that commission nothing were left out: {others}.",
        "events.dat: EPCs of commissioning events that are no packs (no SGTIN) left out: 1 sscc.",
    )


def test_an_epc_that_can_not_be_read_is_a_fault_of_its_row(tmp_path: Path) -> None:
    content = document(json_event("A1", epcList=["urn:epc:id:sgtin:095.010114.A1", EPC + "A%2F2"]))
    rows = next(iter(opened(tmp_path, content)))
    assert rows.table["serial"].to_pylist() == ["urn:epc:id:sgtin:095.010114.A1", "A/2"]
    assert {at: fault.code for at, fault in rows.faults.items()} == {0: "scan_unreadable"}


def test_lot_and_expiry_that_no_event_holds_can_be_given(tmp_path: Path) -> None:
    source = opened(tmp_path, document(json_event("A1", ilmd={})), batch="B9", expiry="281231")
    assert read(source) == [(1, "A1", "B9", "281231")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(DOCUMENT.format(before="", events=xml_event("A1"))[:-40], "damaged or cut off", id="cut-off XML"),
        pytest.param(json.dumps(document(json_event("A1")))[:-5], "damaged or cut off", id="cut-off JSON"),
        pytest.param(DOCUMENT.format(before="", events=""), "no commissioning event", id="no event"),
        pytest.param(json.dumps(document()), "no commissioning event", id="no event in JSON"),
        pytest.param(
            DOCUMENT.format(before='<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', events=xml_event("&b;")),
            "declares a document type or entities",
            id="entities",
        ),
        pytest.param(
            DOCUMENT.format(before='<!DOCTYPE x SYSTEM "file:///etc/passwd">', events=xml_event("A1")),
            "declares a document type or entities",
            id="an external document type",
        ),
    ],
)
def test_what_can_not_be_read_is_said_in_one_line(tmp_path: Path, content: str, words: str) -> None:
    with refused(SourceError, words) as caught:
        read(opened(tmp_path, content))
    assert "\n" not in said(caught.value)


def packed(path: Path, content: bytes, extension: str) -> Path:
    path = path / f"events.{extension}"
    if extension == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("events", content)
    return path


@pytest.mark.parametrize("extension", ["gz", "zip"])
@pytest.mark.parametrize("notation", ["xml", "json"])
def test_a_packed_document_is_read_alike(tmp_path: Path, notation: str, extension: str) -> None:
    text = DOCUMENT.format(before="", events=xml_event("A1", "A2"))
    text = text if notation == "xml" else json.dumps([json_event("A1", "A2")])
    text = text if notation == "xml" else text.replace('"type"', '"@context": "epcis", "type"', 1)
    source = open_source(packed(tmp_path, text.encode(), extension), SourceOptions())
    assert read(source) == ONE
    assert source.reading.format == f"epcis.{notation}.{extension}"


@pytest.mark.parametrize(
    ("events", "bomb"),
    [
        pytest.param(epcis_xml.events, b"<EPCISDocument><EventList><ObjectEvent a='", id="xml"),
        pytest.param(epcis_json.events, b'{"epcisBody": {"eventList": [{"type": "', id="json"),
    ],
)
def test_an_event_without_end_is_given_up_in_bounded_memory(events: Callable[..., Any], bomb: bytes) -> None:
    document = epcis_events.Document(io.BytesIO(bomb + b"x" * (5 << 20)), "events.gz", 1 << 20)
    with refused(SourceError, r"^events\.gz has an event of more than 1 MB, or none in as many\. Split it\.$"):
        list(events(document, "events.gz"))


def test_a_packed_document_that_is_cut_off_is_said_in_one_line(tmp_path: Path) -> None:
    text = DOCUMENT.format(before="", events="".join(xml_event(f"A{n}") for n in range(2000)))
    path = packed(tmp_path, text.encode(), "gz")
    path.write_bytes(path.read_bytes()[:-400])
    with refused(SourceError, "is damaged or cut off"):
        list(open_source(path, SourceOptions()))


@pytest.mark.parametrize("content", [xml_event("A1"), document(json_event("A1"))])
def test_columns_that_are_named_for_a_document_without_columns_are_refused(
    tmp_path: Path, content: str | dict[str, Any]
) -> None:
    with pytest.raises(SourceError) as caught:
        opened(tmp_path, content, columns={"Pack nr": "serial"})
    assert caught.value.message.code == "column_in_epcis"
    assert '"Pack nr"' in said(caught.value)
