"""The sandbox as a process of its own, and what it has taken: what a report is held against."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from forks import started_sandbox

from importer.sandbox import Entry, Settings, Visit, read_ledger, read_requests


class Box:
    """A sandbox that listens once it is made. `file` is its ledger: another box with the same file goes on with it."""

    def __init__(self, file: Path, *options: str, port: int = 0) -> None:
        self.file = file
        self._process, self._stdout = started_sandbox(["--port", str(port), f"ledger={file}", *options])
        with os.fdopen(os.dup(self._stdout.fileno()), encoding="utf-8") as said:
            self.url: str = json.loads(said.readline())["url"]

    @property
    def port(self) -> int:
        """For another sandbox in its place, once this one is killed: to the importer it is the same API."""
        return urlsplit(self.url).port or 0

    @property
    def env(self) -> dict[str, str]:
        """What sends an importer here, with a static token and as fast as it goes."""
        return {
            "IMPORTER_API__BASE_URL": self.url,
            "IMPORTER_API__CHANNEL_KEY": next(iter(Settings().channel_keys)),
            "IMPORTER_API__TOKEN": next(iter(Settings().static_tokens)),
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": "0",
        }

    @property
    def dynamic_env(self) -> dict[str, str]:
        """The same with key and secret, from which the importer gets its token."""
        return {
            **{name: value for name, value in self.env.items() if name != "IMPORTER_API__TOKEN"},
            "IMPORTER_API__KEY": Settings().api_key,
            "IMPORTER_API__SECRET": Settings().api_secret,
        }

    def ledger(self) -> dict[tuple[str, str], Entry]:
        """Each serial that any request has named, by GTIN and serial."""
        return read_ledger(self.file)

    def commissioned(self) -> set[tuple[str, str]]:
        """The serials that it has taken."""
        return {key for key, entry in self.ledger().items() if entry.commissioned}

    def requests(self) -> list[Visit]:
        return read_requests(self.file)

    def kill(self) -> None:
        """As a power cut does. Harmless when it is dead already."""
        self._process.kill()
        self._process.join()
        self._stdout.close()
