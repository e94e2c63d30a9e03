"""What a ledger should hold, kept in plain dictionaries, and what one does hold, in the same shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger_builders import BATCH, OTHER, looking

from importer.ledger.packing import Rows
from importer.ledger.ports import Place, View
from importer.ledger.records import PlannedChunk
from importer.model import Batch, Chunk, ChunkState, Doubt, Fate, Outcome, Part, Settlement
from importer.serial_text import SerialText

FATES = {
    "assigned": Settlement(ChunkState.SETTLED, Fate(Outcome.ASSIGNED)),
    "refused": Settlement(ChunkState.SETTLED, Fate(Outcome.REFUSED, "api_refused", {"said": "bad"})),
    "again": Settlement(ChunkState.PENDING),
    "lost": Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN),
    "given_up": Settlement(ChunkState.SETTLED, Fate(Outcome.UNKNOWN, "answer_lost"), doubt=Doubt.THIS_RUN),
}

Standing = tuple[str, Doubt, tuple[int, ...]]
"""Outcome, and the state's name if it is not settled; doubt; the rows that repeat the serial."""


@dataclass
class ModelChunk:
    id: int
    run: int
    batch: Batch
    serials: tuple[str, ...]
    state: ChunkState
    outcome: str
    doubt: Doubt
    attempts: int = 0
    root: int = 0
    """The id of the planned chunk that it was cut from; 0: it is one."""
    sent: bool = False
    """Whether it went out itself, and not only as part of another."""

    def as_chunk(self) -> Chunk:
        return Chunk(self.id, 0, self.batch, SerialText.of(self.serials), self.doubt != Doubt.NONE)

    def part(self, number: int, part: Part, outcome: str, doubt: Doubt) -> ModelChunk:
        """`outcome` is that of the chunk before it was cut."""
        state, outcome = (ChunkState.SETTLED, part.fate.outcome.value) if part.fate else (ChunkState.PENDING, outcome)
        serials = tuple(self.serials[place] for place in part.places)
        worse = Doubt(max(doubt, part.doubt, self.doubt))
        root = self.root or self.id
        return ModelChunk(number, self.run, self.batch, serials, state, outcome, worse, self.attempts, root)

    def skipped_with(self, asked: ModelChunk, gtin: str) -> bool:
        """Whether the API's word, after `asked`, that it doesn't know the product keeps it from being sent."""
        if self.run != asked.run or self.batch.gtin != gtin or self.state != ChunkState.PENDING:
            return False
        in_it = (self.root or self.id) == (asked.root or asked.id) and not self.sent
        return self.doubt != Doubt.THIS_RUN or in_it


class Model:
    def __init__(self) -> None:
        self.runs: set[int] = set()
        self.chunks: dict[int, ModelChunk] = {}
        self.repeats: dict[str, tuple[int, ...]] = {}
        self._numbers = 0

    def next_run(self) -> int:
        self._numbers += 1
        return self._numbers

    def any(self, state: ChunkState) -> list[ModelChunk]:
        return [chunk for chunk in self.chunks.values() if chunk.state == state]

    def settled(self) -> list[ModelChunk]:
        """All that is settled for good: it was sent, or needs not be."""
        return [chunk for chunk in self.any(ChunkState.SETTLED) if chunk.outcome != "unsent"]

    def stage(self, run: int, chunks: Sequence[tuple[Rows, PlannedChunk]], ids: Sequence[int]) -> None:
        self.runs.add(run)
        for (rows, plan), number in zip(chunks, ids, strict=True):
            batch = {1: BATCH, 2: OTHER}[plan.batch]
            serials = tuple(rows.serials)
            self.chunks[number] = ModelChunk(number, run, batch, serials, plan.state, plan.outcome, plan.doubt)
            for place, serial in enumerate(serials):
                self.repeats[serial] = tuple(rows.repeat_keys[rows.repeat_of == place].tolist())

    def mark(self, chunk: ModelChunk) -> int:
        chunk.state = ChunkState.SENT
        chunk.attempts += 1
        chunk.sent = True
        return chunk.attempts

    def settle(self, chunk: ModelChunk, settled: Settlement, ids: Mapping[tuple[str, ...], int]) -> None:
        """`ids` are those of the run's chunks, by their serials."""
        before = chunk.outcome
        chunk.state = settled.state
        if settled.state == ChunkState.PENDING:
            chunk.outcome = "" if settled.doubt == Doubt.THIS_RUN else chunk.outcome
        else:
            chunk.outcome = settled.fate.outcome.value if settled.fate else ""
        chunk.doubt = max(chunk.doubt, settled.doubt)
        for part in settled.parts:
            number = ids[tuple(chunk.serials[place] for place in part.places)]
            self.chunks[number] = chunk.part(number, part, before, settled.doubt)
        for other in self.chunks.values() if settled.stop_product else ():
            if other.skipped_with(chunk, settled.stop_product):
                other.state, other.outcome = ChunkState.SETTLED, "unsent"

    def renew(self, run: int) -> int:
        renewed = 0
        for chunk in [chunk for chunk in self.any(ChunkState.SETTLED) if chunk.run == run]:
            if chunk.outcome in {"refused", "unknown", "unsent"}:
                chunk.doubt = Doubt.THIS_RUN if chunk.outcome == "unknown" else chunk.doubt
                chunk.state = ChunkState.PENDING
                renewed += 1
        return renewed

    def reopen(self) -> None:
        for chunk in self.any(ChunkState.SENT):
            chunk.state, chunk.doubt, chunk.outcome = ChunkState.PENDING, Doubt.THIS_RUN, ""

    def fates(self) -> dict[int, dict[str, Standing]]:
        found: dict[int, dict[str, Standing]] = {run: {} for run in self.runs}
        for chunk in self.chunks.values():
            if chunk.state == ChunkState.CUT:
                continue
            for serial in chunk.serials:
                assert serial not in found[chunk.run]
                found[chunk.run][serial] = (_name(chunk.outcome, chunk.state), chunk.doubt, self.repeats[serial])
        return found


def read(where: Place | Path) -> dict[int, dict[str, Standing]]:
    """What a ledger holds: run, serial, what became of it. No serial may stand twice."""
    with looking(where) as view:
        return {run.num: _read_run(view, run.num) for run in view.runs()}


def _read_run(view: View, run: int) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for kept in view.chunks_by_key(run):
        rows = view.rows(kept.id)
        for place, serial in enumerate(rows.serials):
            assert serial not in found, f"{serial} stands in the ledger twice"
            repeats = tuple(rows.repeat_keys[rows.repeat_of == place].tolist())
            found[serial] = (_name(kept.fate.outcome if kept.fate else "", kept.state), kept.doubt, repeats)
    return found


def _name(outcome: str, state: ChunkState) -> str:
    return outcome if state == ChunkState.SETTLED else f"{outcome} {state.name}".strip()
