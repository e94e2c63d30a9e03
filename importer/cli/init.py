"""init: a commented configuration to begin with, and what is still missing in it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from importer.cli.screen import tell
from importer.config import loading
from importer.config.settings import Settings
from importer.errors import ConfigError, Exit
from importer.words.language import terminal


def write_config(path: Path) -> int:
    """Write every setting with its default and what it means. Raises ConfigError where a file is there already, or
    none can be written.
    """
    text = (files("importer.config") / "config.toml").read_bytes()
    try:
        with path.open("xb") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError("config_there", path=str(path)) from None
    except OSError as error:
        raise ConfigError("file_unwritable", path=str(path), reason=error.strerror) from error
    told = terminal().told
    tell(told("config_written", path=str(path)))
    missing = list(_missing(loading.load(path, os.environ, {})))
    for what in missing:
        tell(told("config_missing", what=told(what)))
    tell(told("config_next_missing" if missing else "config_next", command=f"importer doctor{_named(path)}"))
    return Exit.DONE


def _missing(settings: Settings) -> Iterator[str]:
    api = settings.api
    if not api.channel_key.get_secret_value():
        yield "missing_channel_key"
    if not (api.token.get_secret_value() or api.key.get_secret_value()):
        yield "missing_token"


def _named(path: Path) -> str:
    return "" if path == loading.DEFAULT_PATH else f" --config {shlex.quote(str(path))}"
