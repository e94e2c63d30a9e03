"""How cost grows with rows, batches, chunk size and requests in flight: one import for each point, and a picture.

Needs the extra `bench` (matplotlib). Takes about five minutes; the points go to results/growth.json, the picture to
growth.svg.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from measure import StandIn
from table import Bench, mid

HERE = Path(__file__).parent
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """One list and how it is sent."""

    x: int
    rows: int = _MILLION
    per_batch: int = 25_000
    settings: dict[str, str] = field(default_factory=dict)


CURVES: dict[str, list[Point]] = {
    "rows": [Point(n, rows=n) for n in (100_000, 300_000, _MILLION, 3_000_000, 10_000_000)],
    "batches (1 M rows)": [Point(_MILLION // n, per_batch=n) for n in (100_000, 10_000, 1_000, 100)],
    "serials in a request (1 M rows)": [
        Point(n, settings={"IMPORTER_LIMITS__CHUNK_SIZE": str(n)}) for n in (100, 200, 500, 1000, 2000, 5000)
    ],
    "requests in flight (1 M rows)": [
        Point(n, settings={"IMPORTER_LIMITS__MAX_IN_FLIGHT": str(n)}) for n in (1, 2, 4, 8, 16, 32)
    ],
}

Measured = dict[str, list[tuple[int, float, float, float]]]
"""By curve: x, serials per second, CPU seconds per million, peak memory in MB."""


def measured(bench: Bench) -> Iterator[tuple[str, tuple[int, float, float, float]]]:
    with StandIn() as standin:
        for name, points in CURVES.items():
            for point in points:
                file = bench.list(point.rows, "--per-batch", str(point.per_batch))
                runs = [
                    bench.place("growth", standin.url, **point.settings).run("run", str(file))
                    for _ in range(bench.repeat)
                ]
                seconds, cpu = mid([run.seconds for run in runs]), mid([run.cpu for run in runs])
                rss = max(run.rss for run in runs)
                yield name, (point.x, point.rows / seconds, cpu / point.rows * _MILLION, round(rss, 1))
                file.unlink()


def draw(found: Measured, file: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415  not installed for tests

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "importer", "svg.fonttype": "none"}
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, grid = plt.subplots(3, len(found), figsize=(12, 7), sharex="col", sharey="row", layout="constrained")
    titles = ("thousand serials/s", "CPU s per million", "peak memory, MB")
    for column, (name, points) in zip(grid.T, found.items(), strict=True):
        for axes, row, unit in zip(column, (1, 2, 3), (1000, 1, 1), strict=True):
            axes.plot([p[0] for p in points], [p[row] / unit for p in points], marker="o", color="#1f5fa8")
            axes.set_xscale("log")
            axes.set_ylim(0, 1.1 * max(p[row] / unit for curve in found.values() for p in curve))
            axes.grid(visible=True, alpha=0.3)
        column[-1].set_xlabel(name)
    for axes, title in zip(grid[:, 0], titles, strict=True):
        axes.set_ylabel(title)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--work", type=Path, help="where lists and ledgers go for the time being")
    options.add_argument("--redraw", action="store_true", help="only the picture, from the points of last time")
    chosen = options.parse_args()
    results = HERE / "results" / "growth.json"
    found: Measured = json.loads(results.read_text("utf-8")) if chosen.redraw else {}
    if not chosen.redraw:
        work = Path(tempfile.mkdtemp(prefix="importer-growth-", dir=chosen.work))
        try:
            for name, point in measured(Bench(work, chosen.repeat)):
                found.setdefault(name, []).append(point)
                print(f"{name} {point[0]:,}: {point[1]:,.0f}/s, {point[2]:.2f} CPU s per million, {point[3]:.0f} MB")
        finally:
            shutil.rmtree(work, ignore_errors=True)
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    draw(found, HERE / "growth.svg")


if __name__ == "__main__":
    main()
