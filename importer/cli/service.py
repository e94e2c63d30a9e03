"""Tells systemd, which has started the process and waits for it, how a service is doing (sd_notify(3))."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send a state, such as READY=1, to the socket that the service manager has named; nothing where it has not."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        sock.sendall(state.encode())


@asynccontextmanager
async def as_service() -> AsyncIterator[None]:
    """Ready within, alive for as long as the loop runs, and stopping behind."""
    notify("READY=1")
    period = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    alive = asyncio.create_task(_alive(period / 2)) if period else None
    try:
        yield
    finally:
        notify("STOPPING=1")
        if alive:
            alive.cancel()


async def _alive(each: float) -> None:
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(each)
