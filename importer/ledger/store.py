"""The named statements of queries.sql, and what they are put together to. The only place that runs SQL.

Every function takes a connection; those that write are called inside the writer's transaction.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any

import numpy as np

from importer.errors import LedgerError
from importer.ledger.packing import pack_rows, unpack
from importer.model import Answer, Batch, ChunkState, Doubt, Fate, Outcome, Settlement
from importer.words.recording import recorded_values

_EXCEPTIONS = {Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT}


@cache
def queries() -> Mapping[str, str]:
    """The statements by name."""
    text = (resources.files(__package__) / "queries.sql").read_text("utf-8")
    parts = re.split(r"^-- (\w+): .*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def execute(db: sqlite3.Connection, name: str, **values: Any) -> sqlite3.Cursor:
    try:
        return db.execute(queries()[name], values)
    except UnicodeEncodeError:
        # A file's name, or a text of the API, that holds bytes which are no characters.
        return db.execute(queries()[name], {key: _encodable(value) for key, value in values.items()})


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def now() -> str:
    """UTC to the millisecond, as the ledger and the reports show it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
class Part:
    """Some places of a chunk that become a chunk of their own: in at least this doubt; settled where it has a fate."""

    places: Sequence[int]
    doubt: Doubt = Doubt.NONE
    fate: Fate | None = None


def insert_chunks(db: sqlite3.Connection, run: int, first_seq: int, chunks: Iterable[PlannedChunk]) -> None:
    for seq, chunk in enumerate(chunks, first_seq):
        _insert_chunk(db, run, seq, seq, chunk, attempts=0)


def _insert_chunk(db: sqlite3.Connection, run: int, seq: int, root: int, chunk: PlannedChunk, attempts: int) -> int:
    cursor = execute(
        db,
        "insert_chunk",
        run=run,
        seq=seq,
        root=root,
        batch=chunk.batch,
        state=chunk.state,
        outcome=chunk.outcome,
        doubt=chunk.doubt,
        serials=chunk.serials,
        repeats=chunk.repeats,
        first_key=chunk.first_key,
        last_key=chunk.last_key,
        attempts=attempts,
    )
    number = int(cursor.fetchone()[0])
    execute(db, "insert_chunk_rows", chunk=number, rows=chunk.rows)
    return number


def insert_batches(db: sqlite3.Connection, run: int, batches: Iterable[tuple[int, Batch]]) -> None:
    for num, b in batches:
        execute(db, "insert_batch", run=run, num=num, gtin=b.gtin, batch=b.batch, expiry=b.expiry)


def insert_fingerprints(db: sqlite3.Connection, run: int, first: int, last: int, entries: bytes) -> None:
    execute(db, "insert_fingerprints", run=run, first=first, last=last, entries=entries)


def mark(db: sqlite3.Connection, run: int, chunk: int) -> int:
    """Note that a request for the chunk goes out, and return the number of the attempt."""
    marked = execute(db, "mark", chunk=chunk).fetchone()
    if marked is None:
        raise LedgerError(f"chunk {chunk} is not to be sent: it is settled, cut, or on the wire already")
    n = int(marked[0])
    execute(db, "insert_attempt", run=run, chunk=chunk, n=n, at=now())
    return n


def record(db: sqlite3.Connection, run: int, chunk: int, n: int, answer: Answer, settled: Settlement) -> list[int]:
    """Note the answer and all that follows from it; return the ids of the chunks that this one was cut into."""
    recorded = execute(
        db,
        "record_attempt",
        run=run,
        chunk=chunk,
        n=n,
        at=now(),
        verdict=answer.verdict,
        http_status=answer.http_status,
        error=answer.error,
        message=answer.message,
        assigned=len(answer.assigned),
        existing=len(answer.existing) or int(answer.exists),
        digest=answer.digest,
        seconds=answer.seconds,
    )
    if recorded.rowcount != 1:
        raise LedgerError(f"chunk {chunk} has no attempt {n}: nothing can be recorded for it")
    return settle(db, run, chunk, settled)


def settle(db: sqlite3.Connection, run: int, chunk: int, settled: Settlement) -> list[int]:
    """Note what follows for a chunk; return the ids of the chunks that it was cut into."""
    _settle(db, run, chunk, settled)
    return cut(db, chunk, [Part(places, settled.doubt) for places in settled.parts])


