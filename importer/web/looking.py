"""Runs and serials looked up in the ledger, as plain data. Reads only; in threads, not in the event loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from importer.ledger.view import Run, View
from importer.results.totals import count
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
        "message": one.fate.message,
        "chunk": one.chunk or None,
        "attempts": one.attempts,
        "recorded_at": one.recorded_at,
    }
