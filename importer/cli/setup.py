"""What every command begins with: the configuration, the log, and where output goes."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from importer import redaction
from importer.cli import logs
from importer.cli.runtime import loaded
from importer.config import loading
from importer.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Setup:
    settings: Settings
    as_json: bool
    redactor: redaction.Redactor
    again: str = ""
    """The options that a command that goes on must be given, too."""

    @classmethod
    def load(
        cls,
        config_path: Path | None,
        ledger: Path | None,
        report_dir: Path | None,
        *,
        debug: bool = False,
        as_json: bool = False,
    ) -> Setup:
        """Raises ConfigError. What a command needs is loaded by then."""
        loaded()
        overrides = {"ledger": {"path": ledger}, "report": {"dir": report_dir}}
        settings = loading.load(config_path, os.environ, overrides)
        redactor = logs.configure("debug" if debug else "info", settings.secrets())
        given = {"--config": config_path, "--ledger": ledger, "--report-dir": report_dir}
        again = "".join(f" {name} {shlex.quote(str(value))}" for name, value in given.items() if value)
        return cls(settings, as_json, redactor, again)
