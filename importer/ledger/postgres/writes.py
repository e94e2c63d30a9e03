"""What is written into a ledger in PostgreSQL, as groups of statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from importer.errors import LedgerError
from importer.ledger.answers import packed
from importer.ledger.packing import pack_rows, unpack
from importer.ledger.postgres.connecting import Connection, execute, plain
from importer.ledger.postgres.writer import Piece
from importer.ledger.records import PlannedChunk
from importer.ledger.statements import said
from importer.model import Answer, ChunkState, Settlement
from importer.words.recording import recorded_said

Statement = tuple[str, Mapping[str, Any]]

_CHUNK = (
    "id",
    "run",
    "seq",
    "root",
    "batch",
    "state",
    "outcome",
    "doubt",
    "serials",
    "repeats",
    "first_key",
    "last_key",
)
_TEXT = frozenset({"outcome"})
_COPY_CHUNKS = f"COPY chunk ({', '.join(_CHUNK)}) FROM STDIN (FORMAT BINARY)"
_COPY_ROWS = "COPY chunk_rows (chunk, rows) FROM STDIN (FORMAT BINARY)"


def insert_chunks(db: Connection, run: int, first_seq: int, chunks: Iterable[PlannedChunk]) -> None:
    """By COPY: 5,000 of them take 0.6 s so, and 1.0 s as inserts."""
    planned = list(chunks)
    ids = chunk_ids(db, len(planned))
    with db.cursor() as cursor:
        with cursor.copy(_COPY_CHUNKS.encode()) as copy:
            copy.set_types(["text" if name in _TEXT else "int8" for name in _CHUNK])
            for seq, (number, chunk) in enumerate(zip(ids, planned, strict=True), first_seq):
                values = [getattr(chunk, name) for name in _CHUNK[4:]]
                copy.write_row([number, run, seq, seq, *plain(dict(zip(_CHUNK[4:], values, strict=True))).values()])
        with cursor.copy(_COPY_ROWS.encode()) as copy:
            copy.set_types(["int8", "bytea"])
            for number, chunk in zip(ids, planned, strict=True):
                copy.write_row([number, chunk.rows])


def chunk_ids(db: Connection, count: int) -> list[int]:
    return [row["id"] for row in execute(db, "chunk_ids", count=count)]


def begin_session(db: Connection, run: int, exists_means: str) -> None:
    """Note that a run is being sent, and by which setting its answers are judged from here on."""
    found = execute(db, "run_by_num", run=run).fetchone()
    assert found
    settings = json.loads(found["settings"])
    unknown = settings.setdefault("unknown", {})
    meant = unknown.get("exists_meant", [])
    unknown["exists_meant"] = [*meant, *([] if exists_means in meant else [exists_means])]
    execute(db, "running", run=run)
    execute(db, "keep_settings", run=run, settings=json.dumps(settings))


def renew(db: Connection, run: int) -> int:
    renewed = execute(db, "renew_chunks", run=run).rowcount
    if renewed:
        execute(db, "running", run=run)
    return renewed


def renewed(db: Connection, run: int) -> int:
    found = execute(db, "renewed", run=run).fetchone()
    assert found
    return int(found["n"])


def mark(run: int, chunk: int) -> Piece[int]:
    return Piece(
        [("mark", {"run": run, "chunk": chunk})],
        lambda rows: int(rows[0][0]["n"]),
        lambda db: int((execute(db, "marked", chunk=chunk).fetchone() or {})["n"]),
    )


def answered(run: int, chunk: int, n: int, answer: Answer) -> Statement:
    return "record_attempt", {
        "run": run,
        "chunk": chunk,
        "n": n,
        "verdict": answer.verdict,
        "http_status": answer.http_status,
        "error": answer.error,
        "message": recorded_said(answer.message),
        "assigned": len(answer.assigned),
        "existing": len(answer.existing) or int(answer.exists),
        "digest": answer.digest,
        "says": packed(answer),
        "seconds": answer.seconds,
    }


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of a chunk, made before it is recorded that it is cut."""

    values: Mapping[str, Any]
    to_send: list[int]
    """Ids of those that are to be sent."""


def cut(db: Connection, chunk: int, settled: Settlement) -> Cut:
    """Reads only. Raises LedgerError where a serial would have no fate, or two."""
    found = execute(db, "chunk_rows", chunk=chunk).fetchone()
    rows = unpack(found["rows"]) if found else None
    places = sorted(chain(*(part.places for part in settled.parts)))
    if rows is None or places != list(range(len(rows.serials))):
        raise LedgerError("chunk_not_cut", chunk=str(chunk), n=len(rows.serials) if rows else 0)
    ids = chunk_ids(db, len(settled.parts))
    chosen = [rows.select(np.asarray(part.places, np.intp)) for part in settled.parts]
    keys = [np.concatenate([one.keys, one.repeat_keys]) for one in chosen]
    fates = [said(part.fate) for part in settled.parts]
    values = {
        "chunk": chunk,
        "ids": ids,
        "ended": [part.fate is not None for part in settled.parts],
        "outcomes": [fate["outcome"] for fate in fates],
        "codes": [fate["code"] for fate in fates],
        "messages": [fate["message"] for fate in fates],
        "doubts": [max(part.doubt, settled.doubt) for part in settled.parts],
        "serials": [len(one.serials) for one in chosen],
        "repeats": [len(one.repeat_keys) for one in chosen],
        "first_keys": [int(some.min()) for some in keys],
        "last_keys": [int(some.max()) for some in keys],
        "rows": [pack_rows(one) for one in chosen],
    }
    return Cut(values, [number for number, part in zip(ids, settled.parts, strict=True) if part.fate is None])


def follows(run: int, chunk: int, settled: Settlement) -> list[Statement]:
    """What a settlement changes. Raises LedgerError where serials would have no fate."""
    if settled.state == ChunkState.SETTLED and settled.fate is None:
        raise LedgerError("chunk_without_fate", chunk=str(chunk))
    common = {"chunk": chunk, "doubt": settled.doubt, "name": settled.state.name}
    statements = list[Statement]()
    if settled.state == ChunkState.PENDING:
        statements.append(("send_again", common))
    else:
        statements.append(("settle", {**common, "state": settled.state, **said(settled.fate)}))
    if settled.limit is not None:
        statements.append(("learn_limit", {"run": run, "chunk_limit": settled.limit}))
    if settled.stop_product:
        what = {"run": run, "gtin": settled.stop_product, "asked": chunk, **said(settled.skipped)}
        statements.append(("stop_product", what))
    return statements
