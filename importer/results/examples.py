"""The first rows of each problem of a run, from the ledger: with their messages as code and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from importer.ledger.ports import View
from importer.ledger.records import Run
from importer.model import Batch, Message, Outcome
from importer.results.fate import fate_of, rows_of
from importer.results.totals import sheet_names
from importer.words.recording import restored

_MOST_BLOCKS = 64
"""Blocks of rejected rows (16,384 each) that are looked at: a page answers at once, whatever the run."""
_MOST_CHUNKS = 100_000
"""Read without their rows: 0.3 s. Rows are unpacked where their code is wanted still."""


_LOST_REPEAT = "first_row_not_assigned"


@dataclass(frozen=True, slots=True)
class Example:
    key: int
    serial: str
    batch: Batch
    outcome: Outcome
    message: Message


def examples(view: View, run: Run, rows: Mapping[str, int], most: int) -> dict[str, list[Example]]:
    """Up to so many rows of each code; `rows` counts those that there are. A code that turns up late may have none."""
    found: dict[str, list[Example]] = {code: [] for code in rows}
    left = {code: min(most, count) for code, count in rows.items() if count}
    for code, example in _in_order(view, run, left):
        found[code].append(example)
        left[code] -= 1
        if not left[code]:
            del left[code]
        if not left:
            break
    return {code: sorted(some, key=lambda one: one.key) for code, some in found.items()}


def _in_order(view: View, run: Run, wanted: Mapping[str, int]) -> Iterator[tuple[str, Example]]:
    """Rows whose code is wanted still: the rejected ones, then those of chunks."""
    for _, _, blob in islice(view.rejects(run.num), _MOST_BLOCKS):
        yield from _rejected(pa.ipc.open_stream(blob).read_all(), wanted)
    batches = view.batches(run.num)
    for chunk in view.problem_chunks(run.num, _MOST_CHUNKS):
        if fate_of(chunk, run).code not in wanted and not (chunk.repeats and _LOST_REPEAT in wanted):
            continue
        for key, serial, fate in rows_of(view, run, chunk, sheet_names(run)):
            if fate.code in wanted:
                message = Message(fate.code, "", fate.values)
                yield fate.code, Example(key, serial, batches[chunk.batch], fate.outcome, message)


def _rejected(table: Any, wanted: Mapping[str, int]) -> Iterator[tuple[str, Example]]:
    for place, code in enumerate(table["code"].to_pylist()):
        if code in wanted:
            (row,) = table.slice(place, 1).to_pylist()
            batch = Batch(row["gtin"], row["batch"], row["expiry"])
            yield code, Example(row["key"], row["serial"], batch, Outcome.REJECTED, restored(code, row["details"]))
