"""The words of the trade as values. Pure; imports nothing of the importer and nothing heavy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol

from importer.serial_text import SerialText


class Outcome(StrEnum):
    """What became of a row of the source. Each data row has exactly one (CONTRACT, "Outcomes")."""

    ASSIGNED = "assigned"
    ALREADY_ASSIGNED = "already_assigned"
    DECOMMISSIONED = "decommissioned"
    """In place of the first, in a run that takes back."""
    ALREADY_DECOMMISSIONED = "already_decommissioned"
    """In place of the second, likewise."""
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNSENT = "unsent"


class Action(StrEnum):
    """What a run asks the API to do with its serials."""

    COMMISSION = "commission"
    DECOMMISSION = "decommission"


_OF_COMMISSION = frozenset({Outcome.ASSIGNED, Outcome.ALREADY_ASSIGNED})
_OF_DECOMMISSION = frozenset({Outcome.DECOMMISSIONED, Outcome.ALREADY_DECOMMISSIONED})
OUTCOMES: Mapping[Action, tuple[Outcome, ...]] = {
    Action.COMMISSION: tuple(one for one in Outcome if one not in _OF_DECOMMISSION),
    Action.DECOMMISSION: tuple(one for one in Outcome if one not in _OF_COMMISSION),
}
"""The seven that a row of a run can have, in the order in which people see them."""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are to be told, as a stable snake_case `code` with values; `words` says it in their language."""

    code: str
    role: str = ""
    """The cell that it blames: serial, gtin, batch, expiry, or none."""
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What fills the holes of its sentence: what JSON can hold. `case` picks one of several sentences of a code."""

    def part(self) -> dict[str, Any]:
        """As a value of another message, or as JSON keeps it."""
        return {"code": self.code, **({"role": self.role} if self.role else {}), **self.values}

    @classmethod
    def of(cls, part: Mapping[str, Any]) -> Message:
        """What `part` gave."""
        values = {name: value for name, value in part.items() if name not in ("code", "role")}
        return Message(part["code"], part.get("role", ""), values)


Said = str | Mapping[str, Any]
"""What another one said, as it stands; or a part of a message."""


@dataclass(frozen=True, slots=True)
class Reject(Message):
    """Why a value or a row is not sent."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value that passed its checks, in the form that is sent. `notes` are codes of repairs and warnings."""

    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """The pharma batch: a product's GTIN (14 digits), batch number and expiry (YYMMDD, as sent)."""

    gtin: str
    batch: str
    expiry: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """The serials of one batch that go out in one request. `id` is the ledger's, `seq` counts within the run.

    `doubt`: an earlier request for these serials was sent and its answer lost, in whichever attempt or run.
    """

    id: int
    seq: int
    batch: Batch
    serials: SerialText
    doubt: bool = False
    alone: bool = False
    """Nothing else can be tried to see whether the API is there."""
    takes_back: bool = False
    """Its serials are to be decommissioned."""


class Verdict(StrEnum):
    """What one attempt has come to, judged from its answer alone. Doubt is decided here and nowhere else."""

    SETTLED = "settled"
    """An answer that names serials; it says what became of each (`assigned`, `statuses`, `missing`)."""
    REFUSED = "refused"
    """The API refused the whole request on account of its data (ValidationError, or "exists already")."""
    PRODUCT = "product"
    """ProductError: the product is not registered."""
    TOO_LARGE = "too_large"
    """413, or "at most N serials": nothing was taken; `limit` holds N where it was told."""
    NOT_TAKEN = "not_taken"
    """Known not to have been taken: never connected, or 429."""
    DOUBT = "doubt"
    """Sent, and no readable answer says what became of it: cut, timed out, 5xx, garbled."""
    TOKEN = "token"  # noqa: S105  a verdict's name, no secret
    """The token was refused as expired or revoked: nothing was taken."""
    DENIED = "denied"
    """NoTokenError, or access that no new token mends: nothing was taken, and no request will be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The judged answer to one attempt.

    `assigned` are those serials of the chunk that the answer names as Assigned (as decommissioned, if that was asked);
    `statuses` those that it names with
    any other status, `existing` those of them whose status says that they exist already; `missing` those that it
    doesn't name, or names with contradicting statuses. `extra` counts names that were not asked for.
    `exists` tells whether a refusal's text says that serials exist already. `named` are the chunk's serials that the
    text of an error names. `error` is the API's name of the error or a name of our own for what happened to the wire;
    `message` what the API said of it, at most 500 characters, without a secret, or what happened instead. `digest` is
    the SHA-256 of the body.
    `retry_after` in seconds; `reached` is False where no connection came about.
    """

    verdict: Verdict
    assigned: Collection[str] = frozenset()
    statuses: Mapping[str, str] = field(default_factory=dict)
    existing: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    extra: int = 0
    error: str = ""
    message: Said = ""
    exists: bool = False
    named: tuple[str, ...] = ()
    limit: int | None = None
    http_status: int | None = None
    retry_after: float | None = None
    reached: bool = True
    digest: str = ""
    seconds: float = 0.0
    page: bool = False
    """It is a web page, or bytes that are no text: no answer of the API."""
    redirected: bool = False
    stale: bool = False
    """It was sent on a kept connection that had died: that says nothing of the API."""
    held_back: bool = False
    """The request did not leave: the API went away, or the run was stopped, before its first byte."""
    undecided: bool = False
    """No answer came as often as it was sent, and nothing else was tried: the chunk may be to blame, or the API."""
    settled: Settlement | None = None
    """What follows from it, once it is recorded."""
    parts: tuple[int, ...] = ()
    """Ids of the chunks that its chunk was cut into, once it is recorded."""


