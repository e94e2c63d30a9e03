"""How an import is told to stop: once is gently, at the next good moment."""

from __future__ import annotations

import asyncio
import threading

from importer.errors import ImporterError


class Stopped(ImporterError):  # noqa: N818  it is no error
    """The work was told to stop before it came to anything; `exit_code` says by what."""

    def __init__(self, why: str, exit_code: int) -> None:
        super().__init__(why)
        self.exit_code = exit_code


class Stopping:
    """Set at most once, from any thread. `why` is for people, `exit_code` for the command that ends with it."""

    def __init__(self) -> None:
        self.why = ""
        self.exit_code = 0
        self._set = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: asyncio.Event | None = None

    def __call__(self) -> bool:
        return self._set.is_set()

    def stop(self, why: str, exit_code: int) -> None:
        """Tell it; only the first reason counts."""
        if self._set.is_set():
            return
        self.why, self.exit_code = why, exit_code
        self._set.set()
        if self._loop and self._heard:
            self._loop.call_soon_threadsafe(self._heard.set)

    def check(self) -> None:
        """Raise Stopped if it was told."""
        if self():
            raise Stopped(f"{self.why}: nothing of it was sent or kept", self.exit_code)

    async def heard(self) -> None:
        """Return when it was told. From one event loop only."""
        if self._heard is None:
            self._loop, self._heard = asyncio.get_running_loop(), asyncio.Event()
            if self():
                self._heard.set()
        await self._heard.wait()
