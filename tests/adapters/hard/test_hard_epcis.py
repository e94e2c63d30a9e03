"""EPCIS documents meant as they are: what each comes to is stated by hand, in JSON and in XML alike."""

# ruff: noqa: E501  a case is a line

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from epcis_documents import Event, as_json, as_xml, json_document, master_data, xml_document
from hard_rows import GTIN
from outcomes import Staged, staged
from saying import refused

from importer.errors import SourceError

GONE = "destroyed_later"
LATER: dict[str, Any] = {"action": "DELETE", "at": "08:00", "data": ""}


def outcome(result: Staged) -> tuple[list[str], dict[int, str]]:
    """Serial/batch/expiry of what goes out, and why the rest does not, by number of its EPC."""
    got = [
        f"{serial}/{result.batches[n].batch}/{result.batches[n].expiry}"
        for _, (serial, n) in sorted(result.sent.items())
    ]
    assert {b.gtin for b in result.batches} <= {GTIN}
    return got, result.codes()


def case(name: str, *events: Event, sent: str = "", codes: str = "", said: str = "") -> Any:
    """`sent`: serials, with /batch/expiry where it is not B1/281130; `codes`: number:code; `said`: words of a remark."""
    full = [s if "/" in s else f"{s}/B1/281130" for s in sent.split()]
    return pytest.param(
        events, full, {int(n): c for n, c in (each.split(":") for each in codes.split())}, said, id=name
    )


