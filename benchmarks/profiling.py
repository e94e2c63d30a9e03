"""Sums up what py-spy has recorded (--format raw): for each phase of an import, where its CPU time went."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

_PHASES = (
    ("stage", "_stage (importer/flow/importing.py"),
    ("stage", "_checked (importer/flow/stage.py"),
    ("stage", "(importer/sources/"),
    ("report", "write (importer/flow/importing.py"),
    ("report", "windows (importer/flow/outcomes.py"),
    ("report", "(importer/reports/drafts.py"),
    ("ledger's writer", "_run (importer/ledger/sqlite/writer.py"),
    ("fingerprint of the file", "file_facts (importer/flow/sources.py"),
    ("submit", "run_until_complete (asyncio"),
    ("start", ""),
)
_LINE = re.compile(r":\d+\)")
_PATH = re.compile(r"\((?:[^()]*/)?((?:importer|asyncio|aiohttp)/|)[^()]*?([^()/]+/)?([^()/]+)\)")
_MOST = 14


def _frames(stack: str) -> list[str]:
    return [_LINE.sub(")", frame) for frame in stack.split(";")]


def summed_up(lines: Iterable[str]) -> dict[str, tuple[int, Counter[str], Counter[str]]]:
    """By phase: samples; by function of the importer with all it calls; by function alone."""
    total: Counter[str] = Counter()
    within: defaultdict[str, Counter[str]] = defaultdict(Counter)
    alone: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        stack, count = line.rsplit(" ", 1)
        frames = _frames(stack)
        phase = next(name for name, mark in _PHASES if any(mark in frame for frame in frames))
        total[phase] += int(count)
        alone[phase][frames[-1]] += int(count)
        within[phase].update(dict.fromkeys((f for f in frames if "(importer/" in f), int(count)))
    return {phase: (total[phase], within[phase], alone[phase]) for phase in total}


def shown(path: Path) -> str:
    """A page for people: percentages of all samples."""
    found = summed_up(path.read_text("utf-8").splitlines())
    whole = sum(count for count, _, _ in found.values())
    page = []
    for phase, (count, within, alone) in sorted(found.items(), key=lambda item: -item[1][0]):
        page.append(f"{phase}: {100 * count / whole:.1f} % of {whole} samples")
        for title, counter in (("with all it calls", within), ("alone", alone)):
            page.append(f"  {title}")
            page += [f"  {100 * n / whole:6.1f}  {name}" for name, n in counter.most_common(_MOST)]
    return "\n".join(page)


if __name__ == "__main__":
    print(shown(Path(sys.argv[1])))
