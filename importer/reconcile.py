"""From a judged answer to what follows for the rows of its chunk; and the sums that must come out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Literal

from importer.errors import Exit
from importer.model import Action, Answer, Chunk, ChunkState, Doubt, Fate, Outcome, Part, Settlement, Verdict

ExistsMeans = Literal["unknown", "assigned"]
PRODUCT_NOT_REGISTERED = "product_not_registered"
ALREADY = frozenset({Outcome.ALREADY_ASSIGNED, Outcome.ALREADY_DECOMMISSIONED})
"""Outcomes of a row for which another run has done what was asked."""
GOOD = frozenset({Outcome.ASSIGNED, Outcome.DECOMMISSIONED, *ALREADY})
"""Outcomes of a row for which was done what was asked."""

IN_DOUBT = frozenset({"exists_in_doubt", "gone_in_doubt"})
"""Codes of a serial that exists already, or is gone, which may be this importer's own work: no failure of the run."""
RESOLVED_ASSIGNED, RESOLVED_NOT_ASSIGNED = "resolved_assigned", "resolved_not_assigned"
"""Codes of rows that a person has looked up, since no answer says what became of them."""
_ASSIGNED = Fate(Outcome.ASSIGNED)
_DECOMMISSIONED = Fate(Outcome.DECOMMISSIONED)
_MISSING = Fate(Outcome.UNKNOWN, "answer_missing")
LOST = Fate(Outcome.UNKNOWN, "answer_lost")
HELD = Fate(Outcome.UNKNOWN, "held")
_MAYBE = Fate(Outcome.UNKNOWN, "exists_in_doubt")
_MAYBE_GONE = Fate(Outcome.UNKNOWN, "gone_in_doubt")
_STILL_THERE = "assigned"


