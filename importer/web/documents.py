"""What pages show and the API answers, as types: the OpenAPI document is made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from importer.model import Message, Reading

Counts = Annotated[dict[str, int], Meta(description="Rows by outcome, all seven.")]
Code = Annotated[str, Meta(description="A stable code.")]
if TYPE_CHECKING:
    ForPeople = Message | str
else:
    ForPeople = Annotated[str, Meta(description="In the language of Accept-Language.")]
Phase = Literal["", "waiting", "opening", "reading", "sending", "reporting", "stopping", "paused", "staged", "running", "stopped", "finished"]  # fmt: skip  # noqa: E501
"""Empty: not in the queue. The last four are the ledger's."""


class Health(Struct, frozen=True):
    ok: Annotated[bool, Meta(description="The server is alive.")]
    ready: Annotated[bool, Meta(description="It can import: /api/health/ready answers 503 where it can't.")]
    not_ready: Annotated[list[str], Meta(description="Why: ledger, report_dir, uploads, worker.")]
    version: str


class Session(Struct, frozen=True):
    user: str
    role: Annotated[str, Meta(description="viewer, planner or releaser.")]
    csrf: Annotated[str, Meta(description="For the header X-CSRF-Token, with the cookie that comes with it.")]
    target: str


class Error(Struct, frozen=True):
    error: Annotated[str, Meta(description='A stable code, or "failed".')]
    message: ForPeople


class Done(Struct, frozen=True):
    """Nothing more to say."""


class UploadLine(Struct, frozen=True, kw_only=True):
    """A list that waits to be confirmed."""

    id: str
    name: str
    bytes: int
    sha256: str
    by: str
    at: str
    fault: ForPeople
    """Why an import of it came to nothing."""


class Uploaded(Struct, frozen=True):
    uploads: list[UploadLine]


class Example(Struct, frozen=True):
    """A wrong row of a list."""

    key: Annotated[str, Meta(description="Names the row in corrections.")]
    sheet: str
    row: int
    serial: str
    gtin: str
    batch: str
    expiry: str
    message: ForPeople


class Problem(Struct, frozen=True):
    code: Code
    rows: int
    examples: list[Example]


class BatchLine(Struct, frozen=True):
    """Rows of a batch by what a run would do with them; all names are empty for rows whose batch can't be told."""

    gtin: str
    batch: str
    expiry_date: str
    rows: int
    to_send: int
    already_assigned: int
    duplicate: int
    rejected: int


class EarlierRun(Struct, frozen=True):
    run: str
    state: str
    attention: bool
    started_at: str
    user: str
    sandbox: bool


class Preview(Struct, frozen=True):
    """What a run would do with a list."""

    seen: Annotated[str, Meta(description="Stands for this preview; a confirmation must hold it.")]
    rows: int
    to_send: int
    already_assigned: int
    duplicate: int
    rejected: Annotated[
        int, Meta(description="Rows that are wrong; those that were left out by hand are not among them.")
    ]
    left_out: int
    batches_to_send: int
    requests: int
    seconds: float | None
    requests_per_second: float | None
    reading: Reading
    batches: list[BatchLine]
    problems: list[Problem]
    warnings: dict[str, int]
    imported_before: list[EarlierRun]
    goes_on_with: Annotated[
        str, Meta(description="The run of the same list that stopped early; confirming goes on with it.")
    ]


class Upload(UploadLine, frozen=True, kw_only=True):
    """A list before it is confirmed."""

    follows: Annotated[str, Meta(description="The run whose rejected rows it holds.")] = ""
    options: dict[str, Any]
    edits: dict[str, dict[str, str]]
    version: int
    run: str
    imported: bool
    state: Literal["reading", "ready", "failed", "confirmed"]
    rows_read: int = 0
    error: ForPeople = ""
    headers: list[str] = []
    preview: Preview | None = None


