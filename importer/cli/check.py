"""check: what a run would do, on one screen."""

from __future__ import annotations

import asyncio
import json
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
from importer.cli.output import about
from importer.cli.setup import Setup
from importer.cli.stdin import with_stdin
from importer.concurrency import Stopping
from importer.config.settings import Settings
from importer.errors import Exit, ImporterError, worst
from importer.flow.preview import Example, ListFile, Preview, Problem, preview
from importer.model import is_sandbox, spoken_target
from importer.sources.files import file_facts
from importer.words.language import Language

_MOST_BATCHES = 15
_NO_POOL = (
    "The configuration has no channel key and no api.tenant: what earlier runs have assigned can't be told and is not "
    "counted."
)


def check_files(setup: Setup, files: Sequence[Path], given: Given) -> int:
    settings = setup.settings
    options = wiring.source_options(settings, given.values())
    identity = json.dumps(wiring.identity_of(options), sort_keys=True)
    looking = wiring.looking(settings, settings.api.target if _pool_is_known(settings) else "")
    codes: list[int] = [Exit.DONE]
    documents = list[dict[str, Any]]()
    for file in files:
        try:
            with with_stdin([file], Path(tempfile.gettempdir())) as (path,):
                facts = asyncio.run(file_facts(path))
                listed = ListFile(path, path.name, facts.sha256, options, identity)
                found = preview(listed, looking, stopping=Stopping(), progress=lambda _: None)
        except ImporterError as error:
            codes.append(error.exit_code)
            said = setup.language.say(error.message)
            documents.append({"source": str(file), "error": said})
            typer.echo(about(str(file), said, error), err=True)
            continue
        codes.append(Exit.DONE if found.clean else Exit.WRONG_ROWS)
        documents.append(_document(found, setup))
        if not setup.as_json:
            _show(found, setup)
    if setup.as_json:
        whole: Any = documents[0] if len(documents) == 1 else {"sources": documents}
        typer.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2))
    return worst(codes)


def _pool_is_known(settings: Settings) -> bool:
    return bool(settings.api.tenant or settings.api.channel_key.get_secret_value())


def seconds_of(requests: int, settings: Settings) -> float | None:
    """What so many requests take at the configured rate; None where there is no limit."""
    rate = settings.limits.requests_per_second
    return requests / rate if rate else None


def _document(found: Preview, setup: Setup) -> dict[str, Any]:
    return {
        "source": found.name,
        "rows": found.rows,
        "reading": {**asdict(found.reading), "remarks": list(map(setup.language.remark, found.reading.remarks))},
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
        "problems": {
            code: {"rows": problem.rows, "examples": [_example(one, setup.language) for one in problem.examples]}
            for code, problem in found.problems.items()
        },
        "warnings": found.notes,
        "requests": found.requests_to_come,
        "seconds": seconds_of(found.requests_to_come, setup.settings),
        "imported_before": [
            {"run": run.id, "state": run.state.value, "target": run.target, "sandbox": is_sandbox(run.target)}
            for run in found.before
        ],
        "goes_on_with": found.goes_on.run.id if found.goes_on else "",
        "to_send": found.to_send,
        "clean": found.clean,
    }


def _example(one: Example, language: Language) -> dict[str, Any]:
    values = {"role": one.message.role, **one.message.values}
    return {**asdict(one), "message": language.say(one.message), "values": values}


def _show(found: Preview, setup: Setup) -> None:
    settings = setup.settings
    console = Console(highlight=False)
    console.print(Text.assemble((found.name, "bold"), f": {found.rows:,} rows"))
    for line in reading_lines(found, setup.language):
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    console.print(_batch_table(found))
    if found.problems:
        console.print(Text("Wrong rows are not sent; the first rows of each kind:", "dim"))
    for code, problem in found.problems.items():
        _show_problem(console, setup.language, code, problem)
    if found.notes:
        console.print(Text("Repaired or worth a look (sent all the same)", "yellow"))
        for code, rows in found.notes.items():
            console.print(
                Padding(Text(f"{rows:,} row{'s' * (rows != 1)}: {setup.language.warning(code)}"), (0, 0, 0, 2))
            )
    console.print(Text(_verdict(found, setup), "bold green" if found.clean else "bold"))
    for run in found.before:
        into = "" if run.target == settings.api.target else f", into {spoken_target(run.target)}"
        console.print(Text(f"The same file was imported before: run {run.id} ({run.state.value}{into})."))
    if found.before and not _pool_is_known(settings):
        console.print(Text(_NO_POOL, "yellow"))


def reading_lines(found: Preview, language: Language) -> list[str]:
    """How the list was read."""
    reading = found.reading
    how = [reading.format, reading.encoding, f"delimiter {reading.delimiter!r}" if reading.delimiter else ""]
    lines = ["read as " + ", ".join(part for part in how if part)]
    for sheet in reading.sheets:
        name = f"sheet {sheet.name}: " if sheet.name else ""
        where = f"header in row {sheet.header_row}" if sheet.header_row else "no header"
        columns = ", ".join(f"{role} = {header!r}" for role, header in sheet.columns.items())
        lines.append(f"{name}{where}; {columns}")
    return [*lines, *map(language.remark, reading.remarks)]


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


def _show_problem(console: Console, language: Language, code: str, problem: Problem) -> None:
    """One problem: its code, how many rows have it and the first of them, and what is wrong with the very first."""
    shown = problem.examples
    rows = f"{problem.rows:,} row{'s' * (problem.rows != 1)}"
    places = ", ".join(f"{example.sheet} {example.row}".strip() for example in shown)
    more = f" and {problem.rows - len(shown):,} more" if problem.rows > len(shown) else ""
    console.print(Text.assemble((code, "bold red"), f"  {rows}: ", (places + more, "bold")))
    for example in shown[:1]:
        console.print(Padding(Text(language.say(example.message)), (0, 0, 0, 2)))


def _verdict(found: Preview, setup: Setup) -> str:
    settings = setup.settings
    serials, requests = found.to_send, found.requests_to_come
    seconds = seconds_of(requests, settings)
    rate = settings.limits.requests_per_second
    time = f", {setup.language.span(seconds)} at {rate:g} requests/s" if seconds is not None else ""
    would = f"send {serials:,} serial{'s' * (serials != 1)} in {requests:,} request{'s' * (requests != 1)}{time}"
    if found.goes_on:
        run = found.goes_on.run
        rest = f"{would}, the rest of its {run.rows:,} rows" if serials else "send nothing"
        return f"A run would go on with run {run.id}, which stopped early: it would {rest}."
    return f"A run would {would}." if serials else "A run would send nothing."
