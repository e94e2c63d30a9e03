"""From a judged answer to what follows for the rows of its chunk; and the sums that must come out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from importer.errors import Exit
from importer.model import Answer, Chunk, ChunkState, Doubt, Fate, Outcome, Settlement, Verdict

ExistsMeans = Literal["unknown", "assigned"]

_ASSIGNED = Fate(Outcome.ASSIGNED)
_MISSING = Fate(Outcome.UNKNOWN, "answer_missing")
LOST = Fate(Outcome.UNKNOWN, "answer_lost")
HELD = Fate(Outcome.UNKNOWN, "held")
_MAYBE = Fate(Outcome.UNKNOWN, "exists_in_doubt")


def settle(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Settlement:
    """What follows from an answer (CONTRACT, "Where nothing may be lost")."""
    match answer.verdict:
        case Verdict.SETTLED:
            return _by_name(chunk, answer, exists_means)
        case Verdict.REFUSED if len(chunk.serials) > 1:
            return Settlement(ChunkState.CUT, parts=list(isolate(chunk.serials, answer.named)))
        case Verdict.REFUSED:
            return Settlement(ChunkState.SETTLED, _refused(chunk, answer, exists_means))
        case Verdict.PRODUCT:
            values = {"gtin": chunk.batch.gtin, "said": said(answer)}
            fate = Fate(Outcome.REFUSED, "product_not_registered", values)
            return Settlement(ChunkState.SETTLED, fate, stop_product=chunk.batch.gtin)
        case Verdict.TOO_LARGE:
            return _too_large(chunk, answer)
        case Verdict.DOUBT:
            return Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN)
        case _:
            return Settlement(ChunkState.PENDING)


def _by_name(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Settlement:
    if len(answer.assigned) == len(chunk.serials):
        return Settlement(ChunkState.SETTLED, _ASSIGNED)
    exceptions = [
        (place, _by_status(chunk, answer, serial, exists_means))
        for place, serial in enumerate(chunk.serials)
        if serial not in answer.assigned
    ]
    others = [(place, fate) for place, fate in exceptions if fate.outcome != Outcome.ASSIGNED]
    return Settlement(ChunkState.SETTLED, _ASSIGNED, others)


def _by_status(chunk: Chunk, answer: Answer, serial: str, exists_means: ExistsMeans) -> Fate:
    status = answer.statuses.get(serial)
    if status is None:
        return _MISSING
    if serial in answer.existing and chunk.doubt:
        return _ASSIGNED if exists_means == "assigned" else _MAYBE
    if serial in answer.existing:
        return Fate(Outcome.REFUSED, "already_exists", {"case": "status", "status": status})
    return Fate(Outcome.REFUSED, "status_not_assigned", {"status": status})


def _refused(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Fate:
    if answer.exists and chunk.doubt:
        return _ASSIGNED if exists_means == "assigned" else _MAYBE
    if answer.exists:
        return Fate(Outcome.REFUSED, "already_exists", {"said": said(answer)})
    return Fate(Outcome.REFUSED, "api_refused", {"said": said(answer)})


def said(answer: Answer) -> dict[str, Any]:
    """What the API said, as a part of a message: the text and name of its error."""
    what = {"code": "api_said", "text": answer.message} if answer.message else {"code": "no_reason"}
    return {**what, "case": "named", "error": answer.error} if answer.error else what


def _too_large(chunk: Chunk, answer: Answer) -> Settlement:
    count = len(chunk.serials)
    if count == 1:
        fate = Fate(Outcome.REFUSED, "request_too_large", {"said": said(answer)})
        return Settlement(ChunkState.SETTLED, fate)
    limit = min(answer.limit or count // 2, count - 1)
    return Settlement(ChunkState.CUT, parts=list(slices(count, limit)), limit=limit)


def slices(count: int, limit: int) -> Iterator[Sequence[int]]:
    """The places of a chunk in parts of at most `limit`, as even as can be."""
    parts = -(-count // limit)
    for part in range(parts):
        yield range(count * part // parts, count * (part + 1) // parts)


def isolate(serials: Sequence[str], named: Sequence[str]) -> Iterator[Sequence[int]]:
    """How a refused chunk is cut, to find the serials that are to blame: those named in the answer one by one, if they
    are not all; else in halves, which costs about 2·k·log2(n/k) requests for k bad ones among n.
    """
    blamed = set(named).intersection(serials)
    if 0 < len(blamed) < len(serials):
        places = {serial: place for place, serial in enumerate(serials)}
        yield from ([place] for place in sorted(places[serial] for serial in blamed))
        yield [place for place, serial in enumerate(serials) if serial not in blamed]
    else:
        yield from slices(len(serials), -(-len(serials) // 2))


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by outcome; all seven are there."""

    outcomes: Mapping[Outcome, int]

    def holds(self, rows: int) -> bool:
        """The identity: rows read = the sum of the seven."""
        return sum(self.outcomes.values()) == rows

    def exit_code(self, skipped_for_product: int) -> int:
        """The exit code of a run that came to its end.

        `skipped_for_product`: unsent rows whose product is not registered.
        """
        count = self.outcomes
        if count[Outcome.UNSENT] > skipped_for_product:
            return Exit.STOPPED
        if count[Outcome.UNKNOWN]:
            return Exit.UNKNOWN_ROWS
        wrong = count[Outcome.REJECTED] or count[Outcome.REFUSED] or count[Outcome.UNSENT]
        return Exit.WRONG_ROWS if wrong else Exit.DONE
