"""Whether the API is there: one state for all workers. Pure: the clock is an argument, and nothing here waits.

An API is **away** when several chunks in a row got no answer of it: a 5xx, a cut or timed-out connection, a web page.
So it is at the first web page where it has never answered: no chunk causes that. Then nothing new leaves; one chunk,
in doubt already where there is one, is tried again with growing waits. Any answer of the API ends that. When patience
is over, the API is **gone**.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from importer.model import Answer, Verdict

SEVERAL = 3
"""Chunks in a row without an answer that make an API away. Of an API that loses every fifth answer at random, one time
in 125 that is a false alarm, which costs one wait of `backoff_seconds`."""
FIRST_PATIENCE = 30.0
"""Seconds for an API that has never answered, as far as the ledger knows, where a web page came, no connection or no
token: rather a wrong address or a login in between than an outage, and nothing but perhaps one chunk was sent."""


TOKEN = "token"  # noqa: S105  a name, no secret
"""The asker of token requests. They may go while the API is away: without a token nothing else can be tried."""


class Sign(Enum):
    """What an answer shows of the API's health."""

    WELL = auto()
    """An answer of the API, whatever it says."""
    BUSY = auto()
    """It is there and takes nothing now: 429."""
    AWAY = auto()
    """What came is no answer of it, or nothing came; the request may have been taken."""
    STRANGER = auto()
    """A web page, with a status that no gateway gives for an outage."""
    ABSENT = auto()
    """No connection came about."""


_NO_ANSWER = frozenset({Sign.AWAY, Sign.STRANGER, Sign.ABSENT})
_RATHER_WRONG = frozenset({Sign.STRANGER, Sign.ABSENT})


