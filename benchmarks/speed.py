"""Rows of the table that take a list from file to finished report: how fast, with how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from measure import StandIn, run_script
from table import Bench, Line, Result, mid, summed_up


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


def _imported(bench: Bench, name: str, count: int, *options: str, formats: Sequence[str] = ("csv",)) -> dict[str, Any]:
    """Figures of a list that is imported `bench.repeat` times."""
    file = bench.list(count, *options)
    with StandIn() as standin:
        runs = [bench.place(name, standin.url, formats).run("run", str(file)) for _ in range(bench.repeat)]
    return summed_up(runs, count)


def shuffled(bench: Bench, count: int = 5_000_000) -> Result:
    """Each row in one of 200 batches, at random, beside a sorted list of the same length."""
    ordered = _imported(bench, "sorted", count)
    mixed = _imported(bench, "shuffled", count, "--order", "shuffled", "--batches", "200")
    share = round(mixed["serials_per_second"] / ordered["serials_per_second"], 3)
    of_cpu = round(ordered["cpu_per_million"] / mixed["cpu_per_million"], 3)
    lines = [Line("shuffled over 200 batches: rate beside sorted", share, "x", 0.7, 0.85)]
    return Result(lines, {"sorted": ordered, "shuffled": mixed, "cpu_share": of_cpu})


def many_batches(bench: Bench) -> Result:
    """A hundred thousand batches of ten rows each: as many requests."""
    figures = _imported(bench, "many", 1_000_000, "--per-batch", "10")
    line = Line("100,000 batches of 10 rows: peak RSS", figures["rss_mb"], "MB", 500, 300, more=False)
    return Result([line], figures)


def formats(bench: Bench, count: int = 1_000_000) -> Result:
    """CSV, XLSX and HTML reports, beside CSV alone."""
    plain = _imported(bench, "plain", count)
    every = _imported(bench, "every", count, formats=("csv", "xlsx", "html"))
    more = round(every["phases"]["report"] - plain["phases"]["report"], 2)
    line = Line("XLSX and HTML reports besides, 1 M rows", more, "s", 25, 15, more=False)
    return Result([line], {"csv": plain, "csv, xlsx, html": every})


def long(bench: Bench, count: int) -> Result:
    """A long list, once: memory must stay flat."""
    return rows(Bench(bench.work, 1), count, script=False)