CASES = [
    case("wrong_by_id", Event("A B", id="1"), Event("A B", id="1", wrong=True), Event("C", id="2"), sent="C", said="(A and B)"),
    case("wrong_by_being_equal", Event("A B"), Event("A B", wrong=True), Event("C"), sent="C", said="(A and B)"),
    case("wrong_and_epcs_in_another_order", Event("A B"), Event("B A", wrong=True), Event("C"), sent="C", said="declared"),
    case("wrong_said_first", Event("A", id="1", wrong=True), Event("A", id="1"), Event("C"), sent="C", said="declared"),
    case("wrong_without_lot_and_expiry", Event("A"), Event("A", wrong=True, data=""), Event("C"), sent="C", said="declared"),
    case("equal_but_of_another_id", Event("A", id="1", wrong=True), Event("A", id="2"), sent="A", said="no event"),
    case(
        "corrected",
        Event("A", id="1"),
        Event("A", id="1", wrong=True, corrected_by="2"),
        Event("A", id="2", data="cbvmda:lotNumber=B2 cbvmda:itemExpirationDate=2028-12-31"),
        sent="A/B2/281231",
        said="declared",
    ),
    case(
        "corrected_by_another_serial", Event("A", id="1"), Event("A", id="1", wrong=True, corrected_by="2"),
        Event("N", id="2"), sent="N", said="declared",
    ),
    case(
        "corrected_elsewhere", Event("A", id="1"), Event("A", id="1", wrong=True, corrected_by="7"), Event("C"),
        sent="C", said="correction of a wrong event",
    ),
    case("wrong_is_the_destruction", Event("A", id="1"), Event("A", step="destroying", id="2", **LATER),
         Event("A", step="destroying", id="2", wrong=True, **LATER), sent="A"),
    case("destroyed", Event("A B"), Event("A", step="destroying", **LATER), sent="B", codes=f"1:{GONE}"),
    case("decommissioned", Event("A B"), Event("B", step="decommissioning", **LATER), sent="A", codes=f"2:{GONE}"),
    case("deleted_without_a_step", Event("A B"), Event("A", step="", **LATER), sent="B", codes=f"1:{GONE}"),
    case("decommissioned_as_observed", Event("A B"),
         Event("A", action="OBSERVE", step="decommissioning", at="08:00", data=""), sent="B", codes=f"1:{GONE}"),
    case("said_to_be_destroyed", Event("A B"),
         Event("A", action="OBSERVE", step="", at="08:00", data="", disposition="destroyed"),
         sent="B", codes=f"1:{GONE}"),
    case("destroyed_under_another_spelling", Event("A B"),
         Event(f"https://id.example.org/01/{GTIN}/21/A", step="destroying", **LATER), sent="B", codes=f"1:{GONE}"),
    case("destroyed_later_and_written_first", Event("A", step="destroying", **LATER), Event("A B"),
         sent="B", codes=f"2:{GONE}"),
    case("commissioned_again", Event("A"), Event("A", step="decommissioning", **LATER), Event("A", at="09:00"),
         sent="A", codes=f"1:{GONE}"),
    case("destroyed_before", Event("A", action="DELETE", step="destroying", at="06:00", data=""), Event("A"), sent="A"),
    case("used_up", Event("A B"), Event("A", kind="TransformationEvent", step="repackaging", at="08:00", data=""),
         sent="B", codes=f"1:{GONE}"),
    case("only_unpacked", Event("A B"), Event("A", kind="AggregationEvent", step="unpacking", **LATER), sent="A B"),
    case("own_names", Event("A", data="v:batchNumber=B1 v:expiryDate=2028-11-30"), sent="A"),
    case("own_names_beside_those_of_cbv",
         Event("A", data="v:lot=X cbvmda:lotNumber=B1 cbvmda:itemExpirationDate=2028-11-30"), sent="A"),
    case("own_names_that_contradict", Event("A", data="v:lot=B1 v:batch=B2 v:expiryDate=2028-11-30"),
         codes="1:epcis_contradiction"),
    case("told_in_a_later_event", Event("A B", data=""), Event("A B", action="OBSERVE", step="packing", at="08:00"),
         sent="A B", said="another event"),
    case("told_in_two_ways", Event("A", data=""), Event("A", action="OBSERVE", step="packing", at="08:00"),
         Event("A", action="OBSERVE", step="shipping", at="09:00",
               data="cbvmda:lotNumber=B2 cbvmda:itemExpirationDate=2028-11-30"), codes="1:epcis_contradiction"),
    case("told_nowhere", Event("A", data=""), codes="1:batch_missing"),
    case("spellings",
         Event(f"A1 urn:epc:tag:sgtin-96:3.4006381.033393.12 urn:epc:tag:sgtin-198:3.4006381.033393.A2 (01){GTIN}(21)A3 "
               f"https://x.de/y/01/{GTIN}/21/A4 URN:EPC:ID:SGTIN:4006381.033393.A5 http://id.gs1.org/gtin/{GTIN}/ser/A6"),
         sent="A1 12 A2 A3 A4 A5 A6"),
    case("no_packs", Event("A urn:epc:id:sscc:0614141.1234567890 urn:epc:id:grai:0614141.12345.4 (00)106141412345678908"),
         sent="A", said="sscc"),
    case("class_ids", Event(f"A urn:epc:idpat:sgtin:4006381.033393.* urn:epc:class:lgtin:4006381.033393.B1 "
                            f"https://id.gs1.org/01/{GTIN}/10/B1"),
         sent="A", codes="2:scan_unreadable 3:scan_unreadable 4:scan_incomplete"),
    case("not_to_be_read", Event("A https://example.org/pack/4711 urn:epc:raw:96.x3034"),
         sent="A", codes="2:scan_unreadable 3:scan_unreadable"),
    case("other_events", Event("A"), Event("A", action="OBSERVE", step="shipping", at="08:00", data=""),
         sent="A", said="shipping"),
    case("small_letters", Event("A", action="add"), sent="A"),
    case("days_with_a_zone", Event("A", data="cbvmda:lotNumber=B1 cbvmda:itemExpirationDate=2028-11-30Z"),
         Event("B", data="cbvmda:lotNumber=B1 cbvmda:itemExpirationDate=2028-11-30T00:00:00.000+01:00"), sent="A B"),
]  # fmt: skip


