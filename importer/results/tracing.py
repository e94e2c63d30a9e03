"""What became of one serial: found in every run of a ledger by the fingerprint index, without reading the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.gs1.scans import is_scan, read_scan
from importer.ledger import fingerprint_index
from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Batch, Fate, Outcome, Reject
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
    for run in reversed(view.runs()):
        batches = view.batches(run.num)
        gtins = {batch.gtin for batch in batches.values() if batch.gtin.isdigit() and gtin in ("", batch.gtin)}
        if gtins:
            yield from _in_chunks(view, run, batches, serial, gtins)
        yield from _in_rejects(view, run, serial, gtin)


def _in_chunks(view: View, run: Run, batches: dict[int, Batch], serial: str, gtins: set[str]) -> Iterator[Trace]:
    if not serial.isascii() or len(serial) > 20:  # noqa: PLR2004  no such serial is ever sent
        return
    roots: set[int] = set()
    for number in gtins:
        short = int(shorten(fingerprints(pa.array([serial]), np.array([int(number)], np.uint64)))[0])
        for entries in view.fingerprints(run.num, short, short):
            hashes, seqs = fingerprint_index.split(entries)
            roots |= set(seqs[hashes == np.uint64(short)].tolist())
    names = sheet_names(run)
    for root in sorted(roots)[:_ROOTS_LOOKED_AT]:
        for chunk in view.chunks_of_root(run.num, root):
            if batches[chunk.batch].gtin not in gtins:
                continue
            at = chunk.recorded_at or run.staged_at or ""
            for key, found, fate in rows_of(view, run, chunk, names):
                if found == serial:
                    sheet, sent_as = sheet_name(key, names), chunk.sent_as or 0
                    yield Trace(run, row_of(key), sheet, batches[chunk.batch], fate, sent_as, chunk.attempts, at)


def _in_rejects(view: View, run: Run, serial: str, gtin: str) -> Iterator[Trace]:
    for _, _, blob in view.rejects(run.num):
        rows = pa.ipc.open_stream(blob).read_all()
        for row in rows.filter(pc.equal(pc.utf8_trim_whitespace(rows["serial"]), serial)).to_pylist():
            batch = Batch(row["gtin"], row["batch"], row["expiry"])
            if gtin and batch.gtin.strip().rjust(14, "0") != gtin:
                continue
            fate = Fate(Outcome.REJECTED, row["code"], restored_values(row["details"]))
            key = row["key"]
            yield Trace(
                run, row_of(key), sheet_name(key, sheet_names(run)), batch, fate, recorded_at=run.staged_at or ""
            )
