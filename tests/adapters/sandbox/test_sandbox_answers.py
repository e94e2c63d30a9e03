from sandbox_client import sandbox


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
