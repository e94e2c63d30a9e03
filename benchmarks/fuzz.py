"""Reads very many damaged lists of every format, each in a reader of its own: the parent never ends, nothing hangs, no
reader passes its limits, and each list is read or refused in one line.

    python benchmarks/fuzz.py --files 100000 --seed 1
    python benchmarks/fuzz.py --files 2000 --seed 2 --whole

`--whole` reads each through the whole command, `importer check`. Each file that shows a defect is kept in the working
directory, to look at. Exits with 1 where there was one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "adapters" / "sources"))

from fuzzing import Tried, damaged, originals, read

from importer.readers.opening import heard_of_ends
from importer.readers.starting import Ended

_LONGEST_SECONDS = 30.0
_MOST_MEMORY_MB = 400
_BLOCK = 100
_TIMEOUT = 120
_REFUSED = 2
_FINE = (0, 3)

Task = tuple[int, int, int, bool]
Found = tuple[list[Tried], float, int, int, Counter[str]]


def _block(task: Task) -> Found:
    """Read some files; give what was found, the seconds of the slowest, the peak memory in MB of a reader and of this
    process, and how the readers ended.
    """
    seed, first, last, whole = task
    files = originals()
    found, slowest, peak = [], 0.0, 0
    ends: Counter[str] = Counter()

    def ended(_name: str, end: Ended) -> None:
        nonlocal peak
        peak = max(peak, end.peak_kilobytes >> 10)
        ends[str(end.status)] += 1

    with tempfile.TemporaryDirectory() as directory, heard_of_ends(ended):
        for number in range(first, last):
            name, data = damaged(files, seed, number)
            path = Path(directory) / f"{number}-{name}"
            path.write_bytes(data)
            began = time.monotonic()
            tried = _by_the_command(path) if whole else read(path)
            seconds = time.monotonic() - began
            slowest = max(slowest, seconds)
            if not tried.wrong and seconds > _LONGEST_SECONDS:
                tried = replace(tried, wrong=f"it took {seconds:.0f} s")
            if tried.wrong:
                (Path.cwd() / path.name).write_bytes(data)
            path.unlink()
            found.append(tried)
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return found, slowest, max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10), mine, ends


def _by_the_command(path: Path) -> Tried:
    command = [sys.executable, "-m", "importer", "check", "--json", str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, timeout=_TIMEOUT, check=False)
    said = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode in _FINE:
        return Tried(path.name, rows=json.loads(done.stdout)["rows"])
    right = done.returncode == _REFUSED and len(said) == 1
    return Tried(path.name, refused="\n".join(said), wrong="" if right else f"code {done.returncode}: {said[-3:]}")


def _tasks(seed: int, files: int, *, whole: bool) -> Iterator[Task]:
    for first in range(0, files, _BLOCK):
        yield seed, first, min(first + _BLOCK, files), whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--whole", action="store_true", help="through the whole command")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    slowest, memory, parents = 0.0, 0, 0
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=50) as pool:
        tasks = _tasks(options.seed, options.files, whole=options.whole)
        for found, seconds, peak, mine, how in pool.imap_unordered(_block, tasks):
            slowest, memory, parents = max(slowest, seconds), max(memory, peak), max(parents, mine)
            ends += how
            for tried in found:
                counts["wrong" if tried.wrong else "refused" if tried.refused else "read"] += 1
                if "written in a way that no list is" in tried.refused:
                    counts["unforeseen"] += 1
                    print(f"UNFORESEEN {tried.name}: {tried.refused}", flush=True)
                if tried.wrong:
                    print(f"WRONG {tried.name}: {tried.wrong}", flush=True)
    print(
        f"{options.files:,} files of seed {options.seed} in {time.monotonic() - began:.0f} s: {counts['read']:,} read, "
        f"{counts['refused']:,} refused in one line ({counts['unforeseen']} by what no reader foresaw), "
        f"{counts['wrong']:,} wrong; slowest {slowest:.1f} s, peak memory of a reader {memory:,} MB, of a parent "
        f"{parents:,} MB; ends of readers by status: {dict(ends)}"
    )
    return 1 if counts["wrong"] or memory > _MOST_MEMORY_MB else 0


if __name__ == "__main__":
    sys.exit(main())