def settle(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Settlement:
    """What follows from an answer (CONTRACT, "Where nothing may be lost")."""
    match answer.verdict:
        case Verdict.SETTLED:
            return _by_name(chunk, answer, exists_means)
        case Verdict.REFUSED if len(chunk.serials) > 1 and len(answer.named) < len(chunk.serials):
            return cut_into(isolate(chunk.serials, answer.named))
        case Verdict.REFUSED:
            return Settlement(ChunkState.SETTLED, _refused(chunk, answer, exists_means))
        case Verdict.PRODUCT:
            return _unregistered(chunk.batch.gtin, answer)
        case Verdict.TOO_LARGE:
            return _too_large(chunk, answer)
        case Verdict.DOUBT:
            return Settlement(ChunkState.PENDING, doubt=Doubt.THIS_RUN)
        case _:
            return Settlement(ChunkState.PENDING)


def named_in_evidence(gtin: str, serial: str) -> str:
    """How the event of a lookup names a serial."""
    return f"{gtin} {serial}"


def cut_into(parts: Iterable[Sequence[int]]) -> Settlement:
    """A chunk is cut into parts that are to be sent; each is given by its places."""
    return Settlement(ChunkState.CUT, parts=[Part(places) for places in parts])


def _by_name(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Settlement:
    if len(answer.assigned) == len(chunk.serials):
        return Settlement(ChunkState.SETTLED, done(chunk))
    alike: dict[tuple[str, str, str], tuple[Fate, list[int]]] = {}
    for place, serial in enumerate(chunk.serials):
        fate = done(chunk) if serial in answer.assigned else _by_status(chunk, answer, serial, exists_means)
        told = str(fate.values.get("status", ""))
        alike.setdefault((fate.outcome, fate.code, told), (fate, []))[1].append(place)
    parts = [Part(places, fate) for fate, places in alike.values()]
    return Settlement(ChunkState.CUT, parts=parts) if len(parts) > 1 else Settlement(ChunkState.SETTLED, parts[0].fate)


def _by_status(chunk: Chunk, answer: Answer, serial: str, exists_means: ExistsMeans) -> Fate:
    status = answer.statuses.get(serial)
    if status is None:
        return _MISSING
    if serial in answer.existing and chunk.doubt:
        return _done_before(chunk, exists_means)
    if serial in answer.existing:
        return Fate(Outcome.REFUSED, _before(chunk), {"case": "status", "status": status})
    if chunk.takes_back and status.casefold() != _STILL_THERE:
        return Fate(Outcome.UNKNOWN, "status_not_decommissioned", {"status": status})  # which one says so is not public
    return Fate(Outcome.REFUSED, "status_not_assigned", {"status": status})


def _refused(chunk: Chunk, answer: Answer, exists_means: ExistsMeans) -> Fate:
    if answer.exists and chunk.doubt:
        return _done_before(chunk, exists_means)
    if answer.exists:
        return Fate(Outcome.REFUSED, _before(chunk), {"said": said(answer)})
    return Fate(Outcome.REFUSED, "api_refused", {"said": said(answer)})


def done(chunk: Chunk) -> Fate:
    """The fate of serials with which was done what was asked."""
    return _DECOMMISSIONED if chunk.takes_back else _ASSIGNED


def _done_before(chunk: Chunk, exists_means: ExistsMeans) -> Fate:
    """It exists already, or is gone, and an earlier answer for it was lost."""
    if exists_means == "assigned":
        return done(chunk)
    return _MAYBE_GONE if chunk.takes_back else _MAYBE


def _before(chunk: Chunk) -> str:
    return "already_gone" if chunk.takes_back else "already_exists"


def said(answer: Answer) -> dict[str, Any]:
    """What the API said, as a part of a message: the text and name of its error."""
    what = {"code": "api_said", "text": answer.message} if answer.message else {"code": "no_reason"}
    return {**what, "case": "named", "error": answer.error} if answer.error else what


def _unregistered(gtin: str, answer: Answer) -> Settlement:
    values = {"gtin": gtin, "said": said(answer)}
    return Settlement(
        ChunkState.SETTLED,
        Fate(Outcome.REFUSED, PRODUCT_NOT_REGISTERED, values),
        stop_product=gtin,
        skipped=Fate(Outcome.UNSENT, PRODUCT_NOT_REGISTERED, {**values, "case": "not_sent"}),
    )


def _too_large(chunk: Chunk, answer: Answer) -> Settlement:
    count = len(chunk.serials)
    if count == 1:
        fate = Fate(Outcome.REFUSED, "request_too_large", {"said": said(answer)})
        return Settlement(ChunkState.SETTLED, fate)
    limit = min(answer.limit or count // 2, count - 1)
    return replace(cut_into(slices(count, limit)), limit=limit)


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


def fate_of(state: ChunkState, fate: Fate | None, doubt: Doubt, *, tried: bool) -> Fate:
    """What the state of a chunk in the ledger means for its rows, whether or not its run has ended."""
    if state == ChunkState.SENT:
        return LOST
    if fate:
        return fate  # it is settled, or was before a retry that has no answer yet
    if doubt == Doubt.THIS_RUN:
        return LOST
    return Fate(Outcome.UNSENT, "not_taken" if tried else "not_sent")


class EarlierOutcome(IntEnum):
    """What a run says of a serial to the runs after it."""

    NOTHING = 0
    """It was never sent, or clearly refused: it may be sent."""
    DOUBT = 1
    """It was not assigned, but an answer for it was lost, in that run or one before it."""
    UNKNOWN = 2
    """It was sent, and no answer says what became of it."""
    ASSIGNED = 3
    MAYBE_TAKEN_BACK = 4
    """A request to decommission it was sent, and an answer was lost."""
    TAKEN_BACK = 5


def for_later_runs(fate: Fate, doubt: Doubt, action: Action = Action.COMMISSION) -> EarlierOutcome:
    """Doubt is never dropped, whatever became of the serial. Of what is `already_assigned` the run tells that assigned
    it.
    """
    if action is Action.DECOMMISSION:
        return _taken_back(fate, doubt)
    match fate.outcome:
        case Outcome.ASSIGNED:
            return EarlierOutcome.ASSIGNED
        case Outcome.UNKNOWN:
            return EarlierOutcome.UNKNOWN
        case Outcome.ALREADY_ASSIGNED:
            return EarlierOutcome.NOTHING
        case _:
            return EarlierOutcome.DOUBT if doubt else EarlierOutcome.NOTHING


def _taken_back(fate: Fate, doubt: Doubt) -> EarlierOutcome:
    if fate.outcome is Outcome.DECOMMISSIONED:
        return EarlierOutcome.TAKEN_BACK
    if fate.outcome is Outcome.UNKNOWN or (doubt and fate.outcome is not Outcome.ALREADY_DECOMMISSIONED):
        return EarlierOutcome.MAYBE_TAKEN_BACK
    return EarlierOutcome.NOTHING


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by outcome; the seven of the run's action are there."""

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
