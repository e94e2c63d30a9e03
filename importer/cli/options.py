"""The options and arguments of the commands. Those that several commands share are the fields of one record, and
`spread` makes a command of a function that takes such records.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from importer.errors import ConfigError, ImporterError

_ROLES = ("serial", "gtin", "batch", "expiry")

Files = Annotated[
    list[Path],
    # The command itself says what can't be read, in one line: typer takes four.
    typer.Argument(
        metavar="FILE...", help="Lists: CSV, or a workbook; - reads stdin.", show_default=False, readable=False
    ),
]


def known_runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """For the shell: ids that begin so, the youngest first, each with its list. What can't be read is no completion."""
    from importer.config import loading  # noqa: PLC0415  for who presses Tab alone
    from importer.ledger.opening import place_of  # noqa: PLC0415

    try:
        settings = loading.load(ctx.params.get("config"), os.environ, {"ledger": {"path": ctx.params.get("ledger")}})
        with place_of(settings.ledger.path, settings.ledger.url).view() as view:
            runs = [(run.id, run.source_name) for run in reversed(view.runs())]
    except (ImporterError, OSError):
        return []
    return [(name, about) for name, about in [("last", ""), *runs] if name.startswith(incomplete)]


RunId = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Its id, the beginning or end of it, or `last`.",
        show_default=False,
        autocompletion=known_runs,
    ),
]
ReportDir = Annotated[Path | None, typer.Option("--report-dir", help="Where reports go.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and nothing else there.")]
Debug = Annotated[bool, typer.Option("--debug", help="Log more, and show where an internal fault is.")]


@dataclass(frozen=True, slots=True)
class Where:
    """Which configuration and ledger a command uses."""

    config: Annotated[Path | None, typer.Option("--config", help="Configuration file.  [default: config.toml]")] = None
    ledger: Annotated[str | None, typer.Option("--ledger", metavar="PATH", help="Ledger to use, or its URL.")] = None
    log_file: Annotated[
        Path | None, typer.Option("--log-file", help="Keep the log there, too, as JSON lines; old ones are rotated.")
    ] = None
    profile: Annotated[str | None, typer.Option("--profile", help="Credentials and settings of [profiles.<name>].")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says about a list."""

    gtin: Annotated[str | None, typer.Option("--gtin", help="GTIN of all rows, for a list that lacks the column.")] = (
        None
    )
    batch: Annotated[str | None, typer.Option("--batch", help="Batch of all rows, likewise.")] = None
    expiry: Annotated[str | None, typer.Option("--expiry", help="Expiry of all rows, likewise.")] = None
    sheet: Annotated[str | None, typer.Option("--sheet", help='Sheet of a workbook, or "all".')] = None
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="ROLE=HEADER", help='A column by name: --map serial="Pack no".'),
    ] = None
    fill_down: Annotated[
        bool, typer.Option("--fill-down", help="Repeat a GTIN, batch or expiry that is given once.")
    ] = False
    encoding: Annotated[str | None, typer.Option("--encoding", help="Encoding of a CSV, such as cp1250.")] = None
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="CODE", help="Send values that are suspect for this reason: they are right."),
    ] = None

    def values(self) -> dict[str, Any]:
        """By the names that SourceOptions has. Raises ConfigError for a --map that can't be read."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**found, "columns": dict(_mapped(text) for text in self.columns or ())}


@dataclass(frozen=True, slots=True)
class InSandbox:
    """Whether an import goes into a sandbox inside the process, and its knobs."""

    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Import into a simulated API: no credentials, no effect.")
    ] = False
    sandbox_option: Annotated[
        list[str] | None,
        typer.Option(
            "--sandbox-option", metavar="NAME=VALUE", help="A knob of the sandbox (see `importer sandbox --knobs`)."
        ),
    ] = None

    @property
    def knobs(self) -> list[str] | None:
        """None: the import goes to the API of the configuration."""
        return (self.sandbox_option or []) if self.sandbox or self.sandbox_option else None


@dataclass(frozen=True, slots=True)
class Limits:
    """When an import stops by itself, and whether it goes before others."""

    max_duration: Annotated[
        str | None, typer.Option("--max-duration", metavar="4h", help="Stop cleanly after this time (s, m, h, d).")
    ] = None
    stop_at: Annotated[
        str | None, typer.Option("--stop-at", metavar="05:00", help="Stop cleanly at this local time.")
    ] = None
    now: Annotated[bool, typer.Option("--now", help="Send outside of the times of [schedule], too.")] = False
    priority: Annotated[
        bool, typer.Option("--priority", help="Go before other imports on this host that use the same quota.")
    ] = False


@dataclass(frozen=True, slots=True)
class Queueing:
    """Whether workers are to send a run, and whether their end is waited for."""

    queue: Annotated[
        bool, typer.Option("--queue", help="Have workers send it (several machines), and wait for its end.")
    ] = False
    no_wait: Annotated[bool, typer.Option("--no-wait", help="With --queue: don't wait.")] = False


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command whose options are the fields of the records that `command` takes; other parameters stay."""
    hints = get_type_hints(command, include_extras=True)
    records: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            records[name] = hints[name]
            parameters += _options(hints[name])
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]))

    def spreading(**given: Any) -> None:
        made = {
            name: record(**{field.name: given.pop(field.name) for field in fields(record)})
            for name, record in records.items()
        }
        command(**given, **made)

    spreading.__name__, spreading.__doc__ = command.__name__, command.__doc__
    spreading.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    spreading.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    return spreading


def _options(record: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(record, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(record)
    ]


def _mapped(text: str) -> tuple[str, str]:
    role, equals, header = text.partition("=")
    if not equals or role not in _ROLES or not header:
        raise ConfigError("map_wrong", found=text, roles=list(_ROLES))
    return header, role
