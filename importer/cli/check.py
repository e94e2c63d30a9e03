"""check: what a run would do, on one screen."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from importer import wiring
from importer.cli.options import Given
from importer.cli.setup import Setup
from importer.cli.times import spoken
from importer.concurrency import Stopping
from importer.config.settings import Settings
from importer.errors import Exit, ImporterError, SourceError, worst
from importer.flow.preview import Preview, Problem, preview
from importer.ledger.view import Run, View
from importer.sources.files import file_facts
from importer.sources.opening import open_source
from importer.words.notes import note

_MOST_BATCHES = 15


def check_files(setup: Setup, files: Sequence[Path], given: Given) -> int:
    options = wiring.source_options(setup.settings, given.values())
    codes: list[int] = [Exit.DONE]
    documents = list[dict[str, Any]]()
    for file in files:
        try:
            found, before = _check(setup.settings, file, options)
        except ImporterError as error:
            codes.append(error.exit_code)
            documents.append({"source": str(file), "error": str(error)})
            typer.echo(str(error) if str(file) in str(error) else f"{file}: {error}", err=True)
            continue
        codes.append(0 if found.clean else Exit.WRONG_ROWS)
        documents.append(_document(found, setup.settings))
        if not setup.as_json:
            _show(found, before, setup.settings)
    if setup.as_json:
        whole: Any = documents[0] if len(documents) == 1 else {"sources": documents}
        typer.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2))
    return worst(codes)


def _check(settings: Settings, file: Path, options: Any) -> tuple[Preview, list[Run]]:
    facts = asyncio.run(file_facts(file))
    view = View(settings.ledger.path) if settings.ledger.path.exists() else None
    try:
        source = open_source(file, options)
        with tempfile.TemporaryDirectory() as spill:
            found = preview(
                file.name,
                source,
                wiring.staging(settings, Path(spill)),
                (view, settings.api.base_url) if view else None,
                stopping=Stopping(),
                progress=lambda _: None,
            )
        before = [run for run in view.runs() if run.source_sha256 == facts.sha256] if view else []
    except OSError as error:
        raise SourceError(f"{file} can't be read: {error.strerror}") from error
    finally:
        if view:
            view.close()
    return found, before


def seconds_of(requests: int, settings: Settings) -> float | None:
    """What so many requests take at the configured rate; None where there is no limit."""
    rate = settings.limits.requests_per_second
    return requests / rate if rate else None


def _document(found: Preview, settings: Settings) -> dict[str, Any]:
    return {
        "source": found.name,
        "rows": found.rows,
        "reading": asdict(found.reading),
        "batches": [
            {
                "gtin": line.batch.gtin if line.batch else "",
                "batch": line.batch.batch if line.batch else "",
                "expiry_date": line.batch.expiry if line.batch else "",
                "rows": line.rows,
                "to_send": line.send,
                "already_assigned": line.already_assigned,
                "duplicate": line.duplicate,
                "rejected": line.rejected,
            }
            for line in found.batches
        ],
        "problems": {code: asdict(problem) for code, problem in found.problems.items()},
        "warnings": found.notes,
        "requests": found.requests,
        "seconds": seconds_of(found.requests, settings),
        "clean": found.clean,
    }


def _show(found: Preview, before: list[Run], settings: Settings) -> None:
    console = Console(highlight=False)
    console.print(Text.assemble((found.name, "bold"), f": {found.rows:,} rows"))
    for line in reading_lines(found):
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    console.print(_batch_table(found))
    if found.problems:
        console.print(Text("Wrong rows are not sent; the first rows of each kind:", "dim"))
    for code, problem in found.problems.items():
        _show_problem(console, code, problem)
    if found.notes:
        console.print(Text("Repaired or worth a look (sent all the same)", "yellow"))
        for code, rows in found.notes.items():
            console.print(Padding(Text(f"{rows:,} row{'s' * (rows != 1)}: {note(code)}"), (0, 0, 0, 2)))
    console.print(Text(_verdict(found, settings), "bold green" if found.clean else "bold"))
    for run in before:
        console.print(Text(f"The same file was imported before: run {run.id} ({run.state.value})."))


def reading_lines(found: Preview) -> list[str]:
    """How the list was read."""
    reading = found.reading
    how = [reading.format, reading.encoding, f"delimiter {reading.delimiter!r}" if reading.delimiter else ""]
    lines = ["read as " + ", ".join(part for part in how if part)]
    for sheet in reading.sheets:
        name = f"sheet {sheet.name}: " if sheet.name else ""
        where = f"header in row {sheet.header_row}" if sheet.header_row else "no header"
        columns = ", ".join(f"{role} = {header!r}" for role, header in sheet.columns.items())
        lines.append(f"{name}{where}; {columns}")
    return [*lines, *reading.remarks]


def _batch_table(found: Preview) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in ("GTIN", "Batch", "Expiry"):
        table.add_column(name, no_wrap=True)
    for name in ("Rows", "To send", "Before", "Twice", "Wrong"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in found.batches[:_MOST_BATCHES]:
        who = (line.batch.gtin, line.batch.batch, line.batch.expiry) if line.batch else ("can't be told", "", "")
        numbers = (line.rows, line.send, line.already_assigned, line.duplicate)
        rejected = Text(_number(line.rejected), "red" if line.rejected else "")
        table.add_row(*(Text(text) for text in who), *(_number(number) for number in numbers), rejected)
    if len(found.batches) > _MOST_BATCHES:
        table.add_row(f"and {len(found.batches) - _MOST_BATCHES:,} more")
    return table


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"


def _show_problem(console: Console, code: str, problem: Problem) -> None:
    """One problem: its code, how many rows have it and the first of them, and what is wrong with the very first."""
    shown = problem.examples
    rows = f"{problem.rows:,} row{'s' * (problem.rows != 1)}"
    places = ", ".join(f"{example.sheet} {example.row}".strip() for example in shown)
    more = f" and {problem.rows - len(shown):,} more" if problem.rows > len(shown) else ""
    console.print(Text.assemble((code, "bold red"), f"  {rows}: ", (places + more, "bold")))
    for example in shown[:1]:
        console.print(Padding(Text(example.message), (0, 0, 0, 2)))


def _verdict(found: Preview, settings: Settings) -> str:
    serials = sum(line.send for line in found.batches)
    seconds = seconds_of(found.requests, settings)
    rate = settings.limits.requests_per_second
    time = f", {spoken(seconds)} at {rate:g} requests/s" if seconds is not None else ""
    if not serials:
        return "A run would send nothing."
    requests = f"{found.requests:,} request{'s' * (found.requests != 1)}"
    return f"A run would send {serials:,} serial{'s' * (serials != 1)} in {requests}{time}."
