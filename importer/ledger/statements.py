"""The named statements of a ledger: queries.sql, which all back ends take, and what one has of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from importer.model import Fate
from importer.words.recording import recorded_values


@cache
def statements(back_end: str) -> Mapping[str, str]:
    """By name. `back_end`: its package, whose dialect.sql goes before what all have."""
    common, own = (
        _parsed(package, file) for package, file in ((__package__, "queries.sql"), (back_end, "dialect.sql"))
    )
    return {**common, **own}


def _parsed(package: str, file: str) -> dict[str, str]:
    text = (resources.files(package) / file).read_text("utf-8")
    parts = re.split(r"^-- (\w+): .*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def readable(value: Any) -> Any:
    """A value as it can be kept: a file's name, or a text of the API, may hold bytes that are no characters."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def said(fate: Fate | None) -> dict[str, str]:
    """The columns that hold a fate."""
    if fate is None:
        return {"outcome": "", "code": "", "message": ""}
    return {"outcome": fate.outcome.value, "code": fate.code, "message": recorded_values(fate.values)}
