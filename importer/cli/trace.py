"""trace: what became of one serial, in every run of the ledger."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Any

import msgspec
import typer

from importer.cli.setup import Setup
from importer.errors import ConfigError, Exit
from importer.gs1.scans import is_scan, read_scan
from importer.ledger.view import View
from importer.model import Reject, is_sandbox
from importer.results.tracing import Trace, trace

_MOST = 200


def trace_serial(setup: Setup, text: str, gtin: str) -> int:
    """`text` is a serial, or a scanned code that holds one. Raises ConfigError for a code that can't be read."""
    serial, gtin = _searched(text, gtin)
    with closing(View(setup.settings.ledger.path)) as view:
        found = list(islice(trace(view, serial, gtin), _MOST))
    if setup.as_json:
        lines = [_document(setup, one) for one in found]
        document = {"serial": serial, "gtin": gtin, "found": lines}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
        return Exit.DONE
    what = f"Serial {serial}" + (f" of GTIN {gtin}" if gtin else "")
    if not found:
        typer.echo(f"{what}: no run of {setup.settings.ledger.path} holds it.")
    for one in found:
        typer.echo(_line(setup, what, one))
    return Exit.DONE


def _searched(text: str, gtin: str) -> tuple[str, str]:
    """The serial and the GTIN (14 digits; empty: any) that are looked for."""
    if not is_scan(text):
        return text, gtin.rjust(14, "0") if gtin else ""
    scan = read_scan(text)
    if isinstance(scan, Reject):
        raise ConfigError(scan.code, scan.role, **scan.values)
    return scan.serial, scan.gtin


def _document(setup: Setup, one: Trace) -> dict[str, Any]:
    return {
        "run": one.run.id,
        "source": one.run.source_name,
        "target": one.run.target,
        "sandbox": is_sandbox(one.run.target),
        "user": one.run.user,
        "row": one.row,
        "sheet": one.sheet,
        "gtin": one.batch.gtin,
        "batch": one.batch.batch,
        "expiry_date": one.batch.expiry,
        "outcome": one.fate.outcome.value,
        "code": one.fate.code,
        "message": setup.language.fate(one.fate),
        "attempts": one.attempts,
        "recorded_at": one.recorded_at,
    }


def _line(setup: Setup, what: str, one: Trace) -> str:
    sandbox = "sandbox, " if is_sandbox(one.run.target) else ""
    where = f"{one.run.source_name}, {one.sheet + ' ' if one.sheet else ''}row {one.row}"
    pack = f"GTIN {one.batch.gtin}, batch {one.batch.batch}, expiry {one.batch.expiry}"
    why = f" ({one.fate.code})" if one.fate.code else ""
    said = setup.language.fate(one.fate)
    return (
        f"{what}: {one.fate.outcome.value}{why} at {one.recorded_at or 'no time yet'}\n"
        f"  {sandbox}run {one.run.id}, {where}; {pack}" + (f"\n  {said}" if said else "")
    )
