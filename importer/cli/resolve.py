"""resolve: tell what a person has looked up for rows whose fate is unknown."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import typer

from importer.cli.named import named_run
from importer.cli.output import Shown, printable
from importer.cli.setup import Setup
from importer.errors import ConfigError, Exit
from importer.events import this_process
from importer.flow.importing import Finished
from importer.flow.resolving import Lookup, UnknownRow, Writing, keys_of, resolve, unknown_rows
from importer.model import Outcome
from importer.rows.tables import row_of
from importer.sources.headers import role_of

_MOST_SHOWN = 50
_MOST_BYTES = 64 << 20


def resolve_run(setup: Setup, run_id: str, assigned: Sequence[str], not_assigned: Sequence[str], comment: str) -> int:
    """Without anything to tell, show the unknown rows. Raises ConfigError, and LedgerBusy while another process holds
    the ledger: a run that goes on may still get its answers.
    """
    if not assigned and not not_assigned:
        return _show(setup, run_id)
    finished = asyncio.run(_resolve(setup, run_id, assigned, not_assigned, comment))
    shown = Shown(setup)
    shown.finished(finished)
    shown.close()
    return finished.facts.exit_code


async def _resolve(
    setup: Setup, run_id: str, assigned: Sequence[str], not_assigned: Sequence[str], comment: str
) -> Finished:
    report, language = setup.settings.report, setup.language
    there, absent = list(_texts(assigned)), list(_texts(not_assigned))
    with setup.ledger.open() as ledger:
        with ledger.view() as view:
            run = named_run(view, run_id)
            rows = list(unknown_rows(view, run))
        lookup = Lookup(keys_of(rows, there, run), keys_of(rows, absent, run), comment)
        writing = Writing(report.dir, report.formats, language, setup.again)
        return await resolve(ledger, run.id, lookup, this_process(), writing)


def _show(setup: Setup, run_id: str) -> int:
    with setup.ledger.view() as view:
        run = named_run(view, run_id)
        rows = list(unknown_rows(view, run))
    if setup.as_json:
        found = [
            {"row": row_of(row.key), "serial": row.serial, **msgspec.structs.asdict(_Batch.of(row))} for row in rows
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode({"run": run.id, "unknown": found}), indent=2))
    else:
        for row in rows[:_MOST_SHOWN]:
            batch = row.batch
            typer.echo(printable(f"{row_of(row.key):>9} {batch.gtin} {row.serial:<20} {batch.batch} {batch.expiry}"))
        if len(rows) > _MOST_SHOWN:
            typer.echo(setup.language.told("and_more", n=len(rows) - _MOST_SHOWN))
        key = "resolve_how" if rows else "resolve_none"
        typer.echo(setup.language.told(key, n=len(rows), run=run.id, again=setup.again))
    return Exit.UNKNOWN_ROWS if rows else Exit.DONE


class _Batch(msgspec.Struct):
    gtin: str
    batch: str
    expiry: str

    @classmethod
    def of(cls, row: UnknownRow) -> _Batch:
        return cls(row.batch.gtin, row.batch.batch, row.batch.expiry)


def _texts(values: Sequence[str]) -> Iterator[str]:
    """Serials, and those that stand in files: a line each, or the column of serials of a list with a header."""
    for value in values:
        path = Path(value)
        there = False
        with suppress(OSError, ValueError):
            there = path.is_file()
        if there:
            yield from _in_file(path)
        else:
            yield value


def _in_file(path: Path) -> Iterator[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError("resolve_file", path=str(path))
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ConfigError("resolve_file", path=str(path)) from error
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    records = list(csv.reader(lines, delimiter=delimiter))
    head = [role_of(cell) for cell in records[0]] if records else []
    if "serial" not in head:
        if any(len(record) > 1 for record in records):
            raise ConfigError("resolve_file", path=str(path))
        yield from (record[0].strip() for record in records)
        return
    column = head.index("serial")
    outcome = records[0].index("outcome") if "outcome" in records[0] else None
    for record in records[1:]:
        if outcome is not None and record[outcome : outcome + 1] != [Outcome.UNKNOWN]:
            continue  # another row of a report's list
        yield record[column].strip()
