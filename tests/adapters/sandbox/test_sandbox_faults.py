import asyncio
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from sandbox_client import Client, sandbox

CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


async def outcome(client: Client) -> str:
    """What a client sees of one request: a status and the start of the body, or the error of the wire."""
    try:
        came = await client.commission()
    except aiohttp.ClientPayloadError:
        return "truncated"
    except CUT:
        return "cut"
    return f"{came.status} {came.text[:6]}"


@pytest.mark.parametrize(
    ("option", "seen", "taken"),
    [
        ("429=1", '429 {"succ', False),
        ("503=1", '503 {"succ', False),
        ("error_before=1", '500 {"succ', False),
        ("error_after=1", '500 {"succ', True),
        ("error_after=1,status=504", '504 {"succ', True),
        ("drop_before=1", "cut", False),
        ("drop_after=1", "cut", True),
        ("truncate=1", "truncated", True),
        ("hang_before=1,seconds=0.05", "cut", False),
        ("hang_after=1,seconds=0.05", "cut", True),
        ("html_before=1", "502 <html>", False),
        ("html_before=1,status=200", "200 <html>", False),
        ("html_after=1", "502 <html>", True),
        ("html_after=1,status=200", "200 <html>", True),
        ("garble=1", '200 {"succ', True),
        ("unsuccessful_before=1", '200 {"succ', False),
        ("unsuccessful_after=1", '200 {"succ', True),
    ],
)
async def test_a_fault_strikes_on_its_side_of_the_work(option: str, seen: str, taken: bool) -> None:
    async with sandbox(f"commission:{option}") as client:
        assert await outcome(client) == seen
        assert bool(client.taken()) is taken
        assert client.box.requests[0].fault == option.partition("=")[0]
        assert all(entry.confirmed == 0 for entry in client.box.ledger)
        assert all(entry.received == 1 for entry in client.box.ledger)


async def test_a_garbled_answer_is_no_json() -> None:
    async with sandbox("commission:garble=1") as client:
        came = await client.commission()
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            _ = came.json


async def test_an_unsuccessful_answer_says_so_at_200() -> None:
    async with sandbox("commission:unsuccessful_before=1") as client:
        came = await client.commission()
    assert came.json == {"success": False, "error": "InternalError", "message": "Something went wrong"}


async def hanging(client: Client) -> asyncio.Task[str]:
    """A request that the sandbox has taken up and leaves without an answer: a latency tells when it is there."""
    task = asyncio.create_task(outcome(client))
    await client.clock.has_slept.wait()
    return task


async def test_hanging_ends_when_the_client_goes() -> None:
    async with sandbox("commission:latency=1,seconds=1", "commission:hang_before=1") as client:
        (await hanging(client)).cancel()
        async with asyncio.timeout(10):
            while (await client.get("/_sandbox/health")).json["in_flight"]:
                pass
        assert client.taken() == set()
        assert client.box.requests[0].status is None


async def test_hanging_ends_when_the_sandbox_stops() -> None:
    async with sandbox("commission:latency=1,seconds=1", "commission:hang_after=1") as client:
        task = await hanging(client)
        await client.box.stop()
        assert await task == "cut"
        assert client.taken() == {"A1", "A2", "A3"}


async def test_latency_passes_before_the_work_and_goes_with_other_faults() -> None:
    async with sandbox("commission:latency=1,seconds=2,jitter=1", "commission:error_after=1") as client:
        came = await client.commission()
        assert client.clock.slept == [pytest.approx(2.5, abs=0.5)]
    assert came.status == 500


@pytest.mark.parametrize("kind", ["429", "503"])
async def test_retry_after_comes_as_chosen(kind: str) -> None:
    options = ["at:1", "at:2,retry_after=7", "at:3,retry_after=date:9", "at:4,retry_after=soon"]
    async with sandbox(*(f"commission:{kind}={one}" for one in options)) as client:
        came = [await client.commission() for _ in options]
        now = client.clock()
    said = [one.headers.get("Retry-After") for one in came]
    assert (said[0], said[1], said[3]) == (None, "7", "soon")
    assert parsedate_to_datetime(said[2] or "").timestamp() == now + 9


async def test_a_redirect_leads_where_it_was_told() -> None:
    async with sandbox("commission:redirect=at:1,location=/_sandbox/health") as client:
        await client.session.post(
            client.box.url + client.box.settings.commission_path, allow_redirects=False, headers=client.headers
        )
        came = client.box.requests[0]
    assert (came.status, came.fault) == (307, "redirect")


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ("first:2", [1, 2]),
        ("every:3", [3, 6]),
        ("at:4", [4]),
        ("since:5", [5, 6]),
        ("since:2,every:2", [2, 4, 6]),
        ("1.0", [1, 2, 3, 4, 5, 6]),
        ("0", []),
    ],
)
async def test_a_fault_strikes_the_requests_that_were_chosen(when: str, struck: list[int]) -> None:
    async with sandbox(f"commission:error_before={when}") as client:
        came = [await client.commission() for _ in range(6)]
    assert [n for n, one in enumerate(came, 1) if one.status == 500] == struck


async def test_a_seed_gives_the_same_faults_again_and_another_seed_others() -> None:
    struck = []
    for seed in (1, 1, 2):
        async with sandbox("commission:error_before=0.5", f"seed={seed}") as client:
            struck.append([(await client.commission()).status for _ in range(30)])
    assert struck[0] == struck[1] != struck[2]


async def test_a_fault_strikes_its_request_class_alone() -> None:
    async with sandbox("auth:html_before=1") as client:
        assert [(await client.auth()).status, (await client.commission()).status] == [502, 200]
    async with sandbox("decommission:503=first:1") as client:
        await client.commission("A1")
        assert [(await client.decommission("A1")).status for _ in range(2)] == [503, 200]


async def test_a_fault_on_any_class_counts_each_by_itself() -> None:
    async with sandbox("any:503=first:1") as client:
        statuses = [(await client.auth()).status, (await client.commission()).status, (await client.auth()).status]
    assert statuses == [503, 503, 200]


async def test_of_two_faults_the_first_strikes() -> None:
    async with sandbox("commission:429=at:1", "commission:503=first:2") as client:
        assert [(await client.commission()).status for _ in range(3)] == [429, 503, 200]


async def test_an_outage_begins_and_ends_at_its_time() -> None:
    async with sandbox("any:503=1,since_seconds=2,until_seconds=9") as client:
        seen = []
        for at in (0, 2, 8.9, 9):
            client.clock.now = 1_800_000_000.0 + at
            seen.append((await client.commission()).status)
        assert seen == [200, 503, 503, 200]
