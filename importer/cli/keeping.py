"""backup, prune: a copy of the ledger, and what is past its retention."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import typer

from importer.cli.setup import Setup
from importer.errors import ConfigError, Exit
from importer.ledger import opening
from importer.ledger.opening import viewed
from importer.model import RunState


def back_up(setup: Setup, to: Path) -> int:
    ledger = setup.settings.ledger
    done = opening.back_up(ledger.path, ledger.url, to)
    if setup.as_json:
        _json({"backup": str(to), "bytes": done.bytes, "sha256": done.sha256, "runs": done.runs})
        return Exit.DONE
    told = setup.language.told
    typer.echo(told("backed_up", path=str(to), n=done.runs, size=done.bytes))
    typer.echo(told("backup_restored"))
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that is past its retention."""

    kind: str
    """"report" or "run"."""
    run: str
    what: str
    bytes: int


def prune(setup: Setup, *, dry_run: bool) -> int:
    """Remove report directories (report.keep_days) and runs (ledger.keep_runs_days) that are past their retention; runs
    of which later lists need something stay. Raises ConfigError where neither has one.
    """
    settings = setup.settings
    if not settings.ledger.keep_runs_days and not settings.report.keep_days:
        raise ConfigError("prune_keeps_all")
    found = [*_reports(setup, dry_run=dry_run), *_runs(setup, dry_run=dry_run)]
    freed = sum(one.bytes for one in found)
    if setup.as_json:
        removed = [{"kind": one.kind, "run": one.run, "what": one.what, "bytes": one.bytes} for one in found]
        _json({"dry_run": dry_run, "bytes": freed, "removed": removed})
        return Exit.DONE
    told = setup.language.told
    for one in found:
        typer.echo(told(f"pruned_{one.kind}", run=one.run, what=one.what, size=one.bytes))
    typer.echo(told("would_prune" if dry_run else "pruned", n=len(found), size=freed))
    return Exit.DONE


def _reports(setup: Setup, *, dry_run: bool) -> Iterator[Removed]:
    """The reports of runs that ended so long ago. `importer report RUN` writes one again."""
    report = setup.settings.report
    if not report.keep_days:
        return
    before = _ago(report.keep_days)
    with viewed(setup.ledger) as view:
        runs = view.runs() if view else []
    for run in runs:
        directory = report.dir / run.id
        if run.state == RunState.FINISHED and (run.ended_at or "~") < before and directory.is_dir():
            size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
            if not dry_run:
                shutil.rmtree(directory)
            yield Removed("report", run.id, str(directory), size)


def _runs(setup: Setup, *, dry_run: bool) -> Iterator[Removed]:
    ledger = setup.settings.ledger
    if ledger.keep_runs_days and setup.ledger.exists():
        for one in opening.prune(ledger.path, ledger.url, _ago(ledger.keep_runs_days), dry_run=dry_run):
            yield Removed("run", one.run, one.source, one.bytes)


def _ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def _json(document: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
