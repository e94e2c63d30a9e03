import asyncio
import contextlib
from pathlib import Path

import aiohttp
from sandbox_client import GTIN, OTHER_GTIN, order, sandbox

from importer.sandbox import Fault, Kind, Sandbox, Settings, read_ledger, read_requests


async def test_an_entry_says_how_often_its_serial_came_was_taken_and_confirmed() -> None:
    async with sandbox("commission:drop_before=at:1", "commission:garble=at:2", "commission:503=at:4") as client:
        for _ in range(4):
            with contextlib.suppress(aiohttp.ServerDisconnectedError):
                await client.commission("A1")
        entry = client.box.ledger.get(GTIN, "A1")
    assert entry is not None
    assert (entry.received, entry.commissioned, entry.confirmed) == (4, 2, 1)


async def test_an_entry_counts_how_often_its_serial_came_with_another_expiry() -> None:
    async with sandbox() as client:
        await client.commission("A1")
        await client.commission("A1", expiry_date="281231")
        entry = client.box.ledger.get(GTIN, "A1")
    assert entry is not None
    assert (entry.expiry, entry.conflicts, entry.commissioned) == ("271130", 1, 2)


async def test_an_entry_has_the_batch_with_which_its_serial_was_taken() -> None:
    async with sandbox("commission:503=at:1") as client:
        await client.commission("A1", batch="FIRST")
        await client.commission("A1", batch="SECOND")
        entry = client.box.ledger.get(GTIN, "A1")
    assert entry is not None
    assert (entry.batch, entry.conflicts) == ("SECOND", 0)


async def test_the_ledger_is_shown_serial_by_serial() -> None:
    async with sandbox() as client:
        empty = (await client.get("/_sandbox/ledger")).json
        await client.commission("A1", "A2")
        await client.commission("A1", product_code=OTHER_GTIN)
        every = (await client.get("/_sandbox/ledger")).json["serials"]
        one = (await client.get(f"/_sandbox/ledger?gtin={OTHER_GTIN}")).json["serials"]
    assert empty == {"serials": []}
    assert {(entry["gtin"], entry["serial"]) for entry in every} == {(GTIN, "A1"), (GTIN, "A2"), (OTHER_GTIN, "A1")}
    assert one == [
        {
            "gtin": OTHER_GTIN,
            "serial": "A1",
            "batch": "BATCH002",
            "expiry": "271130",
            "received": 1,
            "commissioned": 1,
            "confirmed": 1,
            "conflicts": 0,
            "decommissioned": 0,
        },
    ]


async def test_a_ledger_of_several_pages_is_shown_whole() -> None:
    async with sandbox() as client:
        await client.commission(*(f"A{n}" for n in range(10_001)))
        shown = (await client.get("/_sandbox/ledger")).json["serials"]
    assert {entry["serial"] for entry in shown} == {f"A{n}" for n in range(10_001)}


async def test_the_requests_are_shown_with_time_count_status_and_fault() -> None:
    async with sandbox("commission:error_after=at:2") as client:
        await client.commission("A1", "A2")
        client.clock.now += 3
        await client.commission("A3")
        shown = (await client.get("/_sandbox/requests")).json["requests"]
        body = len(str(order("A1", "A2")))
    assert shown[1]["tick"] - shown[0]["tick"] == 3
    assert shown[0] == {
        "number": 1,
        "request": "commission",
        "path": "/v1/manufacturer/v2/api/serials/commission",
        "at": 1_800_000_000.0,
        "tick": 1_800_000_000.0,
        "in_flight": 1,
        "gtin": GTIN,
        "serials": 2,
        "bytes": body,
        "taken": 2,
        "status": 200,
        "error": "",
        "fault": "",
    }
    assert [shown[1][name] for name in ("serials", "taken", "status", "error", "fault")] == [
        1,
        1,
        500,
        "InternalError",
        "error_after",
    ]


async def test_a_request_says_how_many_were_at_work_when_it_came() -> None:
    both_are_in = asyncio.Barrier(2)

    async def sleep(_seconds: float) -> None:
        await both_are_in.wait()

    settings = Settings(faults=(Fault(Kind.LATENCY, seconds=1.0),))
    async with Sandbox(settings, sleep=sleep) as box, aiohttp.ClientSession() as session:
        url = box.url + settings.commission_path
        await asyncio.gather(session.post(url, json=order("A1")), session.post(url, json=order("A2")))
    assert [visit.in_flight for visit in box.requests] == [1, 2]


async def test_another_process_reads_each_answer_in_the_file_while_the_sandbox_runs(tmp_path: Path) -> None:
    path = tmp_path / "box.db"
    async with sandbox(f"ledger={path}", "refused=A2", "commission:drop_after=at:2") as client:
        await client.commission("A1", "A2")
        entries, requests = read_ledger(path), read_requests(path)
        assert entries == {(entry.gtin, entry.serial): entry for entry in client.box.ledger}
        assert requests == client.box.requests
    assert {key[1]: entry.commissioned for key, entry in entries.items()} == {"A1": 1, "A2": 0}


async def test_a_sandbox_goes_on_with_the_file_of_an_earlier_one(tmp_path: Path) -> None:
    option = f"ledger={tmp_path / 'box.db'}"
    async with sandbox(option) as client:
        await client.commission("00012", "1E5")
    async with sandbox(option, "twice=error") as client:
        came = await client.commission("00012")
        numbers = [visit.number for visit in client.box.requests]
    assert came.json["message"] == "Serial 00012 already exists"
    assert numbers == [1, 2]
