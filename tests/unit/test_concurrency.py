import asyncio
import threading
from collections.abc import Iterator

import pytest

from importer.concurrency import ahead, in_thread


def test_items_come_in_their_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_one_item_is_made_while_the_one_before_it_is_used() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    coming = ahead(items())
    assert next(coming) == 0
    assert made[1].wait(10)
    assert not made[2].is_set()
    assert list(coming) == [1, 2]


def test_what_making_an_item_raises_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(KeyError, match="two"):
        next(coming)


def test_whoever_stops_asking_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    coming = ahead(iter(int, 1))
    next(coming)
    coming.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


async def test_who_is_cancelled_waits_for_the_end_of_what_the_thread_does() -> None:
    started, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        may_end.wait()
        ended.set()

    waiting = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(started.wait)
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_what_a_thread_gives_or_raises_comes_through() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)
