"""What a ledger holds, as those who read and write it know it, however it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from importer.model import Action, ChunkState, Doubt, Fate, RunState


def now() -> str:
    """UTC to the millisecond, as the ledger and the reports show it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run before its source is read."""

    id: str
    source_name: str
    source_path: str
    source_sha256: str
    source_bytes: int
    options: str
    settings: Mapping[str, Any]
    started_at: str
    version: str
    user: str
    """Who began it, as the system says; on the page the one who logged in."""
    host: str
    target: str = ""
    """The API that it is sent to."""
    user_claimed: str = ""
    """Who that is as the environment claims."""
    action: Action = Action.COMMISSION
    undoes: str = ""
    """Id of the run that it takes back."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the ledger holds it. Times are UTC, ISO 8601."""

    num: int
    """By which the ledger knows it; runs rise by it."""
    id: str
    """What people see; sorts by the time of its clock."""
    state: RunState
    source_name: str
    source_path: str
    source_sha256: str
    source_bytes: int
    options: Mapping[str, Any]
    """How the source was to be read: part of the run's identity."""
    reading: Mapping[str, Any]
    """How it was read."""
    notes: Mapping[str, int]
    """Rows by code of repair or warning."""
    settings: Mapping[str, Any]
    """The configuration, without secrets."""
    target: str
    """Address and pool: what is known of a serial counts within one target."""
    rows: int
    chunk_limit: int | None
    """The most serials that the API takes in one request, if it has told."""
    seconds: float
    """Spent sending, all sessions together."""
    staged_turn: int
    """The ledger's own sequence of stagings and ends, for an order that no clock disturbs."""
    ended_turn: int | None
    started_at: str
    staged_at: str | None
    ended_at: str | None
    stopped_by: Mapping[str, Any]
    """The message that says why it stopped early, as a part; empty if it did not."""
    exit_code: int | None
    version: str
    user: str
    user_claimed: str
    host: str
    action: Action = Action.COMMISSION
    undoes: str = ""
    """Id of the run that it takes back."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """What a listing shows of a run (see `Run`)."""

    num: int
    id: str
    state: RunState
    source_name: str
    source_sha256: str
    target: str
    started_at: str
    ended_at: str | None
    ended_turn: int | None
    exit_code: int | None
    rows: int
    user: str


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the ledger holds it, without its rows."""

    id: int
    seq: int
    """Counts within the run; what reports show."""
    root: int
    """The seq of the planned chunk that it was cut from, or its own."""
    batch: int
    """The number of its pharma batch in the run."""
    state: ChunkState
    fate: Fate | None
    """Of all its rows. Of a pending chunk: what it was before a retry, until an answer says more."""
    doubt: Doubt
    serials: int
    repeats: int
    """Rows that repeat one of the serials."""
    first_key: int
    last_key: int
    """Of its rows, repeats included."""
    attempts: int
    """Those of the chunks that it was cut from included."""
    recorded_at: str
    """When its state was recorded last; empty: never since it was planned."""


@dataclass(frozen=True, slots=True)
class PackedChunk(StoredChunk):
    """A chunk with its rows."""

    rows: bytes
    """Packed (packing.py)."""
    sent_as: int | None
    """The seq of the chunk in whose request its rows last went out; None: in none."""


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A chunk as it comes out of planning; `rows` is packed (packing.py)."""

    batch: int
    state: ChunkState
    outcome: str
    doubt: Doubt
    serials: int
    repeats: int
    first_key: int
    last_key: int
    rows: bytes


@dataclass(frozen=True, slots=True)
class ChunkCount:
    """Some chunks of one batch that share what is known of them."""

    batch: int
    state: ChunkState
    fate: Fate | None
    """Without what is said of it."""
    doubt: Doubt
    tried: bool
    serials: int
    repeats: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What a ledger may have forgotten that had fallen back behind its latest state."""

    doubted: int
    """Chunks that it put in doubt."""
    lost: Sequence[tuple[str, str]]
    """Runs that it does not know any more: id, and name of the file."""
    all_known: bool
    """Whether there can be no others."""


NOTHING_LOST = Loss(0, (), all_known=True)


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a ledger."""

    bytes: int
    sha256: str
    runs: int


@dataclass(frozen=True, slots=True)
class Prunable:
    """A run that has passed its retention, and of which later lists need nothing."""

    num: int
    run: str
    source: str
    bytes: int
    """Of its rows, packed."""
