"""What the steps of an import ask of a ledger, however it is stored: one to write, a view to read.

No statement, no row of a driver and no path is known here. `sqlite/` and `postgres/` keep the same promises:
`tests/adapters/ledger/test_contract_*` asks them of both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, Self

from importer.concurrency import Stopping
from importer.events import Event
from importer.ledger.answers import StoredAttempt
from importer.ledger.contents import Contents
from importer.ledger.packing import Columns, Rows
from importer.ledger.records import ChunkCount, NewRun, PackedChunk, PlannedChunk, Run, RunHead, StoredChunk
from importer.model import Answer, Batch, Chunk, Message, RunState, Settlement
from importer.rows.fingerprints import Hashes
from importer.serial_text import SerialText


class Place(Protocol):
    """Where a ledger is kept. As text: what people know it by."""

    def open(self) -> Ledger:
        """Open it to write; make one where there is none. Raises LedgerBusy when another process holds it, LedgerError
        when it can't be opened.
        """
        ...

    def view(self) -> View:
        """Open it to read. Raises NoLedger where there is none."""
        ...

    def leave_event(self, event: Event) -> None:
        """Record a whole change without opening it to write, also while another process holds it. Durable when it
        returns; raises LedgerError where that can't be. Views show it at once.
        """
        ...

    def at_rest(self) -> AbstractContextManager[View]:
        """The ledger for reading, which no process writes meanwhile. Raises LedgerBusy where one does, and ConfigError
        where a copy of it would lack what it knows.
        """
        ...

    def fill(self, contents: Contents) -> None:
        """Make a ledger of what another one holds: all of it, or nothing, whatever breaks off. Raises ConfigError
        where there is one that holds anything.
        """
        ...

    def exists(self) -> bool:
        """Whether there is one, be it empty. Raises LedgerError when that can't be told."""
        ...


class View(Protocol):
    """Reads a ledger, also beside a running import. One thread at a time. Raises LedgerError for what is damaged."""

    @property
    def place(self) -> str:
        """Where the ledger is, as people know it."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def at_one_moment(self) -> AbstractContextManager[None]:
        """While this lasts, all that is read is as it was at the first reading, whatever is written meanwhile."""
        ...

    def check(self) -> None:
        """Look at all that is stored for damage that reading it may not meet. Raises LedgerError for the first."""
        ...

    def contents(self) -> Contents:
        """All that it holds, for `Place.fill`."""
        ...

    def runs(self) -> list[Run]:
        """All runs that exist, oldest first."""
        ...

    def run_heads(self) -> list[RunHead]:
        """What a listing shows of all runs that exist, youngest first."""
        ...

    def how_far(self) -> tuple[int, int]:
        """The number of runs, and the last turn in which one ended: they change when a run begins or ends."""
        ...

    def runs_of_source(self, source_sha256: str) -> list[Run]:
        """The runs of one list, oldest first."""
        ...

    def gtins(self) -> list[str]:
        """Of all batches of all runs."""
        ...

    def fingerprints_of_product(self, gtin: str, low: int, high: int) -> Iterator[tuple[int, Hashes]]:
        """Number and entries, piece by piece, of the runs that hold a product, as far as they touch a range."""
        ...

    def rejects_of_all(self) -> Iterator[tuple[int, bytes]]:
        """A run's number and an Arrow stream of tables.REJECTS, those of the youngest run first."""
        ...

    def find(self, run_id: str) -> Run | None: ...

    def run(self, run_id: str) -> Run:
        """Raises ConfigError when there is no such run."""
        ...

    def run_by_num(self, run: int) -> Run: ...

    def unfinished_twin(self, source_sha256: str, options: str, target: str, undoes: str = "") -> Run | None:
        """The last run of the same source, read in the same way, that stopped early; any sandbox is like any other.
        `undoes`: one that takes this run back.
        """
        ...

    def batches(self, run: int) -> dict[int, Batch]:
        """The pharma batches of a run, by number."""
        ...

    def runs_of_batch(self, gtin: str, batch: str) -> set[int]:
        """Numbers of the runs that hold a product, a batch, or both; an empty one means any."""
        ...

    def products(self, target: str) -> list[tuple[int, str, str]]:
        """Number and id of each run against an API, with each GTIN in it."""
        ...

    def has_assigned(self, target: str) -> bool:
        """Whether an API has ever answered that a serial is assigned: then it is one, and not a wrong address."""
        ...

    def active_since(self, run: Run) -> dict[int, str]:
        """Number to id of the other runs into its target that sent something since it was staged, or may have."""
        ...

    def fingerprints(self, run: int, low: int, high: int) -> Iterator[Hashes]:
        """Sorted entries of a run's fingerprint index, piece by piece, that touch a range of shortened hashes."""
        ...

    def packed_fingerprints(self, run: int, low: int, high: int) -> Iterator[bytes]:
        """The same pieces as they are kept."""
        ...

    def entries(self, packed: bytes) -> Hashes:
        """A piece's entries. From any thread."""
        ...

    def to_send(self, run: int, after: tuple[int, int], limit: int) -> list[StoredChunk]:
        """Pending chunks in the order in which they were planned, those after `after` (root and seq; (0, 0): all)."""
        ...

    def last_seq(self, run: int) -> int:
        """The highest number of a chunk in a run; 0: it has none."""
        ...

    def stored(self, chunk: int) -> StoredChunk: ...

    def load(self, chunk: int, batches: Mapping[int, Batch]) -> Chunk:
        """A chunk with its serials, ready to be sent."""
        ...

    def rows(self, chunk: int) -> Rows: ...

    def columns(self, chunks: Sequence[PackedChunk]) -> Columns:
        """The rows of some chunks, one after the other, as whole columns."""
        ...

    def serials(self, chunk: int) -> SerialText: ...

    def chunks_by_key(self, run: int) -> Iterator[PackedChunk]:
        """All chunks of a run but those that were cut, in the order of their first rows."""
        ...

    def problem_chunks(self, run: int, most: int) -> list[StoredChunk]:
        """Chunks some of whose rows are not assigned, in the order of their first rows."""
        ...

    def chunks_of_root(self, run: int, root: int) -> list[PackedChunk]:
        """A planned chunk and all that was cut from it, but for those that were cut themselves."""
        ...

    def rejects(self, run: int) -> Iterator[tuple[int, int, bytes]]:
        """First and last key, and an Arrow stream of tables.REJECTS, in the order of the first key."""
        ...

    def chunk_counts(self, run: int) -> list[ChunkCount]:
        """The run's chunks that hold rows, counted by batch and by what is known of them."""
        ...

    def reject_counts(self, run: int) -> list[tuple[int, str, int]]:
        """Number of the batch, code, rejected rows."""
        ...

    def request_counts(self, run: int) -> tuple[int, int]:
        """Requests that went out, and how many of them repeated one for the same chunk."""
        ...

    def recent_pace(self, run: int) -> tuple[int, str | None]:
        """The serials settled in the last minutes of sending, and since when; None: nothing was sent in them."""
        ...

    def attempts(self, run: int) -> Iterator[StoredAttempt]:
        """All requests of a run, by the id of the chunk that was sent and in their order."""
        ...

    def claims(self, run: int) -> Iterator[tuple[int, StoredChunk]]:
        """All chunks of a run but those that were cut, each behind the id of the chunk in whose request its rows last
        went out (0: in none), which rises.
        """
        ...

    def events(self, run: str | None = None, since: str = "") -> list[Event]:
        """Who changed what, in the order in which it was recorded, from a moment on (UTC, ISO 8601). Of one run, by its
        id: what concerns it, and what was done with the list that was uploaded for it.
        """
        ...

    def reported_events(self, run: str) -> list[Event]:
        """Those events of a run that its report can know: up to the moment when the last one was closed."""
        ...


