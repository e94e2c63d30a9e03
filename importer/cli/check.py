"""check: what a run would do, on one screen."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from importer import wiring
from importer.cli.options import Given
from importer.cli.output import about, failure, show_document
from importer.cli.screen import tell_wrapped, visible
from importer.cli.setup import Setup
from importer.cli.stdin import with_stdin
from importer.concurrency import Stopping
from importer.config.settings import Settings
from importer.errors import Exit, ImporterError, worst
from importer.flow.preview import Example, ListFile, Preview, Problem, preview
from importer.ledger.records import Run
from importer.model import is_sandbox
from importer.sources.files import file_facts
from importer.words.language import Language

_MOST_BATCHES = 15


def check_files(setup: Setup, files: Sequence[Path], given: Given) -> int:
    settings = setup.settings
    options = wiring.source_options(settings, given.values())
    identity = json.dumps(wiring.identity_of(options), sort_keys=True)
    looking = wiring.looking(settings, settings.api.known_target)
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
            documents.append(failure(str(file), said, error))
            tell_wrapped(about(str(file), said, error), err=True)
            continue
        codes.append(Exit.DONE if found.clean else Exit.WRONG_ROWS)
        documents.append(_document(found, setup))
        if not setup.as_json:
            _show(found, setup)
    if setup.as_json:
        whole: Any = documents[0] if len(documents) == 1 else {"sources": documents}
        show_document(whole)
    return worst(codes)


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
    language = setup.language
    told, counted = language.told, language.counted
    console = Console(highlight=False)
    console.print(Text.assemble((visible(found.name), "bold"), f": {counted('row', found.rows)}"))
    for line in reading_lines(found, language):
        console.print(Padding(Text(visible(line)), (0, 0, 0, 2)))
    console.print(_batch_table(found, language))
    if found.problems:
        console.print(Text(told("wrong_rows"), "dim"))
    for code, problem in found.problems.items():
        _show_problem(console, language, code, problem)
    if found.notes:
        console.print(Text(told("warned_rows"), "yellow"))
        for code, rows in found.notes.items():
            console.print(Padding(Text(f"{counted('row', rows)}: {language.warning(code)}"), (0, 0, 0, 2)))
    console.print(Text(_verdict(found, setup), "bold green" if found.clean else "bold"))
    for run in found.before:
        key = "before" if run.target == setup.settings.api.target else "before_elsewhere"
        console.print(Text(told(key, run=run.id, state=run.state.value, target=run.target)))
    if found.before and not setup.settings.api.known_target:
        console.print(Text(told("no_pool"), "yellow"))


def reading_lines(found: Preview, language: Language) -> list[str]:
    """How the list was read."""
    reading, told = found.reading, language.told
    delimiter = told("delimiter", delimiter=repr(reading.delimiter)) if reading.delimiter else ""
    how = ", ".join(part for part in (reading.format, reading.encoding, delimiter) if part)
    lines = [told("read_as", how=how)]
    for sheet in reading.sheets:
        name = told("sheet", sheet=sheet.name) if sheet.name else ""
        columns = ", ".join(f"{role} = {header!r}" for role, header in sheet.columns.items())
        header = "header_in" if sheet.header_row else "no_header"
        lines.append(name + told(header, row=str(sheet.header_row), columns=columns))
    return [*lines, *map(language.remark, reading.remarks)]


def _batch_table(found: Preview, language: Language) -> Table:
    told = language.told
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in ("column_gtin", "column_batch", "column_expiry"):
        table.add_column(told(name), no_wrap=True)
    for name in ("column_rows", "column_to_send", "column_before", "column_twice", "column_wrong"):
        table.add_column(told(name), justify="right", no_wrap=True)
    for line in found.batches[:_MOST_BATCHES]:
        who = (line.batch.gtin, line.batch.batch, line.batch.expiry) if line.batch else (told("no_batch"), "", "")
        numbers = (line.rows, line.send, line.already_assigned, line.duplicate, line.rejected)
        *others, rejected = (language.number(number) if number else "-" for number in numbers)
        table.add_row(*map(Text, map(visible, who)), *others, Text(rejected, "red" if line.rejected else ""))
    if len(found.batches) > _MOST_BATCHES:
        table.add_row(told("and_more", n=len(found.batches) - _MOST_BATCHES))
    return table


def _show_problem(console: Console, language: Language, code: str, problem: Problem) -> None:
    """One problem: its code, how many rows have it and the first of them, and what is wrong with the very first."""
    shown = problem.examples
    places = ", ".join(f"{example.sheet} {example.row}".strip() for example in shown)
    left_out = problem.rows - len(shown)
    more = f" {language.told('and_more', n=left_out)}" if left_out else ""
    rows = language.counted("row", problem.rows)
    console.print(Text.assemble((code, "bold red"), f"  {rows}: ", (visible(places) + more, "bold")))
    for example in shown[:1]:
        console.print(Padding(Text(visible(language.say(example.message))), (0, 0, 0, 2)))


def _verdict(found: Preview, setup: Setup) -> str:
    language, rate = setup.language, setup.settings.limits.requests_per_second
    seconds = seconds_of(found.requests_to_come, setup.settings)
    run = found.goes_on.run if found.goes_on else None
    end = "_nothing" if not found.to_send else "" if seconds is None else "_in"
    key = f"would_go_on{end}" if run else f"would_send{end}"
    values = {
        "serials": language.counted("serial", found.to_send),
        "requests": language.counted("request", found.requests_to_come),
        "seconds": seconds,
        "rate": f"{rate:g}",
    }
    return language.told(key, **values, **_of(run, language))


def _of(run: Run | None, language: Language) -> dict[str, str]:
    return {"run": run.id, "rows": language.counted("row", run.rows)} if run else {}
