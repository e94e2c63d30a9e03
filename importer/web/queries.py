"""Runs and serials looked up in the ledger, as plain data. Reads only; in threads, not in the event loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from importer.ledger.view import Run, View
from importer.model import Fate, Message, Outcome, RunState, is_sandbox
from importer.reports.chart import chart
from importer.reports.marked_list import MARKED
from importer.reports.summary import RunSummary
from importer.results.examples import Example, examples
from importer.results.totals import count, facts_of
from importer.results.tracing import Trace, trace

_MOST_TRACES = 200


@contextmanager
def viewed(path: Path) -> Iterator[View | None]:
    """The ledger for reading; None where there is none yet."""
    view = View(path) if path.exists() and path.stat().st_size else None
    try:
        yield view
    finally:
        if view:
            view.close()


def stamp(path: Path) -> tuple[int, str]:
    """How far the ledger is: changes when a run begins or ends."""
    with viewed(path) as view:
        runs = view.runs() if view else []
    return len(runs), max((run.ended_at or "" for run in runs), default="")


def find_run(path: Path, run_id: str) -> Run | None:
    with viewed(path) as view:
        return next((run for run in view.runs() if run.id == run_id), None) if view else None


def run_lines(path: Path, wanted: Mapping[str, str], most: int) -> list[dict[str, Any]]:
    """Runs that fit, the youngest first. `wanted`: file, batch, gtin, person, from, to (dates), state."""
    with viewed(path) as view:
        if view is None:
            return []
        runs = [run for run in reversed(view.runs()) if _fits(run, wanted)]
        gtin = wanted.get("gtin", "").strip()
        batch = wanted.get("batch", "").strip()
        if gtin or batch:
            having = view.runs_of_batch(gtin.rjust(14, "0") if gtin else "", batch)
            runs = [run for run in runs if run.num in having]
        return [_line(view, run) for run in runs[:most]]


def _fits(run: Run, wanted: Mapping[str, str]) -> bool:
    def part(name: str, text: str) -> bool:
        return wanted.get(name, "").strip().casefold() in text.casefold()

    day = run.started_at[:10]
    return (
        part("file", run.source_name)
        and part("person", run.user)
        and wanted.get("from", "") <= day
        and day <= (wanted.get("to") or "9999")
        and wanted.get("state", "") in ("", run.state.value)
    )


def _line(view: View, run: Run) -> dict[str, Any]:
    counts = count(view, run)
    return {
        "run": run.id,
        "state": run.state.value,
        "source": run.source_name,
        "target": run.target,
        "sandbox": is_sandbox(run.target),
        "rows": run.rows,
        "user": run.user,
        "comment": run.comment,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcomes": {outcome.value: rows for outcome, rows in counts.tally.outcomes.items()},
        "to_send": counts.to_send,
    }


def traces(path: Path, serial: str, gtin: str) -> list[dict[str, Any]]:
    """What became of a serial, the youngest run first."""
    with viewed(path) as view:
        found = trace(view, serial, gtin.rjust(14, "0") if gtin else "") if view else iter(())
        return [_traced(one) for one, _ in zip(found, range(_MOST_TRACES), strict=False)]


def _message(fate: Fate) -> Message | str:
    return Message(fate.code or fate.outcome.value, "", fate.values) if fate.code or fate.values else ""


def _traced(one: Trace) -> dict[str, Any]:
    return {
        "run": one.run.id,
        "source": one.run.source_name,
        "user": one.run.user,
        "row": one.row,
        "sheet": one.sheet,
        "gtin": one.batch.gtin,
        "batch": one.batch.batch,
        "expiry_date": one.batch.expiry,
        "outcome": one.fate.outcome.value,
        "code": one.fate.code,
        "message": _message(one.fate),
        "chunk": one.chunk or None,
        "attempts": one.attempts,
        "recorded_at": one.recorded_at,
    }


# The result of a run as plain data, true also while it goes on. Reads only; in threads, not in the event loop.
FILES = ("report.xlsx", "not_assigned.csv", "assigned.csv", "report.html", "summary.json", "manifest.json")
"""What every report may have, the workbook first."""
ORDER = tuple(outcome.value for outcome in Outcome)
_MOST_BARS = 50
_EXAMPLES = 5


def run_data(path: Path, run_id: str, report_dir: Path) -> dict[str, Any] | None:
    """All that the page of a run shows, true also while it runs."""
    with viewed(path) as view:
        run = next((one for one in view.runs() if one.id == run_id), None) if view else None
        if view is None or run is None:
            return None
        facts = facts_of(view, run)
        counts = count(view, run)
        resting = run.state in {RunState.FINISHED, RunState.STOPPED}
        found = examples(view, run, facts.codes, _EXAMPLES) if resting else {}
    directory = report_dir / run.id
    return {
        "run": run.id,
        "state": run.state.value,
        "source": {"name": run.source_name, "sha256": run.source_sha256, "bytes": run.source_bytes, "rows": run.rows},
        "user": run.user,
        "comment": run.comment,
        "host": run.host,
        "target": run.target,
        "sandbox": is_sandbox(run.target),
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "stopped_by": run.stopped_by,
        "exit_code": facts.exit_code if resting else None,
        "rows": run.rows,
        "outcomes": dict(facts.outcomes),
        "identity_holds": facts.identity_holds,
        "to_send": counts.to_send,
        "can_retry": resting and any(facts.outcomes[one] for one in (Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT)),
        "can_go_on": bool(counts.pending),
        "batches": _batches(facts),
        "batches_in_all": len(facts.batches),
        "problems": [
            _problem(code, rows, found.get(code, ()), facts.sheet_names) for code, rows in facts.codes.items()
        ],
        "warnings": dict(facts.warnings),
        "requests": {"sent": facts.requests.sent, "retried": facts.requests.retried, "seconds": facts.requests.seconds},
        "files": _files(directory) if resting else [],
    }


def _batches(facts: RunSummary) -> list[dict[str, Any]]:
    """The batches that need a look first, with the pieces of their bars."""
    return [
        {
            "gtin": bar.batch.gtin,
            "batch": bar.batch.batch,
            "expiry_date": bar.batch.expiry,
            "rows": bar.rows,
            "outcomes": dict(bar.counts),
            "pieces": [{"outcome": one.outcome, "start": one.start, "width": one.width} for one in bar.pieces],
        }
        for bar in chart(facts.batches, _MOST_BARS).bars
    ]


def _problem(code: str, rows: int, found: Sequence[Example], names: Sequence[str]) -> dict[str, Any]:
    return {"code": code, "rows": rows, "examples": [_example(one, names) for one in found]}


def _example(one: Example, names: Sequence[str]) -> dict[str, Any]:
    return {
        "sheet": names[one.key >> 32] if names else "",
        "row": str(one.key & 0xFFFFFFFF),
        "serial": one.serial,
        "gtin": one.batch.gtin,
        "batch": one.batch.batch,
        "expiry": one.batch.expiry,
        "outcome": one.outcome.value,
        "message": one.message,
    }


def _files(directory: Path) -> list[dict[str, Any]]:
    """What can be downloaded: the workbook first, then the list itself with its wrong rows marked."""
    marked = sorted(path.name for path in directory.glob(f"*{MARKED}.*") if not path.name.startswith("."))
    there = ((name, directory / name) for name in (FILES[0], *marked, *FILES[1:]))
    return [
        {"name": name, "kind": "marked" if name in marked else name, "bytes": path.stat().st_size}
        for name, path in there
        if path.is_file()
    ]


def report_file(report_dir: Path, run: Run, name: str) -> Path | None:
    """A file of a run's report; None for any other name."""
    directory = report_dir / run.id
    return directory / name if any(file["name"] == name for file in _files(directory)) else None


def not_begun(run_id: str, name: str, by: str, comment: str, at: str) -> dict[str, Any]:
    """What `run_data` says of a run that stands in the queue only."""
    return {
        "run": run_id,
        "state": "queued",
        "source": {"name": name, "sha256": "", "bytes": 0, "rows": 0},
        "user": by,
        "comment": comment,
        "host": "",
        "target": "",
        "sandbox": False,
        "started_at": at,
        "ended_at": None,
        "stopped_by": "",
        "exit_code": None,
        "rows": 0,
        "outcomes": {outcome.value: 0 for outcome in Outcome},
        "identity_holds": True,
        "to_send": 0,
        "can_retry": False,
        "can_go_on": False,
        "batches": [],
        "batches_in_all": 0,
        "problems": [],
        "warnings": {},
        "requests": {"sent": 0, "retried": 0, "seconds": 0.0},
        "files": [],
    }
