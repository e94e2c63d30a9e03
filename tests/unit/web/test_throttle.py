from __future__ import annotations

import asyncio

import pytest

from importer.web.throttle import Throttle, TooMany, network_of


class Slept:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def attempt(throttle: Throttle, name: str, address: str) -> None:
    async with throttle.turn(name, address):
        throttle.failed(name, address)


async def test_each_failure_beyond_the_free_ones_doubles_the_wait_up_to_a_bound() -> None:
    slept = Slept()
    throttle = Throttle(lambda: 0.0, slept)
    for _ in range(12):
        await attempt(throttle, "anna", "10.0.0.1")
    assert slept.seconds == [0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]


async def test_nobody_waits_for_what_was_done_at_another_address() -> None:
    throttle = Throttle(lambda: 0.0, Slept())
    for _ in range(100):
        await attempt(throttle, "anna", "10.0.0.1")
    assert throttle.delay("anna", "10.0.0.2") == 0.0
    assert throttle.delay("bert", "10.0.0.1") == 4.0


async def test_one_name_at_one_address_is_tried_once_at_a_time_and_few_may_wait() -> None:
    began = asyncio.Event()
    throttle = Throttle(lambda: 0.0, Slept())

    async def hold() -> None:
        async with throttle.turn("anna", "10.0.0.1"):
            await began.wait()

    holders = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await attempt(throttle, "anna", "10.0.0.1")
    await attempt(throttle, "anna", "10.0.0.9")
    began.set()
    await asyncio.gather(*holders)
    await attempt(throttle, "anna", "10.0.0.1")


async def test_failures_are_forgotten_after_an_hour_and_after_a_success() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0], Slept())
    for _ in range(8):
        await attempt(throttle, "anna", "10.0.0.1")
    throttle.succeeded("anna", "10.0.0.1")
    assert throttle.delay("anna", "10.0.0.1") == 0.0
    for _ in range(8):
        await attempt(throttle, "bert", "10.0.0.1")
    now[0] = 3600.0
    assert throttle.delay("bert", "10.0.0.1") == 0.0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_ipv6_customer_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