class Ledger(Protocol):
    """Writes a ledger. What a method has returned, or a future has resolved to, survives a power cut."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None:
        """Finish what is queued, and give the ledger free."""
        ...

    @property
    def forgotten(self) -> int:
        """Runs whose staging was cut short with an earlier process, and that were forgotten when this was opened."""
        ...

    def view(self) -> View:
        """A connection of its own for reading."""
        ...

    # Staging: from one thread, not an event loop. Nothing of it counts before `staged`.

    def begin(self, run: NewRun) -> int:
        """Return the number by which the ledger knows the run."""
        ...

    def post_chunks(self, run: int, first_seq: int, chunks: Iterable[PlannedChunk]) -> Future[None]:
        """They are made and written by the ledger's thread, and in the ledger when the future resolves; it raises
        LedgerError where that fails.
        """
        ...

    def add_rejects(self, run: int, first_key: int, last_key: int, count: int, rows: bytes) -> None:
        """`rows`: an Arrow stream of tables.REJECTS."""
        ...

    def add_fingerprints(self, run: int, pieces: Iterable[tuple[int, int, bytes]]) -> None:
        """Pieces as fingerprint_index.pieces gives them, one commit each."""
        ...

    def staged(
        self,
        run: int,
        *,
        rows: int,
        reading: Mapping[str, Any],
        notes: Mapping[str, int],
        batches: Sequence[tuple[int, Batch]],
        rejected: Mapping[tuple[int, str], int],
    ) -> None:
        """The run exists from here on. `rejected` counts rows by number of batch and code."""
        ...

    def forget_half_staged(self) -> None:
        """Staging failed: the run has never been."""
        ...

    def divide(self, run: int, chunk: int, settled: Settlement) -> None:
        """Let each part of a pending chunk have its own fate. Not from an event loop."""
        ...

    def resolve(self, run: int, chunk: int, settled: Settlement) -> None:
        """Let an unknown chunk, which may be settled, have the fates that a person has looked up, all at once. Not from
        an event loop.
        """
        ...

    def record_event(self, event: Event) -> None:
        """Durably note a whole change. One whose id is known is the same one. Not from an event loop."""
        ...

    # Submitting: awaited from the event loop.

    async def running(self, run: int, exists_means: str) -> None:
        """A session of sending begins. What "exists already" means in it is kept with the run's settings: a resume may
        have other ones than the run began with, and its answers can be judged again only by its own.
        """
        ...

    async def ended(
        self, run: int, state: RunState, exit_code: int, stopped_by: Message | None, seconds: float
    ) -> None: ...

    async def mark(self, run: int, chunk: Chunk) -> int:
        """Durably note that a request for the chunk goes out now; return the number of the attempt."""
        ...

    async def record(self, run: int, chunk: Chunk, n: int, answer: Answer, settled: Settlement) -> list[int]:
        """Durably note an answer and what follows; return the ids of those of its parts that are to be sent."""
        ...

    async def settle(self, run: int, chunk: int, settled: Settlement) -> list[int]:
        """Durably note what follows for a chunk without a new answer (given up, held, cut to a learned size)."""
        ...

    async def written(self) -> None:
        """All that was asked for until now is durable, also what cancelled tasks have asked for."""
        ...

    async def begin_event(self, event: Event) -> None:
        """Durably note that a change begins, which `close_event` closes before a report is written that shows it."""
        ...

    async def close_event(self, event: Event, after: Mapping[str, Any]) -> None:
        """Durably note what a change came to. Once closed, an event stays as it is."""
        ...

    async def renew(self, run: int) -> int:
        """A retry: what was refused, is unknown or was not sent is pending again, and the run is running. Return how
        many chunks that are; if there is none the run stays as it is.
        """
        ...


class Held(Protocol):
    """The right to send for a channel, which one owner at a time has. It is lost when it is not kept."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the owner before told of the API (`Gate.told`)."""
        ...

    @property
    def age(self) -> float:
        """Seconds since it told that."""
        ...

    @property
    def lost(self) -> int:
        """Chunks that an owner before may have on the wire still: they are in doubt."""
        ...

    @property
    def taken_at(self) -> float:
        """When it was got, by `time.monotonic`."""
        ...

    def holds(self) -> bool:
        """Whether a request may begin, at this moment. From any thread, and never waiting."""
        ...

    def now(self) -> None:
        """Tell the ledger at once what the next owner must know."""
        ...

    def kept(self, told: Callable[[], Mapping[str, Any]], on_lost: Callable[[], None]) -> AbstractContextManager[None]:
        """Keep it while this lasts, then give it free. `told` gives what the next owner must know; `on_lost` is called
        from another thread when another owner has it.
        """
        ...

    def claim(self, run: int) -> int | None:
        """Make all products of a run this channel's alone in its target; None: another channel sends something of them.

        What is on the wire of the run then is an earlier owner's: it is in doubt. Returns how many chunks.
        """
        ...

    def unclaim(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands with the workers."""

    channel: str
    waits: bool
    """It is to be sent, or is being sent."""
    urgent: bool
    since: str
    """When it was handed over."""
    owner: str
    """The process that sends for its channel, its host first; empty: none does."""
    owner_since: str
    ahead: int
    """Runs whose turn comes before its own."""


class Channel(Protocol):
    """The runs that wait for a channel. Raises LedgerBusy while the ledger can't be reached."""

    def queue(self, run: int, *, urgent: bool, waits: bool = True) -> None:
        """Hand a run over, or (`waits` False) note that this channel sends it."""
        ...

    def next_run(self) -> tuple[int, bool] | None:
        """The number of the run whose turn it is, and whether it is urgent."""
        ...

    def waiting(self) -> int:
        """How many runs wait, those that are to be tried again later included."""
        ...

    def served(self, run: int, *, waits: bool, later: float = 0.0) -> None:
        """A turn of it is over; where it still waits, its next one comes `later` seconds from now at the earliest."""
        ...

    def owner(self) -> Mapping[str, str]:
        """`pid` and `host` of the process that sends for the channel, `since` when, and `until` when at least, which
        moves as long as it is alive; empty: none does.
        """
        ...

    def stands(self, run: int) -> Standing | None:
        """Where a run stands with the workers; None: it was never handed to them."""
        ...

    def take(self, ledger: Any) -> Held | None:
        """The right to send for what this ledger writes; None: another owner has it."""
        ...


class Jobs(Protocol):
    """Hands the work of a channel to workers, on whatever host."""

    async def hand_over(self) -> None:
        """There is work: one worker takes it, within seconds. Any number of calls is as good as one."""
        ...

    async def work(self, serve: Callable[[], Awaitable[None]], stopping: Stopping) -> None:
        """Serve when there is work, until it is told to stop; that of workers that are gone included."""
        ...