class Fault(Struct, frozen=True):
    """One thing that is wrong with a row."""

    code: Code
    role: Annotated[str, Meta(description="The cell that it blames; empty: the row.")]
    message: ForPeople
    suggestion: Annotated[str, Meta(description="What to put there instead; empty if that can't be told.")]


class GridRow(Struct, frozen=True):
    """A row that can be corrected, as it is now."""

    key: Annotated[str, Meta(description="Names the row in corrections.")]
    sheet: str
    row: int
    serial: str
    gtin: str
    batch: str
    expiry: str
    as_read: Annotated[dict[str, str], Meta(description="What the file has, of cells that were corrected.")]
    left_out: bool
    confirmed: bool
    can_confirm: Annotated[bool, Meta(description="Whether a person's word settles what is wrong.")]
    faults: list[Fault]


class Offer(Struct, frozen=True, kw_only=True):
    """What can be done to all rows of a problem at once."""

    kind: Literal["fill", "replace", "suggested", "align", "leave_out", "confirm"]
    code: Code
    rows: int
    role: str = ""
    old: str = ""
    new: Annotated[str, Meta(description="Empty where a person has to say it.")] = ""
    gtin: str = ""
    batch: str = ""
    others: Annotated[int, Meta(description="Rows of the batch that have the new value already.")] = 0
    choices: list[str] = []
    samples: Annotated[list[tuple[str, str]], Meta(description="Old and new value of some rows.")] = []


class ChangeLine(Struct, frozen=True):
    """What one person corrected at once."""

    number: int
    at: str
    by: str
    kind: str
    rows: int
    values: dict[str, Any]
    undone_at: str
    undone_by: str


class Kind(Struct, frozen=True):
    code: Code
    rows: int


class Grid(Struct, frozen=True, kw_only=True):
    """Some rows of a list, to be corrected."""

    version: int
    checked: Annotated[bool, Meta(description="Whether the whole list was checked since the last change.")]
    to_send: int | None
    rejected: int | None
    left_out: int | None
    kinds: list[Kind]
    rows: list[GridRow]
    start: int = 0
    total: int = 0
    beyond: Annotated[int, Meta(description="Further wrong rows that are not shown.")] = 0
    offers: list[Offer] = []
    changes: list[ChangeLine] = []


class Slowness(Struct, frozen=True, omit_defaults=True):
    """What costs time, with its figure."""

    code: Code
    count: int | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    limit: float | UnsetType = UNSET


class Standing(Struct, frozen=True):
    """Where a run stands in the queue, and how it goes."""

    phase: Phase = ""
    kind: Literal["import", "resume", "retry", ""] = ""
    ahead: int = 0
    waits_for: ForPeople = ""
    fault: ForPeople = ""
    rows_read: int = 0
    serials_per_second: float = 0
    seconds_left: float | None = None
    slowed_by: list[Slowness] = []


class QueueLine(Standing, frozen=True, kw_only=True):
    run: str
    name: str
    by: str
    at: str


class RunLine(Struct, frozen=True, kw_only=True):
    run: str
    state: str
    source: str
    target: str
    sandbox: bool
    rows: int
    user: str
    started_at: str
    ended_at: str | None
    exit_code: int | None = None
    attention: Annotated[bool, Meta(description="Whether it stopped early, or ended with rows that are open.")] = False
    outcomes: Counts
    to_send: int
    phase: str = ""


class WaitingLine(UploadLine, frozen=True, kw_only=True):
    """A list that waits, with what is known of it."""

    state: Literal["reading", "ready", "failed"]
    rows: int = 0
    to_send: int = 0
    rejected: int = 0
    error: ForPeople = ""
    corrected: Annotated[int, Meta(description="Rows that were corrected or left out by hand.")] = 0


class DiscardedLine(UploadLine, frozen=True, kw_only=True):
    """A list that was discarded, which can be taken back for a while."""

    discarded_at: str
    discarded_by: str
    removed_at: str


