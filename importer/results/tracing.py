"""What became of one serial: found in every run of a ledger by the fingerprint index, without reading the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.ledger import fingerprint_index
from importer.ledger.view import Run, StoredChunk, View
from importer.model import Batch, Fate, Outcome
from importer.results.fate import fate_of, repeat_of
from importer.results.totals import sheet_names
from importer.rows.fingerprints import fingerprints, shorten
from importer.rows.tables import place_of
from importer.words.recording import restored_values

_ROW_MASK = (1 << 32) - 1
_SEQ_LOOKED_AT = 1000
"""Chunks per run whose fingerprints may match by chance."""


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
    for root in sorted(roots)[:_SEQ_LOOKED_AT]:
        for chunk in view.chunks_of_root(run.num, root):
            if batches[chunk.batch].gtin in gtins:
                yield from _rows_of(view, run, batches, chunk, serial)


def _rows_of(view: View, run: Run, batches: dict[int, Batch], kept: StoredChunk, serial: str) -> Iterator[Trace]:
    rows = view.rows(kept.id)
    if serial not in rows.serials:
        return
    place = rows.serials.index(serial)
    fate: Fate | None = dict(view.exceptions(kept.id)).get(place, fate_of(kept, run)) if kept.fate else None
    if kept.fate and fate is None:
        return  # it was sent again, in a younger chunk
    fate = fate or fate_of(kept, run)
    first = int(rows.keys[place])
    yield _trace(run, batches[kept.batch], first, fate, kept)
    for key in rows.repeat_keys[rows.repeat_of == place].tolist():
        repeat = repeat_of(place_of(first, sheet_names(run)), fate)
        yield _trace(run, batches[kept.batch], key, repeat, kept)


def _trace(run: Run, batch: Batch, key: int, fate: Fate, kept: StoredChunk) -> Trace:
    at = kept.recorded_at or run.staged_at or ""
    return Trace(run, key & _ROW_MASK, _sheet(run, key), batch, fate, kept.seq, kept.attempts, at)


def _in_rejects(view: View, run: Run, serial: str, gtin: str) -> Iterator[Trace]:
    for _, _, blob in view.rejects(run.num):
        rows = pa.ipc.open_stream(blob).read_all()
        for row in rows.filter(pc.equal(pc.utf8_trim_whitespace(rows["serial"]), serial)).to_pylist():
            batch = Batch(row["gtin"], row["batch"], row["expiry"])
            if gtin and batch.gtin.strip().rjust(14, "0") != gtin:
                continue
            fate = Fate(Outcome.REJECTED, row["code"], restored_values(row["details"]))
            key = row["key"]
            yield Trace(run, key & _ROW_MASK, _sheet(run, key), batch, fate, recorded_at=run.staged_at or "")


def _sheet(run: Run, key: int) -> str:
    names = sheet_names(run)
    return names[key >> 32] if names else ""
