"""A ledger as its named statements tell it: from rows of any driver to records. Each back end runs the statements."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from importer.errors import ConfigError, LedgerDamaged, LedgerError
from importer.events import Event
from importer.ledger import fingerprint_index, recorded_events
from importer.ledger.answers import StoredAttempt
from importer.ledger.contents import OF_ALL, OF_RUN, Contents
from importer.ledger.packing import Columns, Damaged, Rows, unpack, unpack_columns, unpack_serials, unseal
from importer.ledger.records import ChunkCount, PackedChunk, Run, RunHead, StoredChunk
from importer.model import Action, Batch, Chunk, ChunkState, Doubt, Fate, Outcome, RunState
from importer.rows.fingerprints import Hashes
from importer.serial_text import SerialText
from importer.words.recording import restored_values

T = TypeVar("T")
_ATTEMPT = StoredAttempt.__slots__


_TOLD = frozenset({"run", "batch", "chunk", "attempt", "reject", "reject_count", "fingerprint", "event"})
"""Tables that people know by a name; it is a part of the message."""


def damaged(place: str, error: Damaged) -> LedgerDamaged:
    """The error that says which part of the ledger at `place` is not what was written."""
    what = {"code": f"damaged_{error.table}" if error.table in _TOLD else "damaged_other"}
    case = {} if error.run else {"case": "whole"}
    return LedgerDamaged("ledger_damaged", path=place, what=what, run=error.run, reason=str(error), **case)


class Row(Protocol):
    """A row of any driver."""

    def __getitem__(self, name: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


class Reading(ABC):
    """The part of a view that is alike for all back ends (ports.View)."""

    place: str

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _all(self, query: str, **values: Any) -> Sequence[Row]: ...

    @abstractmethod
    def _each(self, query: str, **values: Any) -> Iterator[Row]:
        """The same rows, few of them in memory at a time."""

    @abstractmethod
    def _damaged(self, error: Damaged) -> LedgerError: ...

    def _whole(self, unpacked: Callable[[bytes], T], blob: bytes) -> T:
        try:
            return unpacked(blob)
        except Damaged as error:
            raise self._damaged(error) from error

    def contents(self) -> Contents:
        for table, query in OF_ALL.items():
            yield table, self._mapped(query)
        for run in self.runs():
            for table, query in OF_RUN.items():
                yield table, self._mapped(query, run=run.num)

    def _mapped(self, query: str, **values: Any) -> Iterator[Mapping[str, Any]]:
        return ({name: row[name] for name in row.keys()} for row in self._each(query, **values))  # noqa: SIM118  no dict

    def events(self, run: str | None = None, since: str = "") -> list[Event]:
        if run is None:
            return self._events("events", since=since)
        return self._events("events_of_run", run=run, since=since)

    def reported_events(self, run: str) -> list[Event]:
        return self._events("reported_events", run=run)

    def _events(self, query: str, **values: str) -> list[Event]:
        try:
            return [recorded_events.event_of(row) for row in self._all(query, **values)]
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(Damaged(f"an event makes no sense: {error}")) from error

    def runs(self) -> list[Run]:
        return [_run(row) for row in self._all("runs")]

    def run_heads(self) -> list[RunHead]:
        """All runs that exist, youngest first: 1,000 in 4 ms, where `runs` takes 60."""
        return [RunHead(**{**dict(row), "state": RunState(row["state"])}) for row in self._all("run_heads")]

    def how_far(self) -> tuple[int, int]:
        """The number of runs, and the last turn in which one ended: they change when a run begins or ends."""
        (row,) = self._all("how_far")
        return row["runs"], row["turn"]

    def runs_of_source(self, source_sha256: str) -> list[Run]:
        """The runs of one list, oldest first."""
        return [_run(row) for row in self._all("runs_of_source", source_sha256=source_sha256)]

    def gtins(self) -> list[str]:
        """Of all batches of all runs."""
        return [row["gtin"] for row in self._all("gtins")]

    def fingerprints_of_product(self, gtin: str, low: int, high: int) -> Iterator[tuple[int, Hashes]]:
        """Number and entries, piece by piece, of the runs that hold a product, as far as they touch a range."""
        for row in self._each("fingerprints_of_product", gtin=gtin, low=low, high=high):
            yield row["run"], self.entries(row["entries"])

    def rejects_of_all(self) -> Iterator[tuple[int, bytes]]:
        """A run's number and an Arrow stream of tables.REJECTS, those of the youngest run first."""
        for row in self._each("rejects_of_all"):
            yield row["run"], self._whole(unseal, row["rows"])

    def find(self, run_id: str) -> Run | None:
        rows = self._all("run_by_id", id=run_id)
        return _run(rows[0]) if rows else None

    def run(self, run_id: str) -> Run:
        """Raises ConfigError when there is no such run."""
        run = self.find(run_id)
        if run is None:
            raise ConfigError("run_missing", run=run_id, path=self.place)
        return run

    def run_by_num(self, run: int) -> Run:
        return _run(self._all("run_by_num", run=run)[0])

    def unfinished_twin(self, source_sha256: str, options: str, target: str, undoes: str = "") -> Run | None:
        values = {"source_sha256": source_sha256, "options": options, "target": target, "undoes": undoes}
        rows = self._all("unfinished_twin", **values)
        return _run(rows[0]) if rows else None

    def batches(self, run: int) -> dict[int, Batch]:
        return {row["num"]: Batch(row["gtin"], row["batch"], row["expiry"]) for row in self._all("batches", run=run)}

    def runs_of_batch(self, gtin: str, batch: str) -> set[int]:
        """Numbers of the runs that hold a product, a batch, or both; an empty one means any."""
        return {row["run"] for row in self._all("runs_of_batch", gtin=gtin, batch=batch)}

    def products(self, target: str) -> list[tuple[int, str, str]]:
        """Number and id of each run against an API, with each GTIN in it."""
        return [(row["num"], row["id"], row["gtin"]) for row in self._all("products", target=target)]

    def has_assigned(self, target: str) -> bool:
        """Whether an API has ever answered that a serial is assigned: then it is one, and not a wrong address."""
        return any(row["found"] for row in self._all("has_assigned", target=target))

    def active_since(self, run: Run) -> dict[int, str]:
        """Number to id of the other runs into its target that sent something since it was staged, or may have."""
        return {row["num"]: row["id"] for row in self._all("active_since", run=run.num)}

    def fingerprints(self, run: int, low: int, high: int) -> Iterator[Hashes]:
        """Sorted entries of a run's fingerprint index, piece by piece, that touch a range of shortened hashes."""
        return map(self.entries, self.packed_fingerprints(run, low, high))

    def packed_fingerprints(self, run: int, low: int, high: int) -> Iterator[bytes]:
        """The same pieces as they are kept."""
        for row in self._each("fingerprints", run=run, low=low, high=high):
            yield row["entries"]

    def entries(self, packed: bytes) -> Hashes:
        """A piece's entries. From any thread."""
        return self._whole(fingerprint_index.decode, packed)

    def to_send(self, run: int, after: tuple[int, int], limit: int) -> list[StoredChunk]:
        """Pending chunks in the order in which they were planned, those after `after` (root and seq; (0, 0): all)."""
        root, seq = after
        return [_stored_chunk(row) for row in self._all("to_send", run=run, root=root, seq=seq, limit=limit)]

    def last_seq(self, run: int) -> int:
        return int(self._all("last_seq", run=run)[0]["seq"])

    def stored(self, chunk: int) -> StoredChunk:
        return _stored_chunk(self._all("chunk", chunk=chunk)[0])

    def load(self, chunk: int, batches: Mapping[int, Batch]) -> Chunk:
        """A chunk with its serials, ready to be sent."""
        (row,) = self._all("load", chunk=chunk)
        return self._to_be_sent(chunk, row, batches)

    def _to_be_sent(self, chunk: int, row: Row, batches: Mapping[int, Batch]) -> Chunk:
        if row["rows"] is None:
            raise self._without_rows(chunk)
        serials = self._whole(unpack_serials, row["rows"])
        doubt, takes_back = row["doubt"] != Doubt.NONE, row["action"] == Action.DECOMMISSION
        return Chunk(chunk, row["seq"], batches[row["batch"]], serials, doubt, takes_back=takes_back)

    def rows(self, chunk: int) -> Rows:
        return self._whole(unpack, self._blob(chunk))

    def columns(self, chunks: Sequence[PackedChunk]) -> Columns:
        """The rows of some chunks, one after the other, as whole columns."""
        try:
            columns = unpack_columns(*(chunk.rows for chunk in chunks))
        except Damaged as error:
            raise self._damaged(error) from error
        for chunk, count in zip(chunks, columns.counts, strict=True):
            if chunk.serials != count:
                disagree = Damaged(f"chunk {chunk.id} holds {count} serials, {chunk.serials} were expected")
                raise self._damaged(disagree)
        return columns

    def serials(self, chunk: int) -> SerialText:
        return self._whole(unpack_serials, self._blob(chunk))

    def _blob(self, chunk: int) -> bytes:
        for row in self._all("chunk_rows", chunk=chunk):
            return bytes(row["rows"])
        raise self._without_rows(chunk)

    def _without_rows(self, chunk: int) -> LedgerError:
        return self._damaged(Damaged(f"the rows of chunk {chunk} are missing"))

    def chunks_by_key(self, run: int) -> Iterator[PackedChunk]:
        """All chunks of a run but those that were cut, in the order of their first rows."""
        return map(self._stored, self._each("chunks_by_key", run=run))

    def problem_chunks(self, run: int, most: int) -> list[StoredChunk]:
        """Chunks some of whose rows are not assigned, in the order of their first rows."""
        return [_stored_chunk(row) for row in self._all("problem_chunks", run=run, most=most)]

    def chunks_of_root(self, run: int, root: int) -> list[PackedChunk]:
        """A planned chunk and all that was cut from it, but for those that were cut themselves."""
        return [self._stored(row) for row in self._all("chunks_of_root", run=run, root=root)]

    def _stored(self, row: Row) -> PackedChunk:
        if row["rows"] is None:
            raise self._without_rows(row["id"])
        return PackedChunk(*(*_fields(row), row["rows"], row["sent_as"]))

    def rejects(self, run: int) -> Iterator[tuple[int, int, bytes]]:
        """First and last key, and an Arrow stream of tables.REJECTS, in the order of the first key."""
        for row in self._each("rejects_by_key", run=run):
            yield row["first_key"], row["last_key"], self._whole(unseal, row["rows"])

    def chunk_counts(self, run: int) -> list[ChunkCount]:
        """The run's chunks that hold rows, counted by batch and by what is known of them."""
        return [
            ChunkCount(
                row["batch"],
                ChunkState(row["state"]),
                Fate(Outcome(row["outcome"]), row["code"]) if row["outcome"] else None,
                Doubt(row["doubt"]),
                bool(row["tried"]),
                row["serials"],
                row["repeats"],
                row["chunks"],
            )
            for row in self._all("chunk_counts", run=run)
        ]

    def reject_counts(self, run: int) -> list[tuple[int, str, int]]:
        """Number of the batch, code, rejected rows."""
        return [(row["batch"], row["code"], row["count"]) for row in self._all("reject_counts", run=run)]

    def request_counts(self, run: int) -> tuple[int, int]:
        """Requests that went out, and how many of them repeated one for the same chunk."""
        (row,) = self._all("request_counts", run=run)
        return row["sent"], row["retried"]

    def recent_pace(self, run: int) -> tuple[int, str | None]:
        """The serials settled in the last minutes of sending, and since when; None: nothing was sent in them."""
        (row,) = self._all("recent_pace", run=run)
        return row["serials"] or 0, row["first_at"]

    def attempts(self, run: int) -> Iterator[StoredAttempt]:
        """All requests of a run, by the id of the chunk that was sent and in their order."""
        for row in self._each("attempts", run=run):
            yield StoredAttempt(*(row[name] for name in _ATTEMPT))

    def claims(self, run: int) -> Iterator[tuple[int, StoredChunk]]:
        """All chunks of a run but those that were cut, each behind the id of the chunk in whose request its rows last
        went out (0: in none), which rises.
        """
        for row in self._each("claims", run=run):
            yield row["asked"], _stored_chunk(row)


def _stored_chunk(row: Row) -> StoredChunk:
    return StoredChunk(*_fields(row))


def _fields(row: Row) -> tuple[Any, ...]:
    return (
        row["id"],
        row["seq"],
        row["root"],
        row["batch"],
        ChunkState(row["state"]),
        fate(row),
        Doubt(row["doubt"]),
        row["serials"],
        row["repeats"],
        row["first_key"],
        row["last_key"],
        row["attempts"],
        row["recorded_at"],
    )


def fate(row: Row) -> Fate | None:
    """The fate that a row's columns hold."""
    if not row["outcome"]:
        return None
    return Fate(Outcome(row["outcome"]), row["code"], restored_values(row["message"]))


def _run(row: Row) -> Run:
    values = {name: row[name] for name in Run.__slots__}
    for name in ("options", "reading", "notes", "settings"):
        values[name] = json.loads(values[name])
    values["stopped_by"] = restored_values(values["stopped_by"])
    return Run(**values | {"state": RunState(row["state"]), "action": Action(row["action"])})
