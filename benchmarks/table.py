"""What a row of the table is made of: its lines beside their targets, and where it works."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from measure import Measured, Place, make_list


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a measure, its figure, what is to be reached and what is aimed at."""

    measure: str
    value: float
    unit: str
    least: float
    aim: float
    more: bool = True
    """Whether more is better."""

    def verdict(self) -> str:
        if self.value >= self.aim if self.more else self.value <= self.aim:
            return "aim"
        return "met" if (self.value >= self.least if self.more else self.value <= self.least) else "MISSED"


@dataclass(slots=True)
class Result:
    """What one row came to: its lines, and the figures behind them."""

    lines: list[Line] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a row works, and how often it measures."""

    work: Path
    repeat: int

    def place(self, name: str, url: str, formats: Sequence[str] = ("csv",), **settings: str) -> Place:
        """A fresh directory."""
        directory = self.work / name
        shutil.rmtree(directory, ignore_errors=True)
        return Place(directory, url, formats, settings)

    def list(self, rows: int, *options: str) -> Path:
        name = "-".join(["list", str(rows), *options]).replace("--", "")
        return make_list(self.work / f"{name}.csv", rows, *options)


def mid(values: Sequence[float]) -> float:
    return round(median(values), 4)


def summed_up(runs: Sequence[Measured], rows: int) -> dict[str, Any]:
    return {
        "seconds": mid([run.seconds for run in runs]),
        "serials_per_second": round(rows / median(run.seconds for run in runs)),
        "cpu_per_million": mid([run.cpu / rows * 1e6 for run in runs]),
        "rss_mb": round(max(run.rss for run in runs), 1),
        "all_seconds": [round(run.seconds, 2) for run in runs],
        "phases": {name: mid([run.phases.get(name, 0.0) for run in runs]) for name in runs[0].phases},
        "phases_cpu": {name: mid([run.phases_cpu.get(name, 0.0) for run in runs]) for name in runs[0].phases_cpu},
    }
