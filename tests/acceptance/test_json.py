"""The page that documents the JSON of the commands names each key that they print, and none that they don't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from boxes import Box
from commands import Importer
from lists import packs, write_csv

PAGE = (files("importer") / "JSON.md").read_text("utf-8")
_OF_PEOPLE = frozenset(
    {"outcomes", "settings", "codes", "warnings", "before", "after", "values", "columns", "place", "release"}
)
"""Their keys are outcomes, codes or settings."""

_STATES = frozenset({"staged", "running", "stopped", "finished", "resume"})


def section(title: str) -> str:
    return re.split(r"^## ", PAGE, flags=re.MULTILINE)[[*_titles()].index(title) + 1]


def _titles() -> Iterator[str]:
    yield from re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE)


def named(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_0-9]+)`", text))


def keys(document: Any) -> Iterator[str]:
    """All keys, those of nested documents too."""
    for one in document if isinstance(document, list) else [document]:
        if isinstance(one, dict):
            for key, value in one.items():
                yield key
                if key == "problems":
                    yield from (name for problem in value.values() for name in keys(problem))
                elif key not in _OF_PEOPLE:
                    yield from keys(value)


@pytest.fixture
def run(importer: Importer, box: Box) -> str:
    rows = [*packs(3), packs(1)[0], ("#", *packs(1)[0][1:])]
    return str(importer("run", write_csv(importer.cwd / "list.csv", rows), "--json", env=box.env).json["run"])


OUTCOMES = {"assigned", "already_assigned", "duplicate", "rejected", "refused", "unknown", "unsent"}


@pytest.mark.parametrize(
    ("title", "command"),
    [
        ("run, resume, retry, decommission, report, status", ("report", "last")),
        ("run, resume, retry, decommission, report, status", ("status", "last")),
        ("run, resume, retry, decommission, report, status", ("decommission", "last", "--yes")),
        ("runs", ("runs",)),
        ("check", ("check", "list.csv")),
        ("verify", ("verify", "last")),
        ("trace", ("trace", "S00001")),
        ("doctor", ("doctor",)),
        ("A command that fails as a whole", ("status", "nosuch")),
    ],
)
def test_each_key_is_on_the_page(title: str, command: tuple[str, ...], importer: Importer, box: Box, run: str) -> None:
    printed = set(keys(importer(*command, "--json", env=box.env).json))
    known = named(section(title)) | OUTCOMES | {"decommissioned", "already_decommissioned"}
    assert printed - known == set()
    assert printed & named(section(title))


@pytest.mark.parametrize(
    ("title", "commands"),
    [
        ("run, resume, retry, decommission, report, status", [("report", "last"), ("status", "last")]),
        ("runs", [("runs",)]),
        ("check", [("check", "list.csv")]),
        ("trace", [("trace", "S00001")]),
    ],
)
def test_each_key_on_the_page_is_printed(
    title: str, commands: list[tuple[str, ...]], importer: Importer, box: Box, run: str
) -> None:
    printed = {key for command in commands for key in keys(importer(*command, "--json", env=box.env).json)}
    rows = [line.split("|")[1] for line in section(title).splitlines() if line.startswith("| `")]
    promised = (
        named(" ".join(rows))
        if rows
        else named(section(title)) - {"staged", "running", "stopped", "finished", "resume"}
    )
    assert promised - printed == set()
