from email.utils import parsedate_to_datetime

from sandbox_client import sandbox


async def test_above_the_rate_comes_a_429_until_the_window_has_moved_on() -> None:
    async with sandbox("rate=2") as client:
        at_once = [(await client.commission()).status for _ in range(4)]
        client.clock.now += 1
        later = [(await client.commission()).status for _ in range(3)]
        assert client.box.throttled == 3
        assert (await client.get("/_sandbox/health")).json["throttled"] == 3
        assert [visit.fault for visit in client.box.requests] == ["", "", "rate", "rate", "", "", "rate"]
    assert (at_once, later) == ([200, 200, 429, 429], [200, 200, 429])


async def test_nothing_of_a_throttled_request_is_taken() -> None:
    async with sandbox("rate=1") as client:
        await client.commission("A1")
        await client.commission("A2")
        assert client.taken() == {"A1"}


async def test_a_burst_of_one_lets_requests_in_at_an_even_pace_only() -> None:
    async with sandbox("rate=10", "burst=1") as client:
        first, second = await client.commission(), await client.commission()
        client.clock.now += 0.11
        third = await client.commission()
    assert [first.status, second.status, third.status] == [200, 429, 200]


async def test_a_rate_below_one_a_second_is_kept() -> None:
    async with sandbox("rate=0.5") as client:
        first = await client.commission()
        client.clock.now += 1.5
        second = await client.commission()
        client.clock.now += 0.5
        third = await client.commission()
    assert [first.status, second.status, third.status] == [200, 429, 200]


async def test_the_429_says_when_as_chosen() -> None:
    said = []
    for how in ("seconds", "date", "none"):
        async with sandbox("rate=0.2", f"rate_retry_after={how}") as client:
            await client.commission()
            said.append((await client.commission()).headers.get("Retry-After"))
            now = client.clock()
    assert (said[0], said[2]) == ("5", None)
    assert parsedate_to_datetime(said[1] or "").timestamp() == now + 5


async def test_tokens_are_given_out_of_the_rate() -> None:
    async with sandbox("rate=1") as client:
        assert [(await client.auth()).status for _ in range(3)] == [200, 200, 200]
