"""The rows of the table: each runs the importer's real command and returns figures beside their targets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from measure import Measured, Place, StandIn, make_list, run_script


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


def rows(bench: Bench, count: int, *, script: bool = True) -> Result:
    """A sorted list, file to finished report, beside the script that a user would write."""
    result = Result()
    file = bench.list(count)
    ours, theirs, sizes, shares = [], [], [], []
    with StandIn() as standin:
        for _ in range(bench.repeat):
            place = bench.place("rows", standin.url)
            standin.reset()
            ours.append(place.run("run", str(file)))
            shares.append(standin.stats()["cpu_seconds"] / ours[-1].seconds)
            sizes.append(place.ledger_bytes() / count)
            if script:
                theirs.append(run_script(file, standin.url, bench.work / "script"))
    result.figures = {
        **summed_up(ours, count),
        "ledger_bytes_per_serial": mid(sizes),
        "standin_cpu_share": mid(shares),
    }
    million = f"{count / 1e6:g} M rows"
    figures = result.figures
    result.lines = [
        Line(f"{million}: serials/s", figures["serials_per_second"], "/s", 600_000, 1_000_000),
        Line(f"{million}: CPU seconds per million", figures["cpu_per_million"], "s", 1.5, 0.9, more=False),
        Line(f"{million}: peak RSS", figures["rss_mb"], "MB", 300, 260, more=False),
        Line(f"{million}: ledger per serial", figures["ledger_bytes_per_serial"], "bytes", 30, 20, more=False),
    ]
    if script:
        figures["script"] = summed_up(theirs, count)
        ratio = figures["script"]["seconds"] / figures["seconds"]
        result.lines.append(Line(f"{million}: times as fast as the script", round(ratio, 2), "x", 3, 5))
    return result


ROWS: dict[str, Callable[[Bench], Result]] = {
    "rows-1m": lambda bench: rows(bench, 1_000_000),
    "rows-5m": lambda bench: rows(bench, 5_000_000),
}
