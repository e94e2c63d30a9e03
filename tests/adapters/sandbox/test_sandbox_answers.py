import pytest
from sandbox_client import GTIN, OTHER_GTIN, sandbox


async def test_a_right_request_is_assigned_serial_by_serial() -> None:
    async with sandbox() as client:
        came = await client.commission("A1", "A2")
    assert (came.status, came.json) == (
        200,
        {
            "success": True,
            "message": "Serials commissioned",
            "data": [
                {"serial_number": "A1", "status": "Assigned"},
                {"serial_number": "A2", "status": "Assigned"},
            ],
        },
    )


async def test_what_was_taken_can_be_taken_back() -> None:
    async with sandbox() as client:
        await client.commission("A1")
        came = await client.decommission("A1")
        entry = client.box.ledger.get(GTIN, "A1")
    assert came.statuses == {"A1": "Decommissioned"}
    assert entry is not None
    assert (entry.commissioned, entry.decommissioned, entry.received) == (1, 1, 2)


async def test_what_was_never_taken_cannot_be_taken_back() -> None:
    async with sandbox() as client:
        await client.commission("A1")
        came = await client.decommission("A1", "A2")
    assert (came.status, came.json["error"]) == (400, "ValidationError")
    assert came.json["message"] == "Serial A2 does not exist"


@pytest.mark.parametrize(
    ("options", "gtin", "status"),
    [
        pytest.param([], GTIN, 200, id="all are registered"),
        pytest.param([f"registered={OTHER_GTIN}"], GTIN, 404, id="only another is registered"),
        pytest.param([f"registered={OTHER_GTIN}", f"registered={GTIN}"], GTIN, 200, id="it is one of two"),
        pytest.param([f"unregistered={GTIN}"], GTIN, 404, id="all but this one"),
        pytest.param([f"unregistered={GTIN}"], OTHER_GTIN, 200, id="all but another"),
    ],
)
async def test_an_unregistered_product_is_a_product_error(options: list[str], gtin: str, status: int) -> None:
    async with sandbox(*options) as client:
        came = await client.commission(product_code=gtin)
    assert came.status == status
    assert status == 200 or came.json["error"] == "ProductError"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("flat", {"success": False, "error": "ProductError", "message": f"Product {GTIN} is not registered"}),
        ("name", {"success": False, "name": "ProductError", "message": f"Product {GTIN} is not registered"}),
        ("type", {"success": False, "type": "ProductError", "message": f"Product {GTIN} is not registered"}),
        (
            "nested",
            {"success": False, "error": {"name": "ProductError", "message": f"Product {GTIN} is not registered"}},
        ),
    ],
)
async def test_an_error_has_the_chosen_shape(shape: str, expected: object) -> None:
    async with sandbox(f"error_shape={shape}", f"unregistered={GTIN}") as client:
        came = await client.commission()
    assert came.json == expected


async def test_all_refusals_have_the_chosen_status() -> None:
    async with sandbox("error_status=200", f"unregistered={GTIN}") as client:
        came = [await client.commission(), await client.commission(batch=""), await client.commission(headers={})]
    assert [one.status for one in came] == [200, 200, 200]
    assert [one.json["success"] for one in came] == [False, False, False]


async def test_a_body_that_is_too_large_keeps_its_413_whatever_the_status_of_errors() -> None:
    async with sandbox("error_status=200", "max_bytes=10") as client:
        came = await client.commission()
    assert (came.status, came.json["error"]) == (413, "PayloadTooLargeError")


@pytest.mark.parametrize(
    ("how", "status", "name"),
    [("validation", 400, "ValidationError"), ("413", 413, "PayloadTooLargeError")],
)
async def test_one_serial_too_many_is_refused_as_chosen(how: str, status: int, name: str) -> None:
    async with sandbox("max_serials=2", f"max_serials_as={how}") as client:
        came = await client.commission("A1", "A2", "A3")
        fits = await client.commission("A1", "A2")
    assert (came.status, came.json["error"]) == (status, name)
    assert came.json["message"] == "A request can hold at most 2 serials"
    assert fits.status == 200


async def test_extra_serials_stand_in_the_answer_and_not_in_the_ledger() -> None:
    async with sandbox("extra=2") as client:
        came = await client.commission("A1")
        assert client.taken() == {"A1"}
    assert came.statuses == {"A1": "Assigned", "EXTRA-0": "Assigned", "EXTRA-1": "Assigned"}


async def test_a_shuffled_answer_names_the_same_serials_in_another_order() -> None:
    serials = [f"A{n}" for n in range(50)]
    async with sandbox("shuffle=yes") as client:
        came = await client.commission(*serials)
    assert list(came.statuses) != serials
    assert sorted(came.statuses) == sorted(serials)


async def test_the_paths_can_be_chosen() -> None:
    async with sandbox("auth_path=/a", "commission_path=/b", "decommission_path=/c") as client:
        came = [await client.auth(), await client.commission(), await client.decommission("A1")]
        paths = [visit.path for visit in client.box.requests]
    assert [one.status for one in came] == [200, 200, 200]
    assert paths == ["/a", "/b", "/c"]
