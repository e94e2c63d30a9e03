"""Lists as people send them, through the commands: what goes out, what does not, and what the planner reads."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable

import pytest
from commands import Importer
from readback import Report

GTIN = "04006381333931"
SGTIN = "urn:epc:id:sgtin:4006381.033393."
HEAD = "SerialNumber,GTIN,Batch,ExpirationDate"
ROWS = f"A1,{GTIN},B1,271130\nA2,{GTIN},B1,271130\n"


def event(
    *serials: str, action: str = "ADD", step: str = "commissioning", hour: int = 7, **more: object
) -> dict[str, object]:
    ilmd = {"cbvmda:lotNumber": "B1", "cbvmda:itemExpirationDate": "2027-11-30"} if action == "ADD" else {}
    return {"type": "ObjectEvent", "eventTime": f"2026-11-20T{hour:02}:00:00Z", "action": action, "bizStep": step,
            "epcList": [SGTIN + serial for serial in serials], "ilmd": ilmd, **more}  # fmt: skip


def epcis(*events: dict[str, object]) -> str:
    return json.dumps({"@context": "epcis", "type": "EPCISDocument", "epcisBody": {"eventList": events}})


@pytest.mark.parametrize(
    ("name", "content", "outcomes", "said"),
    [
        pytest.param(
            "list.json",
            epcis(event("A", "B", eventID="1"), event("A", "B", eventID="1", errorDeclaration={"reason": "x"}),
                  event("C", eventID="2")),
            {"assigned": 1}, "A and B", id="declared_wrong",
        ),
        pytest.param(
            "list.json",
            epcis(event("A", "B", "C"), event("B", action="DELETE", step="destroying", hour=8),
                  event("C", action="DELETE", step="decommissioning", hour=9)),
            {"assigned": 1, "rejected": 2}, '"B"', id="destroyed_later",
        ),
        pytest.param("list.csv", f"{HEAD}\n{ROWS}\ufeff{HEAD}\n{ROWS.replace('A', 'B')}\x1a", {"assigned": 4}, "out",
                     id="a_header_again_and_the_end_mark_of_dos"),
        pytest.param("list.csv", "".join(f'"{line}"\n' for line in f"{HEAD}\n{ROWS}".splitlines()), {"assigned": 2}, "",
                     id="rows_in_quotes"),
        pytest.param("list.xls", f"<meta charset=utf-8><table><tr><td>{HEAD.replace(',', '<td>')}"
                     + "".join(f"<tr><td>{row.replace(',', '<td>')}" for row in ROWS.splitlines()), {"assigned": 2}, "",
                     id="html"),
        pytest.param("list.csv", f"{HEAD}\nA1,4.006381333931E12,B1,271130\nA2,4.00638E+12,B1,271130\n",
                     {"assigned": 1, "rejected": 1}, "exponent", id="gtins_with_an_exponent"),
    ],
)  # fmt: skip
def test_a_list_as_people_send_it_is_imported_as_it_is_meant(
    importer: Importer,
    report: Callable[[], Report],
    name: str,
    content: str,
    outcomes: dict[str, int],
    said: str,
) -> None:
    path = importer.cwd / name
    path.write_text(content, "utf-8")
    checked = importer("check", path)
    assert said in " ".join(checked.out.split())
    done = importer("run", "--sandbox", path)
    assert (done.code, report().outcomes) == (3 if "rejected" in outcomes else 0, outcomes)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("~$list.xlsx", b"\x07Planner", "list.xlsx itself"),
        ("list.rtf", b"{\\rtf1 A}", "Word or RTF"),
        ("list.csv", f"{HEAD},Batch\nA1,{GTIN},B1,271130,B2\n".encode(), "--map batch=#5"),
        ("other.csv", f"{HEAD}\n{ROWS}".encode(), 'no column "Pack nr"'),
    ],
)
def test_what_can_not_be_read_ends_with_2_and_says_what_to_do(
    importer: Importer, name: str, content: bytes, words: str
) -> None:
    (importer.cwd / name).write_bytes(content)
    flags = ["--map", "serial=Pack nr"] if name == "other.csv" else []
    done = importer("run", "--sandbox", importer.cwd / name, *flags)
    assert (done.code, words in " ".join(done.err.split())) == (2, True)


def test_an_apple_document_is_called_by_its_name(importer: Importer) -> None:
    path = importer.cwd / "list.numbers"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Index/Tables/DataList.iwa", b"x")
    done = importer("check", path)
    assert (done.code, "Apple Numbers" in done.err) == (2, True)
