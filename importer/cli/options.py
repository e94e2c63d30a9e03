"""What a command line says about a list, as the sources want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from importer.errors import ConfigError

_ROLES = ("serial", "gtin", "batch", "expiry")


@dataclass(frozen=True, slots=True)
class Given:
    gtin: str | None
    batch: str | None
    expiry: str | None
    sheet: str | None
    columns: Sequence[str]
    fill_down: bool
    encoding: str | None

    def values(self) -> dict[str, Any]:
        """By the names that SourceOptions has. Raises ConfigError for a --map that can't be read."""
        return {
            "gtin": self.gtin,
            "batch": self.batch,
            "expiry": self.expiry,
            "sheet": self.sheet,
            "columns": dict(_mapped(text) for text in self.columns),
            "fill_down": self.fill_down,
            "encoding": self.encoding,
        }


def _mapped(text: str) -> tuple[str, str]:
    role, equals, header = text.partition("=")
    if not equals or role not in _ROLES or not header:
        raise ConfigError(
            f'--map {text!r}: expected ROLE=HEADER with one of {", ".join(_ROLES)}, as in serial="Pack no"'
        )
    return header, role


# The options and arguments that several commands share.
Files = Annotated[
    list[Path],
    # Whether it can be read is said by who reads it: typer takes four lines.
    typer.Argument(metavar="FILE...", help="Lists: CSV, or a workbook.", show_default=False, readable=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.  [default: config.toml]")]
LedgerPath = Annotated[Path | None, typer.Option("--ledger", help="Ledger to use.")]
ReportDir = Annotated[Path | None, typer.Option("--report-dir", help="Where reports go.")]
Gtin = Annotated[str | None, typer.Option("--gtin", help="GTIN of all rows, for a list that lacks the column.")]
Batch = Annotated[str | None, typer.Option("--batch", help="Batch of all rows, likewise.")]
Expiry = Annotated[str | None, typer.Option("--expiry", help="Expiry of all rows, likewise.")]
Sheet = Annotated[str | None, typer.Option("--sheet", help='Sheet of a workbook, or "all".')]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="ROLE=HEADER", help='A column by name: --map serial="Pack no".')
]
FillDown = Annotated[bool, typer.Option("--fill-down", help="Repeat a GTIN, batch or expiry that is given once.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Encoding of a CSV, such as cp1250.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and nothing else there.")]
InSandbox = Annotated[bool, typer.Option("--sandbox", help="Import into a simulated API: no credentials, no effect.")]
SandboxOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sandbox-option", metavar="NAME=VALUE", help="A knob of the sandbox (see `importer sandbox --help`)."
    ),
]
MaxDuration = Annotated[
    str | None, typer.Option("--max-duration", metavar="4h", help="Stop cleanly after this time (s, m, h, d).")
]
StopAt = Annotated[str | None, typer.Option("--stop-at", metavar="05:00", help="Stop cleanly at this local time.")]
Priority = Annotated[
    bool, typer.Option("--priority", help="Go before other imports on this host that use the same quota.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Log more, and show where an internal fault is.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", show_default=False)]
