"""What a ledger should hold, kept in plain dictionaries, and what one does hold, in the same shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger_builders import BATCH, OTHER, looking

from importer.ledger.packing import Rows
from importer.ledger.store import PlannedChunk
from importer.ledger.view import StoredChunk, View
from importer.model import Batch, Chunk, ChunkState, Doubt, Fate, Outcome, Settlement
from importer.serial_text import SerialText

FATES = {
    "assigned": Settlement(ChunkState.SETTLED, Fate(Outcome.ASSIGNED)),
    "refused": Settlement(ChunkState.SETTLED, Fate(Outcome.REFUSED, "api_refused", {"said": "bad"})),
    "again": Settlement(ChunkState.PENDING),
    "lost": Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN),
    "given_up": Settlement(ChunkState.SETTLED, Fate(Outcome.UNKNOWN, "answer_lost"), doubt=Doubt.THIS_RUN),
}

Standing = tuple[str, Doubt, tuple[int, ...]]
"""Outcome, or the state's name where there is none yet; doubt; the rows that repeat the serial."""


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
    exceptions: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def as_chunk(self) -> Chunk:
        return Chunk(self.id, 0, self.batch, SerialText.of(self.serials), self.doubt != Doubt.NONE)

    def part(self, number: int, serials: Sequence[str], doubt: Doubt) -> ModelChunk:
        worse = Doubt(max(doubt, self.doubt))
        return ModelChunk(
            number, self.run, self.batch, tuple(serials), ChunkState.PENDING, "", worse, attempts=self.attempts
        )


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
        return chunk.attempts

    def settle(self, chunk: ModelChunk, settled: Settlement, ids: Sequence[int]) -> None:
        chunk.state = settled.state
        chunk.outcome = settled.fate.outcome.value if settled.fate else ""
        chunk.doubt = max(chunk.doubt, settled.doubt)
        chunk.exceptions = {chunk.serials[place]: fate.outcome.value for place, fate in settled.exceptions}
        for number, part in zip(ids, settled.parts, strict=True):
            self.chunks[number] = chunk.part(number, [chunk.serials[place] for place in part], settled.doubt)
        for other in self.chunks.values() if settled.stop_product else ():
            same = other.run == chunk.run and other.batch.gtin == settled.stop_product
            if same and other.state == ChunkState.PENDING and other.doubt != Doubt.THIS_RUN:
                other.state, other.outcome = ChunkState.SETTLED, "unsent"

    def renew(self, run: int, pending: Mapping[tuple[str, ...], int]) -> None:
        for chunk in [chunk for chunk in self.any(ChunkState.SETTLED) if chunk.run == run]:
            if chunk.outcome in {"refused", "unknown", "unsent"}:
                chunk.doubt = Doubt.THIS_RUN if chunk.outcome == "unknown" else chunk.doubt
                chunk.state, chunk.outcome = ChunkState.PENDING, ""
                continue
            lost = [s for s in chunk.serials if chunk.exceptions.get(s) == "unknown"]
            others = [s for s in chunk.serials if chunk.exceptions.get(s) in {"refused", "unsent"}]
            for serials, doubt in ((lost, Doubt.THIS_RUN), (others, Doubt.NONE)):
                if serials:
                    number = pending[tuple(serials)]
                    self.chunks[number] = chunk.part(number, serials, doubt)
            chunk.moved |= set(chunk.exceptions)
            chunk.exceptions = {}

    def reopen(self) -> None:
        for chunk in self.any(ChunkState.SENT):
            chunk.state, chunk.doubt = ChunkState.PENDING, Doubt.THIS_RUN

    def fates(self) -> dict[int, dict[str, Standing]]:
        found: dict[int, dict[str, Standing]] = {run: {} for run in self.runs}
        for chunk in self.chunks.values():
            if chunk.state == ChunkState.CUT:
                continue
            for serial in chunk.serials:
                if serial not in chunk.moved:
                    fate = chunk.exceptions.get(serial) or chunk.outcome or chunk.state.name
                    assert serial not in found[chunk.run]
                    found[chunk.run][serial] = (fate, chunk.doubt, self.repeats[serial])
        return found


def read(path: Path) -> dict[int, dict[str, Standing]]:
    """What the ledger at a path holds: run, serial, what became of it. No serial may stand twice."""
    with looking(path) as view:
        return {run.num: _read_run(view, run.num) for run in view.runs()}


def _read_run(view: View, run: int) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for kept in view.chunks_by_key(run):
        rows, exceptions = view.rows(kept.id), dict(view.exceptions(kept.id))
        for place, serial in enumerate(rows.serials):
            fate = exceptions.get(place, kept.fate)
            if place in exceptions and fate is None:
                continue
            assert serial not in found, f"{serial} stands in the ledger twice"
            repeats = tuple(rows.repeat_keys[rows.repeat_of == place].tolist())
            found[serial] = (_name(kept, fate), kept.doubt, repeats)
    return found


def _name(kept: StoredChunk, fate: Fate | None) -> str:
    return fate.outcome.value if fate else kept.state.name
