"""What an answer says of a chunk's serials, as the ledger keeps it: from it `verify` judges the answer again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from importer.ledger.packing import Damaged, seal, unseal
from importer.model import Answer, Verdict
from importer.words.recording import restored_said


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One request for a chunk and what came back, as the ledger holds it."""

    chunk: int
    """Id of the chunk that was sent, also where it was cut since."""
    n: int
    sent_at: str
    answered_at: str | None
    verdict: str
    http_status: int | None
    error: str
    message: str
    assigned: int
    """Serials that the answer names as Assigned."""
    existing: int
    digest: str
    """SHA-256 of the answer's body; empty where none came."""
    says: bytes


class _Says(msgspec.Struct, omit_defaults=True):
    """The part of an answer that is about serials and can't be told from their number."""

    statuses: dict[str, str] = {}
    existing: list[str] = []
    missing: list[str] = []
    named: list[str] = []
    exists: bool = False
    limit: int | None = None


_NOTHING = _Says()


def packed(answer: Answer) -> bytes:
    """Give what an answer says of serials, sealed; nothing where it names all as Assigned, or no serial at all."""
    says = _Says(
        statuses=dict(answer.statuses),
        existing=sorted(answer.existing),
        missing=list(answer.missing),
        named=list(answer.named),
        exists=answer.exists,
        limit=answer.limit,
    )
    return b"" if says == _NOTHING else seal(msgspec.json.encode(says))


def restored(attempt: StoredAttempt, serials: tuple[str, ...]) -> Answer:
    """Make the answer again. `serials` are those of the chunk that was sent. Raises Damaged where that can't be."""
    try:
        verdict = Verdict(attempt.verdict)
        says = msgspec.json.decode(unseal(attempt.says), type=_Says) if attempt.says else _NOTHING
    except (ValueError, msgspec.MsgspecError) as error:
        raise Damaged(f"what the answer to attempt {attempt.n} of chunk {attempt.chunk} said: {error}") from error
    others = {*says.statuses, *says.missing}
    assigned = frozenset(serials) - others if verdict is Verdict.SETTLED else frozenset[str]()
    if len(assigned) != attempt.assigned:
        raise Damaged(
            f"attempt {attempt.n} of chunk {attempt.chunk} counts {attempt.assigned} serials as assigned, "
            f"its answer names {len(assigned)}"
        )
    told: dict[str, Any] = {name: getattr(attempt, name) for name in ("http_status", "error", "digest")}
    return Answer(
        verdict,
        assigned=assigned,
        statuses=says.statuses,
        existing=frozenset(says.existing),
        missing=tuple(says.missing),
        named=tuple(says.named),
        exists=says.exists,
        limit=says.limit,
        message=restored_said(attempt.message),
        **told,
    )
