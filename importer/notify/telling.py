"""Tells people what became of lists. Whatever goes wrong with that is logged and tried again, and harms no import."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import structlog

from importer.inbox.clock import Clock
from importer.inbox.handled import Handled, Kind
from importer.notify.channels import Channel, NotTold, ping
from importer.notify.outbox import Outbox, identity_of
from importer.notify.sayings import entry_of, message_of
from importer.words.language import Language

When = Literal["now", "digest", "off"]
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 3600.0
"""Seconds after which a message is tried again: doubling."""
_LAST_TRY = 15.0
"""Seconds that the end of a watch waits for what is still to be told."""
_PINGS_EACH = 60.0
"""Seconds between two pings at least: a watch looks every few seconds."""


@dataclass(slots=True)
class Telling:
    """`when` says of each kind whether it is told at once, in the digest or not at all. `next_digest` gives the time of
    the first digest after a moment; None: at the end of each pass.
    """

    outbox: Outbox
    channels: Sequence[Channel]
    when: Mapping[Kind, When]
    language: Language
    next_digest: Callable[[datetime], datetime] | None = None
    ping_url: str = ""
    clock: Clock = field(default_factory=Clock)
    _pinged: float | None = None
    _task: asyncio.Task[None] | None = None
    _log: Any = field(default_factory=structlog.get_logger)

    def keep(self, handled: Handled) -> None:
        """Write down what is to be told of a list. From any thread."""
        when = self.when[handled.kind]
        identity = identity_of(handled.key)
        if when == "off" or not self.channels:
            return
        try:
            if self.outbox.knows(identity):
                return
            entry = entry_of(handled, self.language)
            if when == "digest":
                self.outbox.keep_entry(identity, entry)
            else:
                self._keep_message(identity, handled.kind, [entry])
        except OSError as error:
            self._log.warning("not_told", reason=str(error))

    async def after_pass(self) -> None:
        """At the end of each pass: make the digest if it is due, tell what is kept, and ping."""
        try:
            self._make_digest()
        except (OSError, ValueError) as error:
            self._log.warning("not_told", reason=str(error))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_all())

    async def close(self, *, patiently: bool) -> None:
        """At the end of a watch: tell what is kept. `patiently`: try again what was refused, as far as that takes no
        longer than a moment.
        """
        try:
            async with asyncio.timeout(_LAST_TRY):
                if self._task:
                    await self._task
                await self._tell_all()
                while patiently and (wait := self._next_try()) is not None and wait < _LAST_TRY:
                    await self.clock.sleep(wait)
                    await self._tell_all()
        except TimeoutError:
            self._log.warning("not_told", reason="it is tried again at the next start")

    def _next_try(self) -> float | None:
        """Seconds until the first message that waits is tried again; None: none waits."""
        now = self.clock.wall()
        waits = [wait["next_at"] - now for _, kept in self.outbox.pending() for wait in kept["waits"].values()]
        return max(min(waits), 0.05) if waits else None

    def _keep_message(self, identity: str, kind: str, entries: Sequence[Mapping[str, Any]]) -> None:
        message = message_of(identity, kind, entries, self.clock.now(), self.language)
        self.outbox.keep(identity, message, [channel.name for channel in self.channels])

    def _make_digest(self) -> None:
        if self.next_digest:
            now = self.clock.now()
            due = self.outbox.digest_at()
            if due is None or now >= due:
                self.outbox.next_digest_at(self.next_digest(now))
            if due is None or now < due:
                return
        entries = self.outbox.entries()
        if not entries:
            return
        identities = [identity for identity, _ in entries]
        identity = identity_of("digest", *identities)
        if not self.outbox.knows(identity):
            self._keep_message(identity, "digest", [entry for _, entry in entries])
        self.outbox.made_digest(identities)

    async def _tell_all(self) -> None:
        try:
            with self.outbox.alone() as alone:
                if alone:
                    for identity, kept in self.outbox.pending():
                        await self._tell(identity, kept)
        except (OSError, ValueError) as error:
            self._log.warning("not_told", reason=str(error))
        await self._ping()

    async def _tell(self, identity: str, kept: dict[str, Any]) -> None:
        known = {channel.name: channel for channel in self.channels}
        kept["waits"] = {name: wait for name, wait in kept["waits"].items() if name in known}
        if not kept["waits"]:
            self.outbox.waits_on(identity, kept)  # its channels have gone from the configuration
        for name, wait in list(kept["waits"].items()):
            if wait["next_at"] > self.clock.wall():
                continue
            try:
                await known[name].tell(kept["message"])
                del kept["waits"][name]
            except NotTold as error:
                seconds = min(_FIRST_WAIT * 2 ** wait["tries"], _LONGEST_WAIT)
                kept["waits"][name] = {"tries": wait["tries"] + 1, "next_at": self.clock.wall() + seconds}
                self._log.warning("not_told", channel=name, reason=str(error), again_in=seconds, id=identity)
            self.outbox.waits_on(identity, kept)
        if not kept["waits"]:
            self._log.info("told", id=identity, kind=kept["message"]["kind"])

    async def _ping(self) -> None:
        now = self.clock.steady()
        if not self.ping_url or (self._pinged is not None and now - self._pinged < _PINGS_EACH):
            return
        self._pinged = now
        try:
            await ping(self.ping_url)
        except NotTold as error:
            self._log.warning("not_pinged", reason=str(error))
