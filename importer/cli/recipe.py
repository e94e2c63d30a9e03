"""recipe: how the importer is run by something else, from the package's data, with the paths of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from jinja2 import Environment, FunctionLoader, StrictUndefined

from importer.cli.screen import tell
from importer.config.loading import DEFAULT_PATH
from importer.errors import ConfigError, Exit
from importer.version import VERSION
from importer.words.language import terminal

_HERE = files("importer") / "recipes"
_TELEMETRY = files("importer.telemetry") / "data"
RECIPES: Mapping[str, tuple[str, ...]] = {
    "cron": ("importer.cron", "importer.env"),
    "systemd": ("importer-watch.service", "importer-night.service", "importer-night.timer"),
    "docker": ("Dockerfile", "compose.yaml"),
    "fleet": ("compose.yaml",),
    "kubernetes": ("workers.yaml",),
    "airflow": ("importer_dag.py",),
    "windows": ("importer-task.xml",),
    "alerts": ("alerts.yml",),
    "grafana": ("grafana.json",),
}
"""Its files."""
_AS_THEY_ARE = frozenset({"alerts", "grafana"})
"""They have holes of their own."""
_SECRET = frozenset({"importer.env"})


def write_recipe(name: str, directory: Path | None, inbox: Path, config: Path | None) -> int:
    """Write a recipe into a directory; no file that is there is overwritten. Raises ConfigError."""
    if name not in RECIPES:
        raise ConfigError("recipe_unknown", name=name, known=list(RECIPES))
    into = directory or Path(f"importer-{name}")
    there = next((into / file for file in RECIPES[name] if (into / file).exists()), None)
    if there:
        raise ConfigError("recipe_there", path=str(there))
    values = {**_values(inbox, config), "env": str((into / "importer.env").absolute())}
    try:
        into.mkdir(parents=True, exist_ok=True)
        for file in RECIPES[name]:
            _write(into / file, _text(name, file, values))
    except OSError as error:
        raise ConfigError("file_unwritable", path=str(into), reason=error.strerror) from error
    told = terminal().told
    for file in RECIPES[name]:
        tell(told("recipe_written", path=str(into / file)))
    tell(told(f"recipe_next_{name}"))
    return Exit.DONE


def _write(path: Path, text: str) -> None:
    mode = 0o600 if path.name in _SECRET else 0o644
    encoding = "utf-16" if path.suffix == ".xml" else "utf-8"  # which Windows wants, and which it says
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding=encoding) as file:
        file.write(text)


def _text(name: str, file: str, values: Mapping[str, Any]) -> str:
    if name in _AS_THEY_ARE:
        return (_TELEMETRY / file).read_text("utf-8")
    environment = Environment(  # noqa: S701  no page: each filter quotes for its own reader
        loader=FunctionLoader(_template), undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {
        "cron": _for_cron, "line": _one_line, "path": _for_path, "python": repr, "unit": _for_unit,
        "windows": _for_windows, "xml": escape,
    }  # fmt: skip
    return environment.get_template(f"{name}/{file}").render(values)


def _template(name: str) -> str:
    directory, _, file = name.partition("/")
    place: Traversable = _HERE / directory
    template = place / f"{file}.jinja"  # which keeps what is no Python yet from being taken for some
    return (template if template.is_file() else place / file).read_text("utf-8")


def _values(inbox: Path, config: Path | None) -> dict[str, Any]:
    """What fills the holes. Paths are absolute: no timer knows where it was written."""
    found = config or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)
    named = str(found.absolute()) if found else ""
    directory = str(Path.cwd())
    return {
        "importer": _program(),
        "directory": directory,
        "inbox": str(inbox.absolute()),
        "log": str(Path(directory) / "logs" / "importer.log"),
        "list": str(Path(directory) / "list.csv"),
        "options": ["--config", named] if named else [],
        "config_cron": f" --config {_for_cron(named)}" if named else "",
        "config_unit": f" --config {_for_unit(named)}" if named else "",
        "config_windows": f" --config {_for_windows(named)}" if named else "",
        "version": VERSION,
    }


def _program() -> str:
    """The command that runs now, or the one of this environment."""
    called = Path(sys.argv[0])
    if called.stem == "importer" and called.exists():
        return str(called.absolute())
    beside = Path(sys.executable).with_name(f"importer{Path(sys.executable).suffix}")
    return str(beside) if beside.exists() else shutil.which("importer") or str(beside)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _for_cron(text: str) -> str:
    """For sh, in a line of a crontab, where a % would end the command."""
    if "\n" in text:
        raise ConfigError("recipe_line_break", path=text)
    return shlex.quote(text).replace("%", "\\%")


def _for_path(text: str) -> str:
    """For a setting of systemd that takes one path, to the end of the line."""
    if "\n" in text:
        raise ConfigError("recipe_line_break", path=text)
    return text.replace("%", "%%")


def _for_unit(text: str) -> str:
    """For a word of a systemd unit: % and $ mean something there, and so do quotes and backslashes."""
    doubled = _for_path(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{doubled}"' if set(doubled) & set(" \t'\";") else doubled


def _for_windows(text: str) -> str:
    """For a word of a command line of Windows; no path there holds a quote."""
    return f'"{text}"' if " " in text else text
