"""Owners, a lease, fenced writes and the wire as a state machine: every order of their steps, with time as an argument.

The server is given: a model of it (tests/unit/ledger) or a real PostgreSQL whose clock the test sets (tests/adapters).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from importer.ledger.postgres.tenure import DRIFT, Tenure

LIFE = 10.0
LIMIT = 30.0
"""Seconds that a request may take."""
INTERVAL = 0.5
_CHUNKS = 2
_OWNERS = 2
_SECONDS = (0.1, 0.6, 3.0, 6.0, 9.0, 11.0, 31.0)
_RATES = (1.0, 0.995, 1.005)
_DOUBT_AFTER = LIMIT * (1 + 2 * DRIFT)


class Blocked(Exception):  # noqa: N818
    """A write of another backend that has begun is in the way."""


class Gone(Exception):  # noqa: N818
    """The connection is dead."""


class Server(Protocol):
    """What the lease asks of a database. A connection is a number."""

    def connect(self) -> int: ...

    def take(self, connection: int, owner: str) -> int | None:
        """The token; None: another has it. Raises Blocked and Gone."""
        ...

    def renew(self, token: int) -> bool: ...

    def free(self, token: int) -> bool: ...

    def begin_write(self, connection: int, token: int) -> bool:
        """Fence, and leave the transaction open; False: refused. Raises Blocked and Gone."""
        ...

    def commit(self, connection: int) -> None: ...

    def evict(self, connection: int, owner: str) -> None:
        """End the backend of an owner whose lease is over, or of this owner's own older connection."""
        ...

    def holder(self) -> tuple[str, int, float]:
        """Owner, token and end of the lease, as they are now."""
        ...

    def pass_time(self, now: float) -> None: ...

    def restart(self) -> None:
        """As kill -9: what was committed stays, connections and open transactions don't."""
        ...


@dataclass
class Row:
    owner: str = ""
    token: int = 0
    until: float = float("-inf")
    backend: int = 0


class Model:
    """The rules of lease.sql, said again in Python."""

    def __init__(self, *, locks: bool = True, waits_for_the_end: bool = True) -> None:
        self._locks = locks
        self._waits = waits_for_the_end
        self._row = Row()
        self._now = 0.0
        self._last = 0
        self._dead: set[int] = set()
        self._open: set[int] = set()

    def connect(self) -> int:
        self._last += 1
        return self._last

    def _must_be_alive(self, connection: int) -> None:
        if connection in self._dead:
            raise Gone

    def _must_be_free(self, connection: int | None) -> None:
        if self._locks and self._open - {connection}:
            raise Blocked

    def take(self, connection: int, owner: str) -> int | None:
        self._must_be_alive(connection)
        self._must_be_free(connection)
        row = self._row
        if row.owner != owner and row.until >= self._now and self._waits:
            return None
        self._row = Row(owner, row.token + 1, self._now + LIFE, connection)
        return self._row.token

    def renew(self, token: int) -> bool:
        self._must_be_free(None)
        if token != self._row.token or not self._row.owner:
            return False
        self._row.until = self._now + LIFE
        return True

    def free(self, token: int) -> bool:
        self._must_be_free(None)
        if token != self._row.token:
            return False
        self._row.owner, self._row.until = "", float("-inf")
        return True

    def begin_write(self, connection: int, token: int) -> bool:
        self._must_be_alive(connection)
        if token != self._row.token or not self._row.owner:
            return False
        self._open.add(connection)
        return True

    def commit(self, connection: int) -> None:
        self._must_be_alive(connection)
        self._open.discard(connection)

    def evict(self, connection: int, owner: str) -> None:
        row = self._row
        if row.backend != connection and (row.owner == owner or row.until < self._now):
            self._dead.add(row.backend)
            self._open.discard(row.backend)

    def holder(self) -> tuple[str, int, float]:
        return self._row.owner, self._row.token, self._row.until

    def pass_time(self, now: float) -> None:
        self._now = now

    def restart(self) -> None:
        self._dead.update(range(1, self._last + 1))
        self._open.clear()


class Way(Enum):
    """What an owner has asked the server for."""

    TAKE = auto()
    RENEW = auto()
    FREE = auto()
    MARK = auto()
    RECORD = auto()


_OF_THE_WRITER = frozenset({Way.TAKE, Way.MARK, Way.RECORD})
"""Over one connection: one after the other. The others have one of their own."""


@dataclass
class Asked:
    """On its way to the server, or its answer on the way back."""

    way: Way
    token: int
    asked_at: float
    connection: int
    chunk: int = 0
    done: Callable[[], None] | None = None
    """What the answer brings about at the owner; None: the server has not come to it."""
    open: bool = False
    """The server has passed the fence with it, and not committed."""


