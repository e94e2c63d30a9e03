"""In which order the parts of a refused chunk go out, to find the serials that are to blame. Pure.

Depth first: so the first serial that was refused on its own is known after log2(n) requests. A part of which it is
known already that it holds a bad serial is cut without being asked for, which keeps k bad serials among n within
2·k·log2(n/k) + 2 requests for k up to about n/20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

MOST_REFUSED = 30
"""Refused parts of one chunk, none of its parts accepted, after which no single serial can be to blame."""
_CROWDED = 2
_CROWDED_SHARE = 4
"""A half with two bad serials, though at most one in five, says that the other half has some, too: seven times of eight
where they are spread evenly. Without this, eight bad among 500 cost 2 to 6 requests more."""


class HasSize(Protocol):
    @property
    def serials(self) -> int: ...


P = TypeVar("P", bound=HasSize)


class How(Enum):
    """How an answer blamed a chunk that was cut on account of it."""

    SOME = auto()
    """Some of its serials are bad: it was cut in halves."""
    NAMED = auto()
    """The answer names some: they were cut out, the rest may be good."""
    SIZE = auto()
    """It was too large: nothing is known of its serials."""
    DOUBT = auto()
    """It exists already, and an earlier answer was lost: it was cut in halves to see how much of it does."""


class End(Enum):
    """What became of a part that was not cut."""

    ACCEPTED = auto()
    REFUSED = auto()
    EXISTING = auto()
    """It exists already, and an earlier answer was lost: perhaps it is our own work."""
    OTHER = auto()
    """Neither: an answer was lost, say."""


@dataclass(slots=True, eq=False)
class _Node(Generic[P]):
    part: P
    parent: _Node[P] | None = None
    earlier: _Node[P] | None = None
    """The half beside it that goes first."""
    tainted: bool = False
    """It is known to hold a bad serial."""
    open: int = 0
    """Its parts that are not done yet."""
    done: bool = False
    bad: int = 0
    good: int = 0


@dataclass(slots=True)
class Step(Generic[P]):
    """What to do with a part: send it, or cut it in halves without asking."""

    part: P
    ask: bool
    node: _Node[P] = field(repr=False)


class Bisection(Generic[P]):
    """The parts of one planned chunk that are still to be sent, whole chunk included."""

    def __init__(self, parts: Sequence[P]) -> None:
        self._stack = [_Node(part) for part in reversed(parts)]
        self._cuts = 0
        self._refused = 0
        self._existing = 0
        self._refused_alone = False
        self._largest_next = False
        self.accepted = False
        """Whether a part of it was accepted."""

    def next(self) -> Step[P] | None:
        """The next step; None when all is done. Each step is to be answered by `cut` or `ended`, one after the other.

        Until a part was accepted, the deepest and the largest take turns once a single serial was refused: bad serials
        that stand side by side would look like a chunk that is refused whole.
        """
        if not self._stack:
            return None
        node = self._stack.pop(self._largest() if self._largest_next and not self.accepted else -1)
        self._largest_next = self._refused_alone and not self._largest_next
        return Step(node.part, not self._is_known(node), node)

    def _largest(self) -> int:
        return max(range(len(self._stack)), key=lambda place: self._stack[place].part.serials)

    def _is_known(self, node: _Node[P]) -> bool:
        """Whether the answer can be told without asking: the half beside it was clean, or crowded."""
        beside = node.earlier
        if node.part.serials == 1 or beside is None or not beside.done:
            return False
        if beside.bad == 0 and node.parent is not None and node.parent.tainted:
            node.tainted = True
            return True
        return beside.bad >= _CROWDED and beside.good >= _CROWDED_SHARE * beside.bad

    def cut(self, step: Step[P], parts: Sequence[P], how: How = How.SOME) -> None:
        """The part was cut, asked for or not."""
        node = step.node
        blamed = step.ask and how in {How.SOME, How.NAMED}
        node.tainted = node.tainted or blamed
        self._refused += blamed and node.parent is not None
        self._existing += how is How.DOUBT
        node.open = len(parts)
        children = [_Node(part, node if how in {How.SOME, How.NAMED} else None) for part in parts]
        if how is How.SOME:
            children = self._halves(children)
        self._stack.extend(reversed(children))

    def _halves(self, children: list[_Node[P]]) -> list[_Node[P]]:
        """The smaller one first: where it is clean, the larger one need not be asked for. Of equal ones now the left,
        now the right one, in no order that bad serials could follow: the first ones are bad more often than others.
        """
        first, second = sorted(children, key=lambda child: child.part.serials)
        self._cuts += 1
        if first.part.serials == second.part.serials and (self._cuts * 2654435761 >> 7 & 0xFFFF).bit_count() & 1:
            first, second = second, first
        second.earlier = first
        return [first, second]

    def ended(self, step: Step[P], end: End) -> None:
        """The part has its fate."""
        node = step.node
        if end is End.REFUSED:
            self._refused += node.parent is not None
            self._refused_alone = True
            node.bad = node.part.serials
        elif end is End.ACCEPTED:
            self.accepted = True
            node.good = node.part.serials
        else:
            self._existing += end is End.EXISTING
            node.bad = 1  # nothing can be told of the other half from it
        self._finish(node)

    def _finish(self, node: _Node[P]) -> None:
        node.done = True
        parent = node.parent
        while parent is not None:
            parent.bad += node.bad
            parent.good += node.good
            parent.open -= 1
            if parent.open:
                return
            parent.done = True
            node, parent = parent, parent.parent

    @property
    def hopeless(self) -> bool:
        """Whether so many parts were refused, and none accepted, that no single serial can be to blame."""
        return not self.accepted and self._refused >= MOST_REFUSED

    @property
    def in_vain(self) -> bool:
        """Whether so many parts in doubt exist already, and none was accepted, that the rest will exist, too."""
        return not self.accepted and self._existing >= MOST_REFUSED

    def rest(self) -> list[P]:
        """The parts that are still to be sent."""
        return [node.part for node in self._stack]

    def take_rest(self) -> list[P]:
        """The same, which are sent no more."""
        rest = self.rest()
        self._stack.clear()
        return rest
