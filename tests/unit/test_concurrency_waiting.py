import asyncio

from importer.concurrency import until


async def test_a_stop_cuts_a_sleep_short() -> None:
    stop = asyncio.Event()
    sleeping = asyncio.ensure_future(until(stop.wait)(3600))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(5):
        await sleeping


async def test_without_a_stop_a_sleep_ends_by_itself() -> None:
    await until(asyncio.Event().wait)(0)
