"""The sandbox as a process of its own: it serves until SIGTERM or SIGINT and then ends cleanly."""

import asyncio
import signal
from collections.abc import Callable

from importer.sandbox.server import Sandbox
from importer.sandbox.settings import Settings


async def run(
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] = print,
) -> None:
    """Calls `ready` with the URL once it listens. OSError where the port is taken. It takes SIGTERM and SIGINT over."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    box = Sandbox(settings)
    try:
        ready(await box.start(host, port))
        await ended.wait()
    finally:
        await box.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
