from typing import Any

import pytest
from sandbox_client import GTIN, Client, sandbox

SERIALS = [f"S{n}" for n in range(400)]


async def twice(client: Client, **second: Any) -> tuple[int, str]:
    """A1 is taken, then comes again together with A2: the second answer's status, and its text."""
    await client.commission("A1")
    came = await client.commission("A1", "A2", **second)
    return came.status, came.json["message"] if came.status != 200 else came.statuses["A1"]


@pytest.mark.parametrize(
    ("options", "said", "taken"),
    [
        pytest.param([], (200, "Assigned"), {"A1", "A2"}, id="assigned again"),
        pytest.param(["twice=error"], (400, "Serial A1 already exists"), {"A1"}, id="all refused"),
        pytest.param(["twice=status"], (200, "AlreadyExists"), {"A1", "A2"}, id="a status"),
        pytest.param(["twice=status", "twice_status=Known"], (200, "Known"), {"A1", "A2"}, id="a chosen status"),
    ],
)
async def test_a_serial_taken_before_gets_what_was_chosen(
    options: list[str], said: tuple[int, str], taken: set[str]
) -> None:
    async with sandbox(*options) as client:
        assert await twice(client) == said
        assert client.taken() == taken


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["twice=status"], (200, "AlreadyExists"), id="as any other"),
        pytest.param(["twice_other=error"], (400, "Serial A1 already exists"), id="an error of its own"),
        pytest.param(["twice=error", "twice_other=assigned"], (200, "Assigned"), id="less strict"),
    ],
)
async def test_a_serial_taken_before_with_another_batch_gets_what_was_chosen(
    options: list[str], said: tuple[int, str]
) -> None:
    async with sandbox(*options) as client:
        assert await twice(client, batch="OTHER") == said
        entry = client.box.ledger.get(GTIN, "A1")
        assert entry is not None
        assert entry.batch == "BATCH002"


async def test_the_same_serial_of_another_product_is_another_serial() -> None:
    async with sandbox("twice=error") as client:
        await client.commission("A1")
        came = await client.commission("A1", product_code="04012345123456")
    assert came.status == 200


@pytest.mark.parametrize("option", ["poison=A2", "poison_pattern=^.2$"])
async def test_a_poison_serial_spoils_its_whole_request(option: str) -> None:
    async with sandbox(option) as client:
        came = await client.commission("A1", "A2", "A3")
        assert client.taken() == set()
        rest = await client.commission("A1", "A3")
    assert (came.status, came.json["error"], came.json["message"]) == (400, "ValidationError", "Serial A2 is not valid")
    assert rest.status == 200


@pytest.mark.parametrize("option", ["refused=A2", "refused_pattern=2$"])
async def test_a_refused_serial_gets_another_status_and_the_others_are_taken(option: str) -> None:
    async with sandbox(option, "refused_status=Blocked") as client:
        came = await client.commission("A1", "A2", "A3")
        assert client.taken() == {"A1", "A3"}
    assert came.statuses == {"A1": "Assigned", "A2": "Blocked", "A3": "Assigned"}


async def test_a_missing_serial_is_taken_and_left_out_of_the_answer() -> None:
    async with sandbox("missing=A2") as client:
        came = await client.commission("A1", "A2")
        assert client.taken() == {"A1", "A2"}
    assert came.statuses == {"A1": "Assigned"}


async def test_a_lost_serial_is_not_taken_and_left_out_of_the_answer() -> None:
    async with sandbox("lost=A2") as client:
        came = await client.commission("A1", "A2")
        assert client.taken() == {"A1"}
    assert came.statuses == {"A1": "Assigned"}


async def test_a_contradicted_serial_is_named_with_two_statuses_and_not_confirmed() -> None:
    async with sandbox("contradicted=A2") as client:
        came = await client.commission("A1", "A2")
        confirmed = {entry.serial: entry.confirmed for entry in client.box.ledger}
    said = [one["status"] for one in came.json["data"] if one["serial_number"] == "A2"]
    assert said == ["Assigned", "Rejected"]
    assert confirmed == {"A1": 1, "A2": 0}


async def test_a_share_of_the_serials_is_refused_whichever_request_they_come_in() -> None:
    async with sandbox("refused_share=0.25") as client:
        together = (await client.commission(*SERIALS)).statuses
        alone = {}
        for serial in SERIALS[:40]:
            alone.update((await client.commission(serial)).statuses)
    refused = {serial for serial, status in together.items() if status == "Rejected"}
    assert 60 < len(refused) < 140
    assert {serial for serial, status in alone.items() if status == "Rejected"} == refused & set(alone)


@pytest.mark.parametrize("fate", ["poison", "missing", "lost", "contradicted"])
async def test_every_fate_can_befall_a_share(fate: str) -> None:
    async with sandbox(f"{fate}_share=1.0") as client:
        came = await client.commission("A1")
    whole = {
        "success": True,
        "message": "Serials commissioned",
        "data": [{"serial_number": "A1", "status": "Assigned"}],
    }
    assert came.json != whole


async def test_another_seed_chooses_other_serials() -> None:
    chosen = []
    for seed in (1, 2):
        async with sandbox("refused_share=0.5", f"seed={seed}") as client:
            chosen.append((await client.commission(*SERIALS)).statuses)
    assert chosen[0] != chosen[1]
