"""What became of a list that lay in an inbox: for the log, for who is told, for figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from importer.errors import Exit
from importer.model import Message

Kind = Literal["success", "rejects", "failure"]


@dataclass(frozen=True, slots=True)
class Handled:
    """One list. `key` is the same however often the same is said of it, after a kill, too."""

    key: str
    file: str
    """Its name in the inbox, behind that of its profile."""
    profile: str
    exit_code: int
    end: str = ""
    """`done`, `problems` or `failed`; empty: it stays for the next time."""
    run: str = ""
    rows: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    message: Message | None = None
    """What went wrong, or that it was seen before."""
    report: Path | None = None
    """Where its report is."""
    next_command: str = ""

    @property
    def kind(self) -> Kind:
        if self.exit_code == Exit.DONE:
            return "success"
        finished = self.exit_code in (Exit.WRONG_ROWS, Exit.UNKNOWN_ROWS)
        return "rejects" if finished else "failure"
