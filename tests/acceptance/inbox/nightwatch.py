"""`importer watch` as a process of its own, by a clock on which a night takes seconds: `nightwatch.py STATE INBOX`.

Time jumps while there is nothing to do, and runs fast while lists are imported. What arrives when stands in
STATE/agenda; where time has come to is kept beside it, so that a watch that is started after a kill goes on in the same
night.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from importer.cli.options import Given, Limits, Where
from importer.cli.setup import Setup
from importer.cli.watch import watch_inbox
from importer.inbox.clock import Clock

_STEP = 0.004
"""Seconds that `_FAST` seconds of the night take while lists are imported."""
_FAST = 4.0


class Night:
    def __init__(self, state: Path, inbox: Path) -> None:
        self._kept, self._inbox = state / "now", inbox
        self._is_over = False
        agenda = json.loads((state / "agenda").read_text("utf-8"))
        self._agenda: list[dict[str, Any]] = sorted(agenda, key=lambda one: one["at"])
        self.now = float(self._kept.read_text("ascii")) if self._kept.exists() else self._agenda[0]["at"]

    async def sleep(self, seconds: float) -> None:
        """Of who waits for the end of a window while others work."""
        await asyncio.sleep(_STEP)
        self.now += min(seconds, _FAST)

    async def idle(self, seconds: float) -> None:
        """Jump to what happens next."""
        await asyncio.sleep(0)
        until = self.now + seconds
        for event in self._agenda:
            if self.now < event["at"] <= until:
                self.now = event["at"]
                self._happens(event)
                break
        else:
            self.now = until
        self._happened_before()
        draft = self._kept.with_suffix(".part")
        draft.write_text(repr(self.now), "ascii")
        draft.replace(self._kept)

    def _happened_before(self) -> None:
        for event in self._agenda:
            if event["at"] <= self.now:
                self._happens(event)

    def _happens(self, event: dict[str, Any]) -> None:
        """Once, also if the process is killed meanwhile: a list that has been delivered has a second name."""
        if event["kind"] == "morning":
            if not self._is_over:
                os.kill(os.getpid(), signal.SIGTERM)
            self._is_over = True
            return
        place, part = self._inbox / event["name"], Path(event["part"])
        if event["kind"] == "put":
            if part.stat().st_nlink == 1:
                os.utime(part, (event["at"],) * 2)
                os.link(part, place)
        elif place.exists() and place.stat().st_size == event["behind"]:
            with place.open("ab") as file:
                file.write(part.read_bytes())
            os.utime(place, (event["at"],) * 2)


if __name__ == "__main__":
    night = Night(Path(sys.argv[1]), Path(sys.argv[2]))
    clock = Clock(lambda: night.now, lambda: night.now, night.sleep, night.idle)
    setup = Setup.load(Where(), lines=True)
    sys.exit(watch_inbox(setup, Path(sys.argv[2]), Given(), Limits(), once=False, create=True, clock=clock))