@pytest.mark.parametrize("notation", ["json", "xml", "xml.gz"])
@pytest.mark.parametrize(("events", "sent", "codes", "said"), CASES)
def test_a_document_is_meant_as_it_is(
    tmp_path: Path, notation: str, events: tuple[Event, ...], sent: list[str], codes: dict[int, str], said: str
) -> None:
    text = json_document(*events) if notation == "json" else xml_document(*events)
    content = gzip.compress(text.encode()) if notation == "xml.gz" else text.encode()
    (tmp_path / "list").write_bytes(content)
    if not sent and not codes:
        pytest.fail("a case must come to something")
    result = staged(tmp_path / "list")
    assert outcome(result) == (sent, codes)
    assert said in " ".join(map(str, result.remarks))


LGTIN = "urn:epc:class:lgtin:4006381.033393.B1"
EXPIRES = ["urn:epcglobal:cbv:mda#itemExpirationDate", "2028-11-30"]


@pytest.mark.parametrize(
    ("name", "attributes", "data"),
    [
        pytest.param(LGTIN, [EXPIRES], "cbvmda:lotNumber=B1", id="of_the_lot"),
        pytest.param(f"https://id.gs1.org/01/{GTIN}/10/B1", [EXPIRES], "cbvmda:lotNumber=B1", id="of_the_lots_link"),
        pytest.param(
            "urn:epc:idpat:sgtin:4006381.033393.*", [["cbvmda:lotNumber", "B1"], EXPIRES], "", id="of_the_product"
        ),
        pytest.param("urn:epc:id:sgtin:4006381.033393.A", [["cbvmda:lotNumber", "B1"], EXPIRES], "", id="of_the_pack"),
    ],
)
@pytest.mark.parametrize("notation", ["json", "xml"])
def test_master_data_tells_what_the_event_does_not(
    tmp_path: Path, notation: str, name: str, attributes: list[list[str]], data: str
) -> None:
    in_json, in_xml = master_data(name, attributes)
    event = Event("A", data=data)
    text = json_document(event, header=in_json) if notation == "json" else xml_document(event, header=in_xml)
    (tmp_path / "list").write_text(text, "utf-8")
    result = staged(tmp_path / "list")
    assert outcome(result) == (["A/B1/281130"], {})
    assert "master data" in " ".join(map(str, result.remarks))