@dataclass
class Owner:
    """One process. It can be paused at any point: its steps simply don't come."""

    name: str
    rate: float
    offset: float
    tenure: Tenure
    connection: int
    last: int = 0
    """Its last token."""
    asked: list[Asked] = field(default_factory=list)
    marked: dict[int, int] = field(default_factory=dict)
    """Chunks with a mark that it knows to be durable, with the mark's token; not yet sent."""
    flying: set[int] = field(default_factory=set)
    wait: dict[int, float] = field(default_factory=dict)
    """Chunks in doubt since its takeover: when it may send them, by its clock."""
    next_slot: float = 0.0

    def now(self, real: float) -> float:
        return real * self.rate + self.offset


@dataclass(frozen=True)
class Begun:
    """A request whose first byte has left."""

    owner: str
    chunk: int
    at: float


class Leasing(RuleBasedStateMachine):
    """`server` and the rules below are what a subclass may change, to see whether it is found out."""

    fences = True
    checks_clock = True
    counts_from_asking = True
    waits_with_doubt = True
    spaces_the_first = True
    stops_before_freeing = True

    def new_server(self) -> Server:
        raise NotImplementedError

    @initialize(rates=st.tuples(*[st.sampled_from(_RATES)] * _OWNERS))
    def begin(self, rates: tuple[float, ...]) -> None:
        self.now = 1000.0
        self.server = self.new_server()
        self.server.pass_time(self.now)
        self.starts = 0
        self.owners = [self.start(rate) for rate in rates]
        self.chunks = dict.fromkeys(range(_CHUNKS), "pending")
        self.wire: list[Begun] = []
        self.orphans: list[tuple[Owner, Asked]] = []
        """Asked by owners that died or lost the connection meanwhile: the server may still come to it."""

    def start(self, rate: float) -> Owner:
        """A new process: it knows nothing of an earlier one."""
        self.starts += 1
        return Owner(f"owner {self.starts}", rate, 50.0 * self.starts, Tenure(LIFE), self.server.connect())

    # -- time, and what goes wrong

    @rule(seconds=st.sampled_from(_SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.server.pass_time(self.now)

    @rule(number=st.integers(0, _OWNERS - 1))
    def dies(self, number: int) -> None:
        owner = self.owners[number]
        self.orphans += [(owner, one) for one in owner.asked if one.done is None]
        self.owners[number] = self.start(owner.rate)

    @rule(number=st.integers(0, _OWNERS - 1))
    def loses_connection(self, number: int) -> None:
        """What was on its way may still take place, unless the backend is ended; the answers are lost."""
        owner = self.owners[number]
        self.orphans += [(owner, one) for one in owner.asked if one.way in _OF_THE_WRITER and one.done is None]
        owner.asked = [one for one in owner.asked if one.way not in _OF_THE_WRITER]
        owner.connection = self.server.connect()

    @rule()
    def server_restarts(self) -> None:
        self.server.restart()
        self.orphans.clear()
        for owner in self.owners:
            owner.asked.clear()
            owner.connection = self.server.connect()

    # -- an owner asks

    @rule(number=st.integers(0, _OWNERS - 1))
    def asks_to_take(self, number: int) -> None:
        """When nothing of its own is under way: the take would put in doubt what it doesn't know of yet."""
        owner = self.owners[number]
        under_way = any(one.way in _OF_THE_WRITER for one in owner.asked)
        if not under_way and not owner.tenure.holds(owner.now(self.now)):
            self._ask(owner, Way.TAKE)

    @rule(number=st.integers(0, _OWNERS - 1))
    def asks_to_renew(self, number: int) -> None:
        owner = self.owners[number]
        if owner.tenure.token:
            self._ask(owner, Way.RENEW)

    @rule(number=st.integers(0, _OWNERS - 1))
    def asks_to_free(self, number: int) -> None:
        """It has drained: nothing is in flight, and nothing begins from here on."""
        owner = self.owners[number]
        if owner.tenure.token and not owner.flying and not owner.asked:
            self._ask(owner, Way.FREE)
            if self.stops_before_freeing:
                owner.tenure.over()

    @rule(number=st.integers(0, _OWNERS - 1), chunk=st.integers(0, _CHUNKS - 1))
    def asks_to_mark(self, number: int, chunk: int) -> None:
        owner = self.owners[number]
        busy = chunk in owner.flying or chunk in owner.marked or self._asks(owner, Way.MARK)
        if owner.tenure.token and not busy and self.chunks[chunk] in {"pending", "doubt"}:
            self._ask(owner, Way.MARK, chunk)

    @rule(number=st.integers(0, _OWNERS - 1))
    def an_answer_of_the_api_comes(self, number: int) -> None:
        owner = self.owners[number]
        if owner.flying:
            chunk = min(owner.flying)
            if owner.tenure.token:
                owner.flying.discard(chunk)
                self._ask(owner, Way.RECORD, chunk)

    def _asks(self, owner: Owner, way: Way) -> bool:
        return any(one.way is way for one in owner.asked)

    def _ask(self, owner: Owner, way: Way, chunk: int = 0) -> None:
        owner.asked.append(Asked(way, owner.tenure.token or 0, owner.now(self.now), owner.connection, chunk))

    # -- the server comes to it

    @rule(number=st.integers(0, _OWNERS - 1), which=st.integers(0, 3))
    def server_comes_to(self, number: int, which: int) -> None:
        owner = self.owners[number]
        if asked := self._next([one for one in owner.asked if one.done is None], which):
            self._serve_or_not(owner, asked, owner.asked.remove)

    @rule(which=st.integers(0, 3))
    def server_comes_to_an_orphan(self, which: int) -> None:
        waiting = {id(one): owner for owner, one in self.orphans}
        if asked := self._next([one for _, one in self.orphans], which):
            owner = waiting[id(asked)]
            self._serve_or_not(owner, asked, lambda one: self.orphans.remove((owner, one)))
            self.orphans = [pair for pair in self.orphans if pair[1].done is None]

    def _next(self, waiting: list[Asked], which: int) -> Asked | None:
        if not waiting:
            return None
        asked = waiting[which % len(waiting)]
        if asked.way in _OF_THE_WRITER:
            same = [one for one in waiting if one.way in _OF_THE_WRITER and one.connection == asked.connection]
            return same[0]
        return asked

    def _serve_or_not(self, owner: Owner, asked: Asked, drop: Callable[[Asked], None]) -> None:
        try:
            self._serve(owner, asked)
        except Gone:
            drop(asked)
        except Blocked:
            if asked.way is Way.TAKE:
                self.server.evict(asked.connection, owner.name)

    def _serve(self, owner: Owner, asked: Asked) -> None:
        match asked.way:
            case Way.TAKE:
                token = self.server.take(asked.connection, owner.name)
                doubtful = self._put_in_doubt(owner, token) if token else []
                asked.done = lambda: self._taken(owner, asked, token, doubtful)
            case Way.RENEW:
                kept = self.server.renew(asked.token)
                asked.done = lambda: self._renewed(owner, asked, kept=kept)
            case Way.FREE:
                self.server.free(asked.token)
                asked.done = owner.tenure.over
            case Way.MARK | Way.RECORD if not asked.open:
                if self.server.begin_write(asked.connection, asked.token) or not self.fences:
                    asked.open = True
                else:
                    asked.done = owner.tenure.over
            case _:
                self.server.commit(asked.connection)
                self._committed(owner, asked)

    def _put_in_doubt(self, owner: Owner, token: int) -> list[int]:
        """In the transaction of the takeover: what is on the wire of another. Nothing, where the owner has followed
        itself.
        """
        known = owner.flying | owner.marked.keys() if owner.last and token == owner.last + 1 else set()
        doubtful = [chunk for chunk, state in self.chunks.items() if state == "sent" and chunk not in known]
        self.chunks.update(dict.fromkeys(doubtful, "doubt"))
        return [chunk for chunk, state in self.chunks.items() if state == "doubt"]

    def _committed(self, owner: Owner, asked: Asked) -> None:
        """A write is durable: the lease's token must be the write's own, or what it says comes too late."""
        assert self.server.holder()[1] == asked.token, "a write took place after a takeover"
        if asked.way is Way.MARK:
            if self.chunks[asked.chunk] not in {"pending", "doubt"}:
                asked.done = lambda: None
                return
            self.chunks[asked.chunk] = "sent"
            asked.done = lambda: owner.marked.update({asked.chunk: asked.token})
        else:
            assert self.chunks[asked.chunk] == "sent", "an answer was recorded for a chunk that another had taken"
            self.chunks[asked.chunk] = "settled"
            asked.done = lambda: None

    # -- several steps at once, as they come nearly always: so that the rare ones find something to disturb

    @rule(number=st.integers(0, _OWNERS - 1), chunk=st.integers(0, _CHUNKS - 1))
    def takes_and_marks(self, number: int, chunk: int) -> None:
        self.asks_to_take(number)
        self._through(number)
        self.asks_to_mark(number, chunk)
        self._through(number)

    @rule(number=st.integers(0, _OWNERS - 1), chunk=st.integers(0, _CHUNKS - 1))
    def marks(self, number: int, chunk: int) -> None:
        self.asks_to_mark(number, chunk)
        self._through(number)

    @rule(number=st.integers(0, _OWNERS - 1), chunk=st.integers(0, _CHUNKS - 1))
    def sends(self, number: int, chunk: int) -> None:
        self.marks(number, chunk)
        self.time_passes(0.6)
        self.begins_a_request(number)

    @rule(number=st.integers(0, _OWNERS - 1))
    def hands_over(self, number: int) -> None:
        self.an_answer_of_the_api_comes(number)
        self._through(number)
        self.asks_to_free(number)
        self._through(number)

    def _through(self, number: int) -> None:
        for _ in range(3):
            self.server_comes_to(number, 0)
        self.an_answer_of_the_server_comes(number, 0)

    # -- the owner learns

    @rule(number=st.integers(0, _OWNERS - 1), which=st.integers(0, 3))
    def an_answer_of_the_server_comes(self, number: int, which: int) -> None:
        owner = self.owners[number]
        answered = [one for one in owner.asked if one.done]
        if answered:
            asked = answered[which % len(answered)]
            owner.asked.remove(asked)
            assert asked.done
            asked.done()

    def _taken(self, owner: Owner, asked: Asked, token: int | None, doubtful: list[int]) -> None:
        if token is None:
            return
        now = owner.now(self.now)
        if token != owner.last + 1 or not owner.last:
            owner.flying.clear()
            owner.marked.clear()
            owner.wait = dict.fromkeys(doubtful, now + (_DOUBT_AFTER if self.waits_with_doubt else 0.0))
        owner.last = token
        owner.next_slot = max(owner.next_slot, now + (INTERVAL if self.spaces_the_first else 0.0))
        owner.tenure.granted(token, asked.asked_at if self.counts_from_asking else now)

    def _renewed(self, owner: Owner, asked: Asked, *, kept: bool) -> None:
        if kept:
            owner.tenure.renewed(asked.token, asked.asked_at if self.counts_from_asking else owner.now(self.now))
        elif owner.tenure.token == asked.token:
            owner.tenure.over()

    # -- the wire

    @rule(number=st.integers(0, _OWNERS - 1))
    def begins_a_request(self, number: int) -> None:
        owner = self.owners[number]
        now = owner.now(self.now)
        ready = [chunk for chunk in owner.marked if owner.wait.get(chunk, now) <= now]
        holds = owner.tenure.holds(now) or (not self.checks_clock and owner.tenure.token)
        if not ready or not holds or now < owner.next_slot:
            return
        chunk = ready[0]
        del owner.marked[chunk]
        owner.wait.pop(chunk, None)
        owner.flying.add(chunk)
        owner.next_slot = max(owner.next_slot, now - 0.01) + INTERVAL
        self._on_the_wire(Begun(owner.name, chunk, self.now))

    def _on_the_wire(self, begun: Begun) -> None:
        name, _, until = self.server.holder()
        assert name == begun.owner, f"{begun.owner} began a request in the lease of {name or 'nobody'}"
        assert until > self.now, "a request began after its lease"
        for earlier in self.wire:
            other = earlier.owner != begun.owner and earlier.chunk == begun.chunk
            assert not other or begun.at >= earlier.at + LIMIT, "sent again while the first request may be under way"
            assert begun.at - earlier.at > 0.9 * INTERVAL, "more than the quota"
        self.wire.append(begun)


_STEPS = [
    (name, sorted(found.arguments))
    for name, step in vars(Leasing).items()
    if (found := getattr(step, "hypothesis_stateful_rule", None))
]
_VALUES: dict[str, Sequence[object]] = {
    "seconds": _SECONDS,
    "number": range(_OWNERS),
    "chunk": range(_CHUNKS),
    "which": range(4),
}


def walk(machine: Leasing, dice: Random, steps: int = 60) -> None:
    """Random steps, some of which are frequent in this walk and others rare: a thousand times as fast as the library,
    which tries to be clever about each. Raises AssertionError for what must not be.
    """
    machine.begin(tuple(dice.choice(_RATES) for _ in range(_OWNERS)))
    weights = [dice.random() ** 2 for _ in _STEPS]
    for name, arguments in dice.choices(_STEPS, weights, k=steps):
        getattr(machine, name)(**{one: dice.choice(_VALUES[one]) for one in arguments})
