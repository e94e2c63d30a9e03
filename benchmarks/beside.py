"""Rows of the table about what happens beside the speed: the quota, a kill, a look at a run, a ledger that is full."""

from __future__ import annotations

import time

from measure import Place, Running, StandIn
from table import Bench, Line, Result, mid

_RATES = {10: 40, 100: 30, 490: 30}
"""Requests per second, and for how many seconds."""
_SMALL_CHUNK = 100


def rate(bench: Bench) -> Result:
    """How much of a quota is used, and whether any request comes too early for a server that counts exactly."""
    result = Result()
    for limit, seconds in _RATES.items():
        file = bench.list(limit * seconds * _SMALL_CHUNK, "--per-batch", "100000")
        settings = {
            "IMPORTER_LIMITS__REQUESTS_PER_SECOND": str(limit),
            "IMPORTER_LIMITS__CHUNK_SIZE": str(_SMALL_CHUNK),
        }
        with StandIn(rate=limit) as standin:
            bench.place("rate", standin.url, **settings).run("run", str(file))
            stats = standin.stats()
        used = (stats["requests"] - 1) / (stats["last"] - stats["first"]) / limit
        result.figures[f"rate {limit}"] = {**stats, "used": round(used, 4)}
        result.lines += [
            Line(f"{limit} requests/s: share of the quota used", round(used, 4), "x", 0.97, 0.99),
            Line(f"{limit} requests/s: requests above it", stats["too_early"], "", 0, 0, more=False),
        ]
    return result


def resume(bench: Bench, count: int = 20_000_000) -> Result:
    """SIGKILL in the middle of sending, then `resume`: how long to its first request. `status`, `runs` on the way."""
    file = bench.list(count)
    with StandIn() as standin:
        place = bench.place("resume", standin.url)
        running = place.start("run", str(file))
        _wait_for(standin, 500)
        run_id, looks = _look(place, standin)
        running.kill()
        firsts = [_first_request(place, standin, run_id) for _ in range(max(3, bench.repeat))]
    million = f"{count / 1e6:g} M rows"
    lines = [
        Line(f"{million}: resume after SIGKILL, to the first request", mid(firsts), "s", 2, 0.5, more=False),
        *(Line(f"{million}: `{name}` beside it", mid(times), "s", 1, 0.3, more=False) for name, times in looks.items()),
    ]
    return Result(lines, {"to_first_request": firsts, **looks})


def _wait_for(standin: StandIn, requests: int) -> None:
    while standin.stats()["requests"] < requests:
        time.sleep(0.1)


def _look(place: Place, standin: StandIn) -> tuple[str, dict[str, list[float]]]:
    run_id = ""
    times: dict[str, list[float]] = {"runs": [], "status": []}
    for _ in range(5):
        times["runs"].append(place.run("runs").seconds)
        run_id = run_id or (place.directory / "runs.out").read_text("utf-8").split("\n")[-2].split()[0]
        times["status"].append(place.run("status", run_id).seconds)
        before = standin.stats()["requests"]
        _wait_for(standin, before + 100)
    return run_id, times


def _first_request(place: Place, standin: StandIn, run_id: str) -> float:
    standin.reset()
    resumed: Running = place.start("resume", run_id)
    _wait_for(standin, 50)
    resumed.kill()
    first: float = standin.stats()["first"]
    return round(first - resumed.began, 3)


def overlap(bench: Bench, old: int = 20_000_000, new: int = 5_000_000) -> Result:
    """A second file of which half is in the ledger already: how much longer it takes to stage than by itself."""
    half = new // 2
    first, second = bench.list(old), bench.list(new, "--first", str(old - half))
    with StandIn() as standin:
        place = bench.place("overlap", standin.url)
        place.run("run", str(first))
        with_old = place.run("run", str(second))
        found = standin.stats()["serials"] - old
        alone = [bench.place("alone", standin.url).run("run", str(second)) for _ in range(bench.repeat)]
    by_itself = mid([run.phases["stage"] for run in alone])
    times = round(with_old.phases["stage"] / by_itself, 2)
    cpu = round(with_old.phases_cpu["stage"] / mid([run.phases_cpu["stage"] for run in alone]), 2)
    lines = [
        Line("overlap, half of 5 M in a ledger of 20 M: time to stage", times, "x", 1.5, 1.2, more=False),
        Line("overlap: serials sent that were assigned before", found - half, "", 0, 0, more=False),
    ]
    figures = {
        "alone_seconds": by_itself,
        "seconds": with_old.phases["stage"],
        "cpu_times": cpu,
        "rss_mb": with_old.rss,
    }
    return Result(lines, figures)