A, B = Event("A"), Event("B")
ILMD = "<ilmd><cbvmda:lotNumber>B1</cbvmda:lotNumber><cbvmda:itemExpirationDate>2028-11-30</cbvmda:itemExpirationDate></ilmd>"
XML = xml_document(A, B)
BARE = {name: value for name, value in as_json(A).items() if name != "ilmd"}
OWN = {"cbvmda:lotNumber": "B1", "cbvmda:itemExpirationDate": "2028-11-30"}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        pytest.param(json.dumps(as_json(A)), "A", id="a_single_event"),
        pytest.param(json.dumps([as_json(A), as_json(B)]), "A B", id="a_list_of_events"),
        pytest.param("\n".join(json.dumps(as_json(e)) for e in (A, B)), "A B", id="an_event_on_each_line"),
        pytest.param("\ufeff" + "\r\n".join(json.dumps(as_json(e)) for e in (A, B)) + "\r\n", "A B", id="lines_of_windows"),
        pytest.param("\n".join(json_document(e) for e in (A, B)), "A B", id="a_document_on_each_line"),
        pytest.param(f"{json_document(A)}\n{json.dumps(as_json(B))}", "A B", id="a_document_and_an_event"),
        pytest.param(json.dumps({"@context": "epcis", "@graph": [as_json(A)]}), "A", id="a_graph"),
        pytest.param(json.dumps({"@context": "epcis", "epcisBody": {"event": as_json(A)}}), "A", id="the_event_of_a_body"),
        pytest.param(json.dumps({"@context": "epcis", "eventList": [as_json(A)]}), "A", id="a_bare_list"),
        pytest.param(
            json.dumps({"type": "EPCISQueryDocument", "epcisBody": {"queryResults": {"resultsBody": {
                "eventList": [as_json(A)]}}}}), "A", id="the_answer_to_a_query"),
        pytest.param(json.dumps({**BARE, "extension": {"ilmd": OWN}}), "A", id="ilmd_in_an_extension"),
        pytest.param(json.dumps({**BARE, "ilmd": {"v:pack": OWN}}), "A", id="ilmd_in_an_object_of_its_own"),
        pytest.param(json.dumps({**BARE, **OWN}), "A", id="told_by_the_event_itself"),
        pytest.param(
            json.dumps({**BARE, "ilmd": {"cbvmda:lotNumber": ["B1"], "cbvmda:itemExpirationDate": {"@value": "2028-11-30"}}}),
            "A", id="lists_and_typed_values"),
        pytest.param(json_document(A).encode("utf-16"), "A", id="json_in_utf_16"),
        pytest.param(json_document(A).encode("utf-16-le"), "A", id="json_in_utf_16_without_mark"),
        pytest.param(xml_document(A, B, encoding="UTF-16").encode("utf-16"), "A B", id="xml_in_utf_16"),
        pytest.param(as_xml(A).replace("<ObjectEvent>", '<ObjectEvent xmlns:cbvmda="urn:x">', 1), "A", id="xml_single_event"),
        pytest.param(XML.replace(f"<extension>{ILMD}</extension>", ILMD), "A B", id="ilmd_of_2_0"),
        pytest.param(XML.replace(ILMD, f"<extension>{ILMD}</extension>"), "A B", id="ilmd_in_two_extensions"),
        pytest.param(
            XML.replace("<ilmd>", "<ilmd><extension>").replace("</ilmd>", "</extension></ilmd>"), "A B",
            id="ilmd_with_an_extension"),
        pytest.param(XML.replace("<EventList>", "").replace("</EventList>", ""), "A B", id="events_without_a_list"),
    ],
)  # fmt: skip
def test_a_document_of_any_shape_is_read(tmp_path: Path, content: str | bytes, sent: str) -> None:
    (tmp_path / "list").write_bytes(content.encode() if isinstance(content, str) else content)
    assert outcome(staged(tmp_path / "list")) == ([f"{s}/B1/281130" for s in sent.split()], {})


def test_another_time_of_day_is_held_back(tmp_path: Path) -> None:
    evening = Event("A", data="cbvmda:lotNumber=B1 cbvmda:itemExpirationDate=2028-11-29T23:00:00Z")
    (tmp_path / "list").write_text(json_document(evening, B))
    assert outcome(staged(tmp_path / "list"))[0] == ["B/B1/281130"]


def test_what_is_no_event_is_counted(tmp_path: Path) -> None:
    document = json.loads(json_document(A))
    document["epcisBody"]["eventList"].append("lost")
    (tmp_path / "list").write_text(json.dumps(document))
    result = staged(tmp_path / "list")
    assert (result.serials(), "1 no event" in " ".join(map(str, result.remarks))) == (["A"], True)


def test_quantities_without_serials_are_counted(tmp_path: Path) -> None:
    amount = [{"epcClass": LGTIN, "quantity": 10}]
    (tmp_path / "list").write_text(json.dumps([{**as_json(A), "quantityList": amount}]))
    result = staged(tmp_path / "list")
    assert (result.serials(), "quantities" in " ".join(map(str, result.remarks))) == (["A"], True)


@pytest.mark.parametrize(
    "document", [json_document(Event("A", id="1", wrong=True)), xml_document(Event("A", id="1", wrong=True))]
)
def test_a_document_that_only_declares_errors_says_what_they_mean(tmp_path: Path, document: str) -> None:
    (tmp_path / "list").write_text(document)
    with refused(SourceError, "declares events wrong"):
        staged(tmp_path / "list")
