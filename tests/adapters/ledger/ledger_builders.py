"""Builders for the tests of the ledger: runs, chunks and answers with defaults."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from importer.ledger.packing import Rows, pack_rows
from importer.ledger.ports import Ledger, Place, View
from importer.ledger.records import NewRun, PlannedChunk
from importer.ledger.sqlite.place import SqlitePlace
from importer.model import Answer, Batch, Chunk, ChunkState, Doubt, Fate, Outcome, Part, Settlement, Verdict

BATCH = Batch("01234567891231", "BATCH002", "271130")
OTHER = Batch("04006381333931", "B-7", "280100")
DIGEST = "ab" * 32

ASSIGNED = Settlement(ChunkState.SETTLED, Fate(Outcome.ASSIGNED))
AGAIN = Settlement(ChunkState.PENDING)
LOST = Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN)
REFUSED = Settlement(ChunkState.SETTLED, Fate(Outcome.REFUSED, "api_refused", {"said": "bad"}))
UNKNOWN = Settlement(ChunkState.SETTLED, Fate(Outcome.UNKNOWN, "answer_lost"), doubt=Doubt.THIS_RUN)
UNREGISTERED = Settlement(
    ChunkState.SETTLED,
    Fate(Outcome.REFUSED, "product_not_registered", {"gtin": BATCH.gtin, "said": "unknown"}),
    stop_product=BATCH.gtin,
    skipped=Fate(Outcome.UNSENT, "product_not_registered", {"gtin": BATCH.gtin, "said": "unknown", "case": "not_sent"}),
)


def cut(*parts: Sequence[int], limit: int | None = None) -> Settlement:
    """A chunk is cut into parts that are to be sent."""
    return Settlement(ChunkState.CUT, parts=[Part(places) for places in parts], limit=limit)


def by_serial(*fates: Fate) -> Settlement:
    """Each serial of a chunk has a fate of its own."""
    return Settlement(ChunkState.CUT, parts=[Part([place], fate) for place, fate in enumerate(fates)])


def new_run(number: int = 1, **values: object) -> NewRun:
    defaults = {
        "id": f"20261122T071500Z-{number:06x}",
        "source_name": "list.csv",
        "source_path": "/lists/list.csv",
        "source_sha256": "0" * 64,
        "source_bytes": 100,
        "options": "{}",
        "settings": {},
        "started_at": "2026-11-22T07:15:00.000Z",
        "version": "0.1.0",
        "user": "planner",
        "host": "plant",
    }
    return NewRun(**defaults | values)  # type: ignore[arg-type]


def rows_of(serials: Sequence[str], first: int = 2, repeat_of: Sequence[int] = ()) -> Rows:
    """Rows one below the other; repeats stand below them."""
    keys = np.arange(first, first + len(serials), dtype=np.int64)
    below = first + len(serials)
    repeat_keys = np.arange(below, below + len(repeat_of), dtype=np.int64)
    return Rows(list(serials), keys, np.array(repeat_of, np.int32), repeat_keys)


def planned(
    rows: Rows,
    batch: int = 1,
    state: ChunkState = ChunkState.PENDING,
    outcome: str = "",
    doubt: Doubt = Doubt.NONE,
) -> PlannedChunk:
    keys = np.concatenate([rows.keys, rows.repeat_keys])
    return PlannedChunk(
        batch,
        state,
        outcome,
        doubt,
        len(rows.serials),
        len(rows.repeat_keys),
        int(keys.min()),
        int(keys.max()),
        pack_rows(rows),
    )


def staged_run(ledger: Ledger, *chunks: PlannedChunk, number: int = 1) -> int:
    """A run of two batches (1: BATCH, 2: OTHER), by default with one chunk of three serials and one repeat."""
    chunks = chunks or (planned(rows_of(["A", "B", "C"], repeat_of=[1])),)
    run = ledger.begin(new_run(number))
    ledger.post_chunks(run, 1, chunks).result()
    total = sum(chunk.serials + chunk.repeats for chunk in chunks)
    ledger.staged(run, rows=total, reading={}, notes={}, batches=[(1, BATCH), (2, OTHER)], rejected={})
    return run


@contextmanager
def looking(where: Place | Path) -> Iterator[View]:
    """A view of the ledger, closed in the end. As a path: that of SQLite's file."""
    view = placed(where).view()
    try:
        yield view
    finally:
        view.close()


def placed(where: Place | Path) -> Place:
    return SqlitePlace(where) if isinstance(where, Path) else where


def chunks_of(where: Place | Path, run: int) -> list[Chunk]:
    """The run's pending chunks, ready to be sent."""
    with looking(where) as view:
        return [view.load(kept.id, view.batches(run)) for kept in view.to_send(run, (0, 0), 1000)]


def asked(where: Place, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look into the ledger, or change it, behind its back; `?` stands for a value."""
    if isinstance(where, SqlitePlace):
        db = sqlite3.connect(where.path, isolation_level=None)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()
    with psycopg.connect(str(where), autocommit=True, options="-c search_path=importer") as server:
        cursor = server.execute(sql.replace("?", "%s").encode(), values)
        return cursor.fetchall() if cursor.description else []


def spoil(where: Place, table: str, column: str) -> None:
    """Flip one bit in the middle of a blob."""
    ((blob,),) = asked(where, f"SELECT {column} FROM {table}")[:1]
    middle = len(blob) // 2 + 4
    spoilt = blob[:middle] + bytes([blob[middle] ^ 1]) + blob[middle + 1 :]
    asked(where, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", spoilt, blob)


def answer(verdict: Verdict = Verdict.SETTLED, serials: Sequence[str] = ()) -> Answer:
    return Answer(verdict, assigned=frozenset(serials), http_status=200, digest=DIGEST)


async def send(ledger: Ledger, run: int, chunk: Chunk, settled: Settlement) -> list[int]:
    """One attempt from mark to record."""
    n = await ledger.mark(run, chunk)
    return await ledger.record(run, chunk, n, answer(serials=chunk.serials), settled)
