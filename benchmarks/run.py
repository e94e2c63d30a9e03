"""Runs the table of figures, or some rows of it, against the importer's real command. See README.md beside this file.

`run.py` alone takes every row but the 100 million; `run.py rows-5m shuffled` these two; `run.py rows --rows 1000000` a
sorted list of any length.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beside import overlap, rate, resume
from speed import formats, long, many_batches, rows, shuffled
from table import Bench, Line, Result

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parent / "README.md"
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"
ROWS: dict[str, Callable[[Bench], Result]] = {
    "rows-1m": lambda bench: rows(bench, 1_000_000),
    "rows-5m": lambda bench: rows(bench, 5_000_000),
    "rows-20m": lambda bench: long(bench, 20_000_000),
    "rows-100m": lambda bench: long(bench, 100_000_000),
    "shuffled": shuffled,
    "many-batches": many_batches,
    "rate": rate,
    "resume": resume,
    "overlap": overlap,
    "formats": formats,
}
_LATER = {"rows-100m"}
_LIBRARIES = ("aiohttp", "msgspec", "numpy", "pandas", "pyarrow", "requests")


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def table(lines: list[Line]) -> str:
    """A table in Markdown."""
    head = ["| measure | here | at least | aim | |", "|---|---|---|---|---|"]
    return "\n".join(head + [_cells(line) for line in lines])


def _cells(line: Line) -> str:
    figures = (f"{number:,.10g} {line.unit}" for number in (line.value, line.least, line.aim))
    return f"| {line.measure} | {' | '.join(figures)} | {line.verdict()} |"


def shown(known: dict[str, Any]) -> str:
    """The table of all results so far in the order of ROWS, and what it was measured on."""
    order = [name for name in ROWS if name in known]
    lines = [Line(**line) for name in order for line in known[name]["lines"]]
    about = known[order[-1]]["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    computer = f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}"
    return f"{computer}; Python {about['python']}, {libraries}; {about['at'][:10]}.\n\n{table(lines)}\n"


def put_into_readme(text: str) -> None:
    head, _, rest = README.read_text("utf-8").partition(_BEGIN)
    README.write_text(f"{head}{_BEGIN}\n{text}{_END}{rest.partition(_END)[2]}", "utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}, or rows with --rows")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--work", type=Path, help="where lists and ledgers go for the time being")
    options.add_argument("--out", type=Path, default=RESULTS / "last.json")
    chosen = options.parse_args()
    work = Path(tempfile.mkdtemp(prefix="importer-bench-", dir=chosen.work))
    bench = Bench(work, chosen.repeat)
    about = machine()
    found: dict[str, Result] = {}
    try:
        for name in chosen.names or [name for name in ROWS if name not in _LATER]:
            found[name] = rows(bench, chosen.rows) if name == "rows" else ROWS[name](bench)
            shutil.rmtree(work, ignore_errors=True)  # the next row has the disk for itself
            work.mkdir()
            print(f"{name}: {json.dumps(found[name].figures)}", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    about["load_after"] = [round(load, 2) for load in os.getloadavg()]
    print("\n" + table([line for result in found.values() for line in result.lines]))
    chosen.out.parent.mkdir(exist_ok=True)
    known = json.loads(chosen.out.read_text("utf-8")) if chosen.out.exists() else {}
    known |= {name: {**asdict(result), "machine": about} for name, result in found.items()}
    chosen.out.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    if chosen.out == RESULTS / "last.json":
        put_into_readme(shown({name: result for name, result in known.items() if name in ROWS}))


if __name__ == "__main__":
    main()
