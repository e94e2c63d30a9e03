"""What every command begins with: the configuration, the log, where output goes, and how another command gets to the
same place.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importer.cli import logs
from importer.cli.options import Where
from importer.config import loading
from importer.config.settings import Settings
from importer.ledger.opening import place_of
from importer.ledger.ports import Place
from importer.readers.limits import ReaderLimits, use
from importer.redaction import Redactor
from importer.runtime import loaded
from importer.words.language import Language, speak, terminal


@dataclass(frozen=True, slots=True)
class Setup:
    settings: Settings
    as_json: bool
    redactor: Redactor
    knobs: list[str] | None = None
    """Of the sandbox that the command imports into; None: it imports into the API of the configuration."""
    again: str = ""
    """The options with which another command gets to the same configuration, ledger, reports and sandbox."""

    @property
    def ledger(self) -> Place:
        """Where the ledger is kept."""
        return place_of(self.settings.ledger.path, self.settings.ledger.url)

    @property
    def language(self) -> Language:
        """Of the terminal and of reports."""
        return terminal()

    @classmethod
    def load(
        cls,
        where: Where,
        report_dir: Path | None = None,
        knobs: list[str] | None = None,
        *,
        debug: bool = False,
        as_json: bool = False,
        lines: bool = False,
    ) -> Setup:
        """Raises ConfigError. What a command needs is loaded by then. `lines`: the log is JSON on a terminal, too."""
        loaded()
        speak(os.environ.get("IMPORTER_REPORT__LANGUAGE", ""))
        overrides: dict[str, dict[str, Any]] = {
            "ledger": _ledger(where.ledger),
            "report": {"dir": report_dir},
            "log": {"file": where.log_file},
        }
        settings = loading.load(where.config, os.environ, overrides, where.profile)
        use(ReaderLimits(**settings.readers.model_dump()))
        speak(settings.report.language)
        log = settings.log
        kept = logs.Kept(log.file, round(log.megabytes * 1e6), log.files) if log.file else None
        redactor = logs.configure("debug" if debug else "info", settings.secrets(), file=kept, lines=lines)
        return cls(settings, as_json, redactor, knobs, _again(where, report_dir, knobs))


def _ledger(given: str | None) -> dict[str, str | None]:
    """What --ledger says: a path, or a URL of PostgreSQL. It goes before both settings."""
    if given and "://" in given:
        return {"url": given}
    return {"path": given, "url": "" if given else None}


def _again(where: Where, report_dir: Path | None, knobs: list[str] | None) -> str:
    ledger = where.ledger or os.environ.get("IMPORTER_LEDGER__URL") or os.environ.get("IMPORTER_LEDGER__PATH")
    reports = report_dir or os.environ.get("IMPORTER_REPORT__DIR")
    given: list[tuple[str, object]] = [("--config", where.config), ("--ledger", ledger), ("--report-dir", reports)]
    given += [("--profile", where.profile)]
    given += [("--sandbox-option", knob) for knob in knobs or ()]
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in given if value)
