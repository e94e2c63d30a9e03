"""Reads very many damaged lists: no traceback, no hang, no memory beyond a bound.

    python benchmarks/fuzz.py --files 100000 --seed 1

Each file that shows a defect is kept in the working directory, to look at. Exits with 1 where there was one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "adapters" / "sources"))

from fuzzing import Tried, damaged, originals, read

_LONGEST_SECONDS = 10.0
_MOST_MEMORY_MB = 1500
_BLOCK = 200


def _block(task: tuple[int, int, int]) -> tuple[list[Tried], float, int]:
    """Read some files; give what was found, the seconds of the slowest, and this process's peak memory in MB."""
    seed, first, last = task
    files = originals()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # native code speaks of its panics here
    found, slowest = [], 0.0
    with tempfile.TemporaryDirectory() as directory:
        for number in range(first, last):
            name, data = damaged(files, seed, number)
            path = Path(directory) / f"{number}-{name}"
            path.write_bytes(data)
            began = time.monotonic()
            tried = read(path)
            seconds = time.monotonic() - began
            slowest = max(slowest, seconds)
            if not tried.wrong and seconds > _LONGEST_SECONDS:
                tried = Tried(path.name, tried.rows, tried.refused, f"it took {seconds:.0f} s")
            if tried.wrong:
                path.rename(Path.cwd() / path.name)
            else:
                path.unlink()
            found.append(tried)
    return found, slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _tasks(seed: int, files: int) -> Iterator[tuple[int, int, int]]:
    for first in range(0, files, _BLOCK):
        yield seed, first, min(first + _BLOCK, files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    slowest, memory, wrong = 0.0, 0, []
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=50) as pool:
        for found, seconds, peak in pool.imap_unordered(_block, _tasks(options.seed, options.files)):
            slowest, memory = max(slowest, seconds), max(memory, peak)
            for tried in found:
                counts["wrong" if tried.wrong else "refused" if tried.refused else "read"] += 1
                if tried.wrong:
                    wrong.append(tried)
                    print(f"WRONG {tried.name}: {tried.wrong}", flush=True)
    print(
        f"{options.files:,} files of seed {options.seed} in {time.monotonic() - began:.0f} s: {counts['read']:,} read, "
        f"{counts['refused']:,} refused in one line, {counts['wrong']:,} wrong; slowest {slowest:.1f} s, "
        f"peak memory {memory:,} MB"
    )
    return 1 if wrong or memory > _MOST_MEMORY_MB else 0


if __name__ == "__main__":
    sys.exit(main())