class Overview(Struct, frozen=True):
    waiting: list[WaitingLine]
    discarded: list[DiscardedLine]
    queue: list[QueueLine]
    latest: list[RunLine]


class Runs(Struct, frozen=True):
    runs: list[RunLine]
    most: Annotated[int, Meta(description="Runs of one answer.")]
    total: Annotated[int, Meta(description="Runs that fit.")]
    start: int = 0


class SourceFacts(Struct, frozen=True):
    name: str
    sha256: str = ""
    bytes: int = 0
    rows: int = 0


class Piece(Struct, frozen=True):
    """Of a batch's bar, in thousandths."""

    outcome: str
    start: float
    width: float


class BatchBar(Struct, frozen=True):
    gtin: str
    batch: str
    expiry_date: str
    rows: int
    outcomes: Counts
    pieces: list[Piece]


class RunExample(Struct, frozen=True):
    """A row that was not assigned."""

    sheet: str
    row: str
    serial: str
    gtin: str
    batch: str
    expiry: str
    outcome: str
    message: ForPeople


class RunProblem(Struct, frozen=True):
    code: Code
    rows: int
    examples: list[RunExample]


class Requests(Struct, frozen=True):
    sent: int = 0
    retried: int = 0
    seconds: float = 0.0


class ReportFile(Struct, frozen=True):
    name: str
    kind: str
    bytes: int


class Comment(Struct, frozen=True):
    """What a person wrote for the record, as it was written."""

    at: str
    user: str
    event: str
    text: str


class RunEvent(Struct, frozen=True):
    """Who did what with a run or its list, when and from where; `after` is missing where it was cut short."""

    at: str
    event: str
    user: str
    user_claimed: str
    place: Annotated[dict[str, str], Meta(description="host, tty, address, door.")]
    before: dict[str, Any]
    after: dict[str, Any] | None
    comment: str


class Correction(Struct, frozen=True):
    """A cell that was corrected on the page, or (column "accept") a code of suspect values that was accepted."""

    row: str
    column: str
    old: str | None
    new: str
    by: str
    at: str
    sheet: str


class Run(Standing, frozen=True, kw_only=True):
    """A run, also while it waits or goes on."""

    run: str
    state: str
    source: SourceFacts
    user: str
    host: str = ""
    target: str = ""
    sandbox: bool = False
    undoes: str = ""
    started_at: str
    ended_at: str | None = None
    stopped_by: ForPeople = ""
    exit_code: int | None = None
    rows: int = 0
    outcomes: Counts
    identity_holds: bool = True
    to_send: int = 0
    to_retry: int = 0
    """Serials that a retry would send."""
    can_retry: bool = False
    can_go_on: bool = False
    batches: list[BatchBar] = []
    batches_in_all: int = 0
    problems: list[RunProblem] = []
    warnings: dict[str, int] = {}
    requests: Requests = Requests()
    files: list[ReportFile] = []
    corrections: list[Correction] = []
    corrections_in_all: int = 0
    release: dict[str, Any] = {}
    """Who uploaded, changed and released it, when, and the checksum of what that person saw."""
    queued: bool = False
    comments: list[Comment] = []
    events: list[RunEvent] = []


class Trace(Struct, frozen=True):
    """What became of a serial in one run."""

    run: str
    source: str
    user: str
    row: int
    sheet: str
    gtin: str
    batch: str
    expiry_date: str
    outcome: str
    code: Code
    message: ForPeople
    chunk: int | None
    attempts: int
    recorded_at: str


class Traces(Struct, frozen=True):
    serial: str = ""
    gtin: str = ""
    asked: Annotated[str, Meta(description="What was asked for: a serial, or the scanned code that holds it.")] = ""
    fault: Annotated[ForPeople, Meta(description="Why a scanned code can't be read.")] = ""
    found: list[Trace] = []


class Confirmed(Struct, frozen=True):
    run: str
