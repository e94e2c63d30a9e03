"""trace: what became of one serial, in every run of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from importer.cli.output import show_document
from importer.cli.screen import tell
from importer.cli.setup import Setup
from importer.errors import ConfigError, Exit
from importer.model import Reject, is_sandbox
from importer.results.tracing import Trace, sought, trace

_MOST = 200


def trace_serial(setup: Setup, text: str, gtin: str) -> int:
    """`text` is a serial, or a scanned code that holds one. Raises ConfigError for a code that can't be read."""
    wanted = sought(text, gtin)
    if isinstance(wanted, Reject):
        raise ConfigError(wanted.code, wanted.role, **wanted.values)
    serial, gtin = wanted
    with closing(setup.ledger.view()) as view:
        found = list(islice(trace(view, serial, gtin), _MOST))
    if setup.as_json:
        lines = [_document(setup, one) for one in found]
        document = {"serial": serial, "gtin": gtin, "found": lines}
        show_document(document)
        return Exit.DONE
    told = setup.language.told
    what = told("serial_of_gtin" if gtin else "serial", serial=serial, gtin=gtin)
    if not found:
        tell(told("traced_nowhere", what=what, path=str(setup.ledger)))
    for one in found:
        tell("\n".join(_lines(setup, what, one)))
    return Exit.DONE


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


def _lines(setup: Setup, what: str, one: Trace) -> Iterator[str]:
    told, batch, outcome = setup.language.told, one.batch, one.fate.outcome.value
    moment = one.recorded_at or told("no_time")
    yield told(
        "traced_why" if one.fate.code else "traced", what=what, outcome=outcome, code=one.fate.code, moment=moment
    )
    place = {"code": "row_of_sheet" if one.sheet else "row", "row": str(one.row), "sheet": one.sheet}
    values = {"run": one.run.id, "name": one.run.source_name, "where": place}
    pack = {"gtin": batch.gtin, "batch": batch.batch, "expiry": batch.expiry}
    yield "  " + told("traced_sandbox" if is_sandbox(one.run.target) else "traced_run", **values, **pack)
    if said := setup.language.fate(one.fate):
        yield f"  {said}"
