"""The outcomes of each batch as stacked bars: places and widths; how they are drawn is the page's business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from importer.model import Action, Batch, Outcome
from importer.reconcile import GOOD
from importer.reports.summary import BatchTally, all_seven

WIDTH = 1000
MOST_BARS = 50
_LEAST = 8
"""Width of a piece that would be too small to be seen: one bad row among a million shows."""

_SETTLED = (*GOOD, Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Piece:
    outcome: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One batch."""

    batch: Batch
    rows: int
    counts: Mapping[str, int]
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Total:
    """An outcome and its count of rows."""

    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars that are drawn, of `all` batches; `columns` are the outcomes that occur in any of them."""

    bars: Sequence[Bar]
    columns: Sequence[Total]
    all: int

    @property
    def left_out(self) -> int:
        return self.all - len(self.bars)


def chart(batches: Sequence[BatchTally], action: Action = Action.COMMISSION, most: int = MOST_BARS) -> Chart:
    """Bars for up to `most` batches: those with most rows that are not assigned, all of them in the source's order."""
    places = sorted(range(len(batches)), key=lambda place: -_problems(batches[place]))[:most]
    shown = [batches[place] for place in sorted(places)]
    counted = [total for total in totals(_sum(shown, action), action) if total.count]
    return Chart([_bar(tally, action) for tally in shown], counted, len(batches))


def totals(outcomes: Mapping[str, int], action: Action) -> list[Total]:
    """All seven outcomes."""
    return [Total(outcome, count) for outcome, count in all_seven(outcomes, action).items()]


def _problems(tally: BatchTally) -> int:
    return sum(count for outcome, count in tally.outcomes.items() if outcome not in _SETTLED)


def _sum(batches: Sequence[BatchTally], action: Action) -> dict[str, int]:
    return {outcome: sum(tally.outcomes.get(outcome, 0) for tally in batches) for outcome in all_seven({}, action)}


def _bar(tally: BatchTally, action: Action) -> Bar:
    counts = all_seven(tally.outcomes, action)
    found = {outcome: count for outcome, count in counts.items() if count}
    return Bar(tally.batch, sum(found.values()), counts, _pieces(found))


def _pieces(counts: Mapping[str, int]) -> list[Piece]:
    """Pieces that fill the bar: each as wide as its share, but none under `_LEAST`."""
    rows = sum(counts.values())
    widths = [max(_LEAST, WIDTH * count / rows) for count in counts.values()]
    pieces, start = [], 0.0
    for outcome, width in zip(counts, widths, strict=True):
        pieces.append(Piece(outcome, round(start, 2), round(width * WIDTH / sum(widths), 2)))
        start += width * WIDTH / sum(widths)
    return pieces
