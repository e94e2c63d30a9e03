"""Guessing passwords is slow, and locks nobody out."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest
from webserver import PASSWORD, Browser, Server, add_user


async def test_guesses_get_slower_and_the_right_password_still_gets_in(guarded: Server) -> None:
    async with Browser(guarded) as planner:
        times = []
        for number in range(7):
            start = time.monotonic()
            assert await planner.log_in("anna", f"wrong {number}") == 403
            times.append(time.monotonic() - start)
        assert (times[5] >= 1.0, times[6] >= 2.0) == (True, True)  # at most how long, `unit/web/test_throttle` tells
        assert await planner.log_in("anna", PASSWORD) == 303


async def test_who_guesses_for_one_locks_out_neither_her_elsewhere_nor_others(guarded: Server) -> None:
    add_user(guarded.directory, "bert")
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with Browser(guarded) as guesser, Browser(guarded) as bert, Browser(guarded) as anna:
        if anna.http._connector:
            await anna.http._connector.close()
        anna.http._connector = elsewhere
        await asyncio.gather(*(guesser.log_in("anna", f"wrong {number}") for number in range(12)))
        for browser, name in ((bert, "bert"), (anna, "anna")):
            assert await browser.log_in(name, PASSWORD) == 303


async def test_many_guesses_at_once_are_not_heard_at_once(guarded: Server) -> None:
    async with Browser(guarded) as guesser:
        for number in range(7):
            await guesser.log_in("anna", f"wrong {number}")
        statuses = await asyncio.gather(*(guesser.log_in("anna", f"wrong {number}") for number in range(20)))
    assert (statuses.count(403), statuses.count(429)) == (3, 17)  # the first of them waits for four seconds


async def test_a_name_that_is_no_user_s_is_not_logged_since_it_may_be_a_password(guarded: Server) -> None:
    async with Browser(guarded) as planner:
        await planner.log_in(PASSWORD, "anna")
        await planner.log_in("anna", "wrong")
    events = [json.loads(line) for line in guarded.log().splitlines() if "login_failed" in line]
    assert [event["user"] for event in events] == [None, "anna"]
    assert PASSWORD not in guarded.log()


@pytest.mark.parametrize("password", ["p" * 1000, "Größe der Packung ß", "spaces at the end  ", "€uro + % & = ?"])
async def test_a_password_that_can_be_set_logs_in(guarded: Server, password: str) -> None:
    assert add_user(guarded.directory, "carla", password).returncode == 0
    async with Browser(guarded) as planner:
        assert await planner.log_in("carla", password) == 303


async def test_a_stranger_can_not_send_more_than_a_form(guarded: Server) -> None:
    async with Browser(guarded) as stranger:
        assert await stranger.log_in("anna", "x" * (1 << 19)) == 413
