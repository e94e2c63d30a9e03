"""What the sandbox does to a request on purpose, and to which request. Knows nothing of HTTP and of serials."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class On(StrEnum):
    """The request classes. A fault that is on `ANY` counts each class by itself."""

    AUTH = "auth"
    COMMISSION = "commission"
    DECOMMISSION = "decommission"
    ANY = "any"


class Kind(StrEnum):
    """What happens. *Before*: nothing of the request is taken. *After*: the work is done, and its answer spoilt."""

    LATENCY = "latency"
    """Waits `seconds` plus up to `jitter` more, then works, even if the client has gone. Goes with other faults."""
    TOO_MANY = "429"
    """Before. `retry_after` as in `Fault`."""
    UNAVAILABLE = "503"
    """Before. `retry_after` as in `Fault`."""
    ERROR_BEFORE = "error_before"
    """A 5xx (`status`, 500) in the error shape."""
    ERROR_AFTER = "error_after"
    DROP_BEFORE = "drop_before"
    """The connection is cut without a byte of an answer."""
    DROP_AFTER = "drop_after"
    TRUNCATE = "truncate"
    """After. Half of the body comes, though Content-Length says more; then the connection is cut."""
    HANG_BEFORE = "hang_before"
    """No byte comes until the client goes, or for `seconds` (300); then the connection is cut."""
    HANG_AFTER = "hang_after"
    HTML_BEFORE = "html_before"
    """A proxy's page instead of JSON, with `status` (502)."""
    HTML_AFTER = "html_after"
    GARBLE = "garble"
    """After. 200 and a body of the right length that is not JSON."""
    UNSUCCESSFUL_BEFORE = "unsuccessful_before"
    """`"success": false` at `status` (200), an InternalError in the error shape."""
    UNSUCCESSFUL_AFTER = "unsuccessful_after"
    REDIRECT = "redirect"
    """Before. `status` (307) to `location`, without which it is the commission path here."""
    REVOKE = "revoke"
    """Before. The token of this very request is revoked for good, a static one too."""


AFTER = frozenset(
    {Kind.ERROR_AFTER, Kind.DROP_AFTER, Kind.TRUNCATE, Kind.HANG_AFTER}
    | {Kind.HTML_AFTER, Kind.GARBLE, Kind.UNSUCCESSFUL_AFTER},
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, on which requests. All of `probability` and the counts that are given must hold.

    The counts number the requests of a class from 1, whatever became of them: `first` N, `every` Nth, the one `at` N,
    all `since` N. `retry_after` is sent as it stands ("2", "soon"), "date:2" as the HTTP date two seconds from now,
    "" not at all. `since_seconds` and `until_seconds` count from the sandbox's start: an outage.
    """

    kind: Kind
    on: On = On.COMMISSION
    probability: float = 1.0
    first: int | None = None
    every: int | None = None
    at: int | None = None
    since: int | None = None
    since_seconds: float | None = None
    until_seconds: float | None = None
    seconds: float | None = None
    jitter: float = 0.0
    status: int | None = None
    retry_after: str = ""
    location: str = ""

    def counts(self, number: int, elapsed: float) -> bool:
        return (
            (self.since_seconds or 0.0) <= elapsed < (math.inf if self.until_seconds is None else self.until_seconds)
            and (self.first is None or number <= self.first)
            and (self.every is None or number % self.every == 0)
            and (self.at is None or number == self.at)
            and (self.since is None or number >= self.since)
        )


@dataclass(frozen=True, slots=True)
class Roll:
    """What one request gets: the sum of all latencies, and the first of the other faults that struck."""

    latency: float = 0.0
    fault: Fault | None = None


class Dice:
    """Each fault has a seeded chance of its own for each class: what strikes the Nth request hangs on nothing else."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        classes: list[On] = [on for on in On if on is not On.ANY]
        self._numbers: Counter[On] = Counter()
        self._faults: dict[On, list[tuple[Fault, random.Random]]] = {
            on: [
                (fault, random.Random(f"{seed}/{index}/{on}"))  # noqa: S311  a seeded chance is the point
                for index, fault in enumerate(faults)
                if fault.on in (on, On.ANY)
            ]
            for on in classes
        }

    def roll(self, on: On, elapsed: float) -> Roll:
        """What the next request of a class gets, `elapsed` seconds after the start."""
        self._numbers[on] += 1
        latency, chosen = 0.0, None
        for fault, chance in self._faults[on]:
            draw, share = chance.random(), chance.random()  # both each time, so that the sequence stays the same
            if draw >= fault.probability or not fault.counts(self._numbers[on], elapsed):
                continue
            if fault.kind is Kind.LATENCY:
                latency += (fault.seconds or 0.0) + fault.jitter * share
            elif chosen is None:
                chosen = fault
        return Roll(latency, chosen)
