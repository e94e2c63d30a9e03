"""What a command line says about a list, as the sources want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