def sign_of(answer: Answer) -> Sign | None:
    """What an answer shows; None for a request that never tried to leave, or went out on a connection long dead."""
    if answer.held_back:
        return None
    match answer.verdict:
        case Verdict.NOT_TAKEN:
            return Sign.BUSY if answer.reached else Sign.ABSENT
        case Verdict.DOUBT if answer.stale:
            return None
        case Verdict.DOUBT if answer.page and (answer.http_status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Sign.STRANGER
        case Verdict.DOUBT:
            return Sign.AWAY
        case Verdict.DENIED if answer.page:
            return Sign.STRANGER
        case Verdict.TOKEN if answer.http_status is None:
            return None
        case _:
            return Sign.WELL


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why requests wait or the run ends: since when the API has taken nothing, until when it is waited for, and what
    came back last. Both are moments of the clock that was given.
    """

    since: float
    until: float
    sign: Sign
    last: Answer


@dataclass(slots=True)
class _Row:
    """Requests one after the other that got no answer of the API, or a 429."""

    since: float = math.inf
    sign: Sign = Sign.WELL
    last: Answer | None = None
    last_at: float = -math.inf
    failures: int = 0
    failing: set[object] = field(default_factory=set)
    rather_wrong: bool = True
    """All of them look like a wrong address rather than an outage."""
    away: bool = False
    tries: int = 0
    next_try: float = -math.inf
    prober: object = None


class Health:
    """The state. An `asker` is whatever sends requests: a chunk by its id, the token endpoint by a name of its own."""

    def __init__(
        self,
        *,
        patience: float,
        attempts: int,
        delay: Callable[[int], float],
        replays: bool = True,
        several: int = SEVERAL,
        first_patience: float = FIRST_PATIENCE,
        known: bool = False,
    ) -> None:
        """`patience` and `delay` (after the try with that number, from 1) in seconds.

        `replays` is False where a lost answer is never sent again (unknown.policy = "hold"): then nothing can be tried
        while the API is away, and after a first lost answer requests leave one by one, until one is answered.
        `known`: the API has answered before, in another session.
        """
        self._patience = patience
        self._attempts = attempts
        self._delay = delay
        self._replays = replays
        self._several = several
        self._first_patience = min(first_patience, patience)
        self._row = _Row()
        self._out: set[object] = set()
        self._lost: set[object] = set()
        self.known = known
        """Whether an answer of the API has come, in this session or before."""
        self.outages = 0
        """How often it was away until now: what a chunk tried before the last outage ended says nothing of it."""

    @property
    def away(self) -> bool:
        return self._row.away

    def may_go(self, asker: object, now: float) -> float:
        """Seconds until the asker may send a request: 0 now, infinite: not before something has changed."""
        row = self._row
        if not row.away:
            one_by_one = not self._replays and row.failures
            return math.inf if one_by_one and self._out - {asker} else 0.0
        if row.prober is None or (self._lost and row.prober not in self._lost):
            row.prober = asker if asker in self._lost or not self._lost else None
        return max(0.0, row.next_try - now) if asker in {row.prober, TOKEN} else math.inf

    def trouble(self) -> Trouble | None:
        """What is wrong, where something is."""
        row = self._row
        if row.last is None or not (row.away or row.sign is Sign.BUSY):
            return None
        patience = self._first_patience if row.rather_wrong and not self.known else self._patience
        return Trouble(row.since, row.since + patience, row.sign, row.last)

    def gone(self, now: float) -> bool:
        """Whether patience is over, after a last try where one can be made."""
        trouble = self.trouble()
        if trouble is None:
            return False
        if self._row.away and not self._replays:
            return True
        return now >= trouble.until and (self._row.last_at >= trouble.until or trouble.sign is Sign.BUSY)

    def began(self, asker: object) -> None:
        """A request of the asker is on its way out."""
        self._out.add(asker)

    def ended(self, asker: object, answer: Answer, now: float) -> None:
        """What became of it."""
        self._out.discard(asker)
        sign = sign_of(answer)
        if answer.stale and not self._replays:
            sign = Sign.AWAY  # there is no second try that could tell
        if sign in _NO_ANSWER:
            self._fail(asker, sign, answer, now)
        elif sign is Sign.BUSY:
            self.known = True
            self._note(sign, answer, now)
        elif sign is Sign.WELL:
            self.known = True
            self._lost.discard(asker)
            self._row = _Row()

    def forget(self, asker: object) -> None:
        """The asker asks no more, whatever became of it."""
        self._out.discard(asker)
        self._lost.discard(asker)
        if self._row.prober == asker:
            self._row.prober = None

    def told(self, now: float) -> dict[str, Any]:
        """What another process that goes on in its place must know: since when the API is away, and what came back."""
        row = self._row
        if not row.away or row.last is None:
            return {"known": self.known}
        last = {"error": row.last.error, "message": row.last.message, "http_status": row.last.http_status}
        return {
            "known": self.known,
            "away": now - row.since,
            "next": max(0.0, row.next_try - now),
            "tries": row.tries,
            "sign": row.sign.name,
            "last": last,
        }

    def take_up(self, told: Mapping[str, Any], now: float) -> None:
        """Go on from what another process told at this moment of this one's clock."""
        self.known = bool(told.get("known"))
        if "away" in told:
            last = Answer(Verdict.DOUBT, **told["last"])
            self._row = _Row(now - told["away"], Sign[told["sign"]], last, now - told["away"], rather_wrong=False)
            self._row.away, self._row.tries, self._row.next_try = True, told["tries"], now + told["next"]
            self.outages += 1

    def _note(self, sign: Sign, answer: Answer, now: float) -> None:
        row = self._row
        row.since, row.sign, row.last, row.last_at = min(row.since, now), sign, answer, now

    def _fail(self, asker: object, sign: Sign, answer: Answer, now: float) -> None:
        self._note(sign, answer, now)
        row = self._row
        row.failures += 1
        row.failing.add(asker)
        row.rather_wrong = row.rather_wrong and (sign in _RATHER_WRONG or asker == TOKEN)
        if answer.verdict is Verdict.DOUBT:
            self._lost.add(asker)
        if row.away:
            if asker in {row.prober, TOKEN}:
                self._put_off(now)
            return
        several = len(row.failing) >= self._several or (sign is Sign.STRANGER and not self.known)
        no_chunk_s_fault = len(row.failing) > 1 or asker == TOKEN or sign is Sign.ABSENT
        if several or (row.failures >= self._attempts and no_chunk_s_fault):
            self._go_away(now)

    def is_alone(self, asker: object) -> bool:
        """Whether only this asker was tried of late, as often as may be: nothing shows whether it is to blame, or the
        API.
        """
        return self._row.failing == {asker} and self._row.failures >= self._attempts

    def presume_away(self, now: float) -> None:
        """Nothing else can be tried to find out."""
        if not self._row.away:
            self._go_away(now)

    def _go_away(self, now: float) -> None:
        self._row.away = True
        self.outages += 1
        self._put_off(now)

    def _put_off(self, now: float) -> None:
        """The next try comes after a growing wait, the last one when patience is over."""
        row, trouble = self._row, self.trouble()
        row.tries += 1
        row.next_try = now + self._delay(row.tries)
        if trouble and now < trouble.until < row.next_try:
            row.next_try = trouble.until
