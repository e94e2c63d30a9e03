from typing import Any

import pytest
from sandbox_client import GTIN, order, sandbox


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"product_code": "01234567891234"}, id="wrong check digit"),
        pytest.param({"product_code": "1234567891231"}, id="13 digits"),
        pytest.param({"product_code": "0" * 14}, id="all zeros"),
        pytest.param({"product_code": "\u06601234567891231"}, id="an Arabic digit"),
        pytest.param({"product_code": 1234567891231}, id="a number as product"),
        pytest.param({"product_code_schema": "NTIN"}, id="another schema"),
        pytest.param({"batch": ""}, id="no batch"),
        pytest.param({"batch": "B" * 21}, id="a batch of 21 characters"),
        pytest.param({"batch": "LOT 1"}, id="a space in the batch"),
        pytest.param({"expiry_date": "20271130"}, id="a date of eight digits"),
        pytest.param({"expiry_date": "271131"}, id="a day that the month lacks"),
        pytest.param({"expiry_date": "271301"}, id="a thirteenth month"),
        pytest.param({"expiry_date": None}, id="no expiry"),
        pytest.param({"serials": []}, id="no serials"),
        pytest.param({"serials": "A1"}, id="a text of serials"),
        pytest.param({"serials": ["A1", 7]}, id="a number among the serials"),
        pytest.param({"serials": ["A1", ""]}, id="an empty serial"),
        pytest.param({"serials": ["A" * 21]}, id="a serial of 21 characters"),
        pytest.param({"serials": ["A#1"]}, id="a serial outside the GS1 set"),
        pytest.param({"serials": ["A1\n"]}, id="a line break behind a serial"),
        pytest.param({"serials": ["A1", "A2", "A1"]}, id="a serial twice"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_a_validation_error(fields: dict[str, Any]) -> None:
    async with sandbox() as client:
        came = await client.commission(**fields)
        assert client.taken() == set()
    assert (came.status, came.json["error"]) == (400, "ValidationError")


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"serials": ["\xff"]}'], ids=["empty", "list", "half", "latin"])
async def test_a_body_that_is_no_json_object_is_a_validation_error(body: bytes) -> None:
    async with sandbox() as client:
        came = await client.post(client.box.settings.commission_path, body, client.headers)
    assert (came.status, came.json["message"]) == (400, "The body is not a JSON object")


async def test_a_body_under_another_content_type_is_a_validation_error() -> None:
    async with sandbox() as client:
        headers = {**client.headers, "Content-Type": "text/plain"}
        came = await client.post(client.box.settings.commission_path, order(), headers)
    assert (came.status, came.json["message"]) == (400, "Content-Type must be application/json")


@pytest.mark.parametrize(
    "serial",
    ["00012", "1E5", "NA", "null", "=1+1", '"q', "a,b", "-1", "!\"%&'()*+,-./:;<=>?_", "Z" * 20],
)
async def test_every_legal_serial_is_taken_as_it_stands(serial: str) -> None:
    async with sandbox() as client:
        came = await client.commission(serial)
        assert client.box.ledger.get(GTIN, serial) is not None
    assert came.statuses == {serial: "Assigned"}


@pytest.mark.parametrize(("option", "status"), [("day_00=yes", 200), ("day_00=no", 400)])
async def test_day_00_is_accepted_where_the_settings_say_so(option: str, status: int) -> None:
    async with sandbox(option) as client:
        came = await client.commission(expiry_date="271100")
    assert came.status == status


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("all", "Serial A#1, A#2 is not 1 to 20 characters of the GS1 set"),
        ("first", "Serial A#1 is not 1 to 20 characters of the GS1 set"),
        ("none", "A serial is not 1 to 20 characters of the GS1 set"),
    ],
)
async def test_a_message_names_the_bad_serials_as_chosen(names: str, message: str) -> None:
    async with sandbox(f"names={names}") as client:
        came = await client.commission("A0", "A#1", "A#2")
    assert came.json["message"] == message