class Commissioner(Protocol):
    """One interface for the client and everything wrapped around it (pace, record, retry)."""

    async def commission(self, chunk: Chunk) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet (or the only "sheet" of a CSV) of a source, as it was read."""

    name: str
    header_row: int
    """As a spreadsheet numbers rows; 0 where the list has no header."""
    columns: Mapping[str, str]
    """Role (serial, gtin, batch, expiry) to the header as it stands in the file."""
    headers: Sequence[str] = ()
    """All headers: what the columns could be chosen from."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source was read, for people: shown by `check` and kept with the run."""

    format: str
    """csv, xlsx, …"""
    encoding: str = ""
    delimiter: str = ""
    sheets: Sequence[Sheet] = ()
    remarks: Sequence[Message] = ()
    """What a planner should know (a hidden sheet, unused columns)."""
    cut_off: bool = False
    """A text list whose last line has no end and too few fields: it may not be complete."""


SANDBOX = "sandbox/"
"""Begins the target of a run into a sandbox inside the process, which forgets all when that ends."""


def is_sandbox(target: str) -> bool:
    return target.startswith(SANDBOX)


def same_target(one: str, other: str) -> bool:
    """Whether a run into one goes on in the other: any sandbox will do for any other."""
    return one == other or (is_sandbox(one) and is_sandbox(other))


class RunState(StrEnum):
    """staging → staged → running → finished | stopped; `resume` and `retry` take the last two back to running."""

    STAGING = "staging"
    """Its rows are on their way into the ledger. A kill leaves nothing: the next opening forgets the run."""
    STAGED = "staged"
    RUNNING = "running"
    """Being submitted, or its process was killed while it was."""
    STOPPED = "stopped"
    """Stopped early: some chunks are still to be sent."""
    FINISHED = "finished"


class ChunkState(IntEnum):
    """PENDING → SENT → PENDING | SETTLED | CUT; a retry takes SETTLED back to PENDING."""

    PENDING = 0
    """To be sent, for the first time or again."""
    SENT = 1
    """A request is on the wire. Found so after a crash: its answer is lost, the chunk is in doubt."""
    SETTLED = 2
    """Each of its rows has its outcome."""
    CUT = 3
    """Replaced by smaller chunks that hold its rows."""


class Doubt(IntEnum):
    """Whether an answer for these serials was ever lost. It only grows."""

    NONE = 0
    EARLIER_RUN = 1
    THIS_RUN = 2


@dataclass(frozen=True, slots=True)
class Fate:
    """An outcome with its reason; the code is empty for what went well."""

    outcome: Outcome
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Of the message that the code stands for, or the outcome if there is no code."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some serials of a chunk that become a chunk of their own."""

    places: Sequence[int]
    """Of the serials in the chunk, ascending."""
    fate: Fate | None = None
    """What became of them; None: they are to be sent."""
    doubt: Doubt = Doubt.NONE
    """How much at least; the part keeps what the chunk has."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What follows for a chunk from one answer, or from none."""

    state: ChunkState
    """SETTLED with a `fate`, CUT into `parts`, or PENDING: to be sent again."""
    fate: Fate | None = None
    """Of all its serials: a chunk has one. Serials that end differently become parts."""
    parts: Sequence[Part] = ()
    """Together they are the whole chunk."""
    doubt: Doubt = Doubt.NONE
    limit: int | None = None
    """The most serials that the API takes in one request, where the answer told or implied it."""
    stop_product: str = ""
    """The GTIN that the API doesn't know."""
    skipped: Fate | None = None
    """What becomes of the chunks of that product that were not sent."""

    def outcomes(self, count: int) -> Counter[Outcome]:
        """How many of the chunk's `count` serials have each outcome now; those that are to be sent have none."""
        if self.state == ChunkState.CUT:
            return sum((Counter({p.fate.outcome: len(p.places)}) for p in self.parts if p.fate), Counter())
        return Counter({self.fate.outcome: count}) if self.fate else Counter()
