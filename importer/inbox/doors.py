"""The directories of an inbox, each with how its lists are read and where they go, and what a pass works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from importer.concurrency import Stopping
from importer.flow.importing import Import
from importer.inbox.arrivals import Arrivals
from importer.inbox.claims import Box
from importer.ledger.records import Run
from importer.sources.options import SourceOptions


@dataclass(frozen=True, slots=True)
class Door:
    """A directory of the inbox: how its lists are read, and where they go."""

    profile: str
    """Empty: the inbox itself."""
    arrivals: Arrivals
    box: Box
    options: SourceOptions
    identity: Mapping[str, Any]
    """What of the options tells one import from another."""
    target: str
    report_dir: Path
    checks: Mapping[str, Any]
    """The settings of the checks, as the ledger keeps them with a run."""

    def shown(self, path: Path) -> str:
        return f"{self.profile}/{path.name}" if self.profile else path.name


class Session(Protocol):
    """What a pass works with while it holds the ledger."""

    @property
    def stopping(self) -> Stopping: ...

    def imports(self, door: Door) -> Import: ...

    def estimate(self, run: Run) -> str:
        """Whether what is left of a run will fit into its time; empty where there is nothing to say."""
        ...
