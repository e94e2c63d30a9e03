"""What became of one serial: found in every run of a ledger by the fingerprint index, without reading the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1.scans import is_scan, read_scan
from importer.ledger import fingerprint_index
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Batch, Fate, Outcome, Reject, RunState
from importer.results.fate import rows_of
from importer.results.totals import sheet_names
from importer.rows.fingerprints import fingerprints, shorten
from importer.rows.tables import row_of, sheet_name
from importer.words.recording import restored_values

_ROOTS_LOOKED_AT = 1000
"""Planned chunks per run whose fingerprints may match by chance."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One row that holds the serial. `chunk` is 0 for a row that is in none."""

    run: Run
    row: int
    sheet: str
    batch: Batch
    fate: Fate
    chunk: int = 0
    attempts: int = 0
    recorded_at: str = ""


def sought(text: str, gtin: str = "") -> tuple[str, str] | Reject:
    """The serial and the GTIN (14 digits; empty: any) that a person looks for by a serial or by a scanned code."""
    if not is_scan(text):
        return text, gtin.rjust(14, "0") if gtin else ""
    scan = read_scan(text)
    return scan if isinstance(scan, Reject) else (scan.serial, scan.gtin)


def trace(view: View, serial: str, gtin: str = "") -> Iterator[Trace]:
    """Every row of every run with this serial (of one product, where it is given), the youngest run first."""
    roots = _roots(view, serial, {gtin} if gtin else set(view.gtins()))
    rejected = _rejected(view, serial, gtin)
    for number in sorted(roots.keys() | rejected.keys(), reverse=True):
        run = view.run_by_num(number)
        if run.state is RunState.STAGING:
            continue
        yield from _in_chunks(view, run, serial, gtin, roots.get(number, set()))
        yield from (_trace_of(run, row) for row in rejected.get(number, ()))


def _roots(view: View, serial: str, gtins: set[str]) -> dict[int, set[int]]:
    """By run, the planned chunks that may hold the serial."""
    found: dict[int, set[int]] = {}
    if not serial.isascii() or len(serial) > 20:  # noqa: PLR2004  no such serial is ever sent
        return found
    for gtin in filter(str.isdigit, gtins):
        short = int(shorten(fingerprints(pa.array([serial]), np.array([int(gtin)], np.uint64)))[0])
        for run, entries in view.fingerprints_of_product(gtin, short, short):
            hashes, seqs = fingerprint_index.split(entries)
            if hits := set(seqs[hashes == np.uint64(short)].tolist()):
                found.setdefault(run, set()).update(hits)
    return found


def _in_chunks(view: View, run: Run, serial: str, gtin: str, roots: set[int]) -> Iterator[Trace]:
    names = sheet_names(run)
    batches = view.batches(run.num) if roots else {}
    for root in sorted(roots)[:_ROOTS_LOOKED_AT]:
        for chunk in view.chunks_of_root(run.num, root):
            if gtin not in ("", batches[chunk.batch].gtin):
                continue
            at = chunk.recorded_at or run.staged_at or ""
            for key, found, fate in rows_of(view, run, chunk, names):
                if found == serial:
                    sheet, sent_as = sheet_name(key, names), chunk.sent_as or 0
                    yield Trace(run, row_of(key), sheet, batches[chunk.batch], fate, sent_as, chunk.attempts, at)


def _rejected(view: View, serial: str, gtin: str) -> dict[int, list[dict[str, Any]]]:
    """By run, the rejected rows with the serial."""
    found: dict[int, list[dict[str, Any]]] = {}
    sought_bytes = serial.encode("utf-8", "replace")
    for run, blob in view.rejects_of_all():
        if sought_bytes not in blob:  # a stream of Arrow is not compressed: to look into it costs 50 times as much
            continue
        rows = pa.ipc.open_stream(blob).read_all()
        for row in rows.filter(pc.equal(pc.utf8_trim_whitespace(rows["serial"]), serial)).to_pylist():
            if gtin in ("", row["gtin"].strip().rjust(14, "0")):
                found.setdefault(run, []).append(row)
    return found


def _trace_of(run: Run, row: dict[str, Any]) -> Trace:
    batch = Batch(row["gtin"], row["batch"], row["expiry"])
    fate = Fate(Outcome.REJECTED, row["code"], restored_values(row["details"]))
    return Trace(
        run, row_of(row["key"]), sheet_name(row["key"], sheet_names(run)), batch, fate, recorded_at=run.staged_at or ""
    )