def _settle(db: sqlite3.Connection, run: int, chunk: int, settled: Settlement) -> None:
    _must_keep_every_row(db, chunk, settled)
    fate, at = settled.fate, now()
    changed = execute(
        db,
        "settle",
        chunk=chunk,
        state=settled.state,
        outcome=fate.outcome if fate else "",
        code=fate.code if fate else "",
        details=recorded_values(fate.values) if fate else "",
        doubt=settled.doubt,
        at=at,
    )
    if changed.rowcount != 1:
        raise LedgerError(f"chunk {chunk} can't become {settled.state.name}: it is settled, or cut, already")
    for place, other in settled.exceptions:
        execute(
            db,
            "insert_exception",
            chunk=chunk,
            place=place,
            outcome=other.outcome,
            code=other.code,
            details=recorded_values(other.values),
        )
    if settled.limit is not None:
        execute(db, "learn_limit", run=run, chunk_limit=settled.limit)
    if settled.stop_product:
        details = recorded_values({**(fate.values if fate else {}), "case": "not_sent"})
        execute(db, "stop_product", run=run, gtin=settled.stop_product, asked=chunk, details=details, at=at)


def divide(db: sqlite3.Connection, run: int, chunk: int, parts: Sequence[Part]) -> None:
    """Let each part of a pending chunk have its own fate; together they are the whole chunk."""
    if len(parts) > 1:
        _settle(db, run, chunk, Settlement(ChunkState.CUT, parts=[part.places for part in parts]))
        cut(db, chunk, parts)
        return
    ((doubt, fate),) = ((part.doubt, part.fate) for part in parts)
    settle(db, run, chunk, Settlement(ChunkState.SETTLED if fate else ChunkState.PENDING, fate, doubt=doubt))


def _must_keep_every_row(db: sqlite3.Connection, chunk: int, settled: Settlement) -> None:
    """No settlement may leave a serial without a fate, or with two."""
    if settled.state == ChunkState.SETTLED and settled.fate is None:
        raise LedgerError(f"chunk {chunk} can't be settled without a fate")
    if not settled.exceptions and settled.state != ChunkState.CUT:
        return
    count = execute(db, "chunk", chunk=chunk).fetchone()["serials"]
    if settled.state == ChunkState.CUT and sorted(chain(*settled.parts)) != list(range(count)):
        raise LedgerError(f"chunk {chunk} can't be cut: the parts are not its {count} serials, each once")
    if settled.exceptions and not (settled.fate and settled.fate.outcome == Outcome.ASSIGNED):
        raise LedgerError(f"chunk {chunk} can't have exceptions: only one that is assigned can")
    if any(not 0 <= place < count or fate.outcome not in _EXCEPTIONS for place, fate in settled.exceptions):
        raise LedgerError(f"chunk {chunk} has an exception that is none of its {count} serials, or is assigned")


def cut(db: sqlite3.Connection, chunk: int, parts: Sequence[Part]) -> list[int]:
    """Make chunks of their own of some places of a chunk; return their ids."""
    if not parts:
        return []
    parent = execute(db, "chunk", chunk=chunk).fetchone()
    rows = unpack(execute(db, "chunk_rows", chunk=chunk).fetchone()[0])
    seq = int(execute(db, "last_seq", run=parent["run"]).fetchone()[0])
    ids = []
    for part in parts:
        seq += 1
        chosen = rows.select(np.asarray(part.places, np.intp))
        keys = np.concatenate([chosen.keys, chosen.repeat_keys])
        planned = PlannedChunk(
            parent["batch"],
            ChunkState.PENDING,
            "",
            Doubt(max(part.doubt, parent["doubt"])),
            len(chosen.serials),
            len(chosen.repeat_keys),
            int(keys.min()),
            int(keys.max()),
            pack_rows(chosen),
        )
        ids.append(_insert_chunk(db, parent["run"], seq, parent["root"], planned, parent["attempts"]))
        if part.fate:
            settle(db, parent["run"], ids[-1], Settlement(ChunkState.SETTLED, part.fate))
    return ids


def renew(db: sqlite3.Connection, run: int) -> None:
    """Make everything of a run that was refused, is unknown or was not sent pending again; what happened is kept.

    The run is running from here on: killed now, `resume` goes on with it.
    """
    execute(db, "running", run=run)
    execute(db, "renew_chunks", run=run)
    for (chunk,) in execute(db, "chunks_with_exceptions", run=run).fetchall():
        exceptions = execute(db, "exceptions", chunk=chunk).fetchall()
        lost = [e["place"] for e in exceptions if e["outcome"] == "unknown"]
        others = [e["place"] for e in exceptions if e["outcome"] in {"refused", "unsent"}]
        wanted = [Part(places, doubt) for places, doubt in ((lost, Doubt.THIS_RUN), (others, Doubt.NONE)) if places]
        cut(db, chunk, wanted)
        execute(db, "move_exceptions", chunk=chunk)


def forget_half_staged(db: sqlite3.Connection) -> int:
    """Forget runs whose staging was cut short; return how many there were."""
    runs = [row[0] for row in execute(db, "half_staged")]
    for run in runs:
        for what in ("rows", "chunks", "rejects", "reject_counts", "batches", "fingerprints", "run"):
            execute(db, f"forget_{what}", run=run)
    return len(runs)
